#include "tools/cli/base/arguments.h"

#include <fmt/core.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

bool only_check_usage = false;

}  // namespace

void Arguments::OnlyCheckUsage() { only_check_usage = true; }

Arguments::Arguments(const std::string& verb, const std::string& summary,
                     const std::string& example)
    : verb_(verb), app_(std::make_unique<CLI::App>(summary, "rmapdiff " + verb)) {
  app_->set_help_flag("-h,--help", "print this and exit");
  app_->footer("Example:\n  " + example);
}

Arguments::~Arguments() = default;

void Arguments::Files(std::vector<std::string>* files, const std::string& help) {
  Positionals("FILE", files, help);
}

void Arguments::File(std::string* file, const std::string& help) { Positional("FILE", file, help); }

void Arguments::Positional(const std::string& name, std::string* word, const std::string& help) {
  app_->add_option(name, *word, help)->required()->type_name("");
}

void Arguments::Positionals(const std::string& name, std::vector<std::string>* words,
                            const std::string& help) {
  app_->add_option(name, *words, help)->required()->type_name("");
}

void Arguments::Flag(const std::string& names, bool* on, const std::string& help) {
  app_->add_flag(names, *on, help)->disable_flag_override();
}

void Arguments::Option(const std::string& names, const std::string& value_name, std::string* value,
                       const std::string& help, bool required) {
  app_->add_option(names, *value, help)->type_name(value_name)->required(required);
}

void Arguments::Repeated(const std::string& names, const std::string& value_name,
                         std::vector<std::string>* values, const std::string& help) {
  app_->add_option(names, *values, help)
      ->type_name(value_name)
      ->type_size(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void Arguments::Excludes(const std::string& name, const std::string& other) {
  app_->get_option(name)->excludes(app_->get_option(other));
}

std::optional<int> Arguments::Parse(std::vector<std::string> words) {
  if (const auto code = Take(std::move(words))) return code;
  return Checked();
}

std::optional<int> Arguments::Checked() const {
  return only_check_usage ? std::optional<int>(kExitDone) : std::nullopt;
}

std::optional<int> Arguments::Take(std::vector<std::string> words) {
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  try {
    app_->parse(std::move(words));
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    WriteOut(app_->help());
    return kExitDone;
  } catch (const CLI::ParseError& error) {
    Reject(error.what());
  }
}

void Arguments::Reject(const std::string& what) const {
  throw Failure(kExitUsage, "rmapdiff " + verb_ + ": " + Printable(what) + ", see rmapdiff " +
                                verb_ + " --help");
}

uint64_t Arguments::Number(const std::string& name, const std::string& text, uint64_t least,
                           uint64_t most) const {
  const std::optional<uint64_t> number = ParseNumber(text);
  if (number && *number >= least && *number <= most) return *number;
  Reject(fmt::format("{}: '{}': expected a number from {} to {}", name, text, least, most));
}

uint64_t Arguments::Duration(const std::string& name, const std::string& text) const {
  if (const std::optional<uint64_t> seconds = ParseDuration(text)) return *seconds;
  Reject(fmt::format("{}: '{}': expected a time like 90s, 10m or 2h", name, text));
}

}  // namespace rmapdiff

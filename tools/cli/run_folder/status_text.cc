#include "tools/cli/run_folder/status_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tools/cli/base/json_fields.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

using Json = nlohmann::ordered_json;

std::string Plural(uint64_t count, const char* noun) {
  return fmt::format("{} {}{}", FormatCount(count), noun, count == 1 ? "" : "s");
}

std::string Whole(double number) {
  return FormatCount(static_cast<uint64_t>(std::llround(number)));
}

// "-" where nothing has been counted.
std::string RateText(double rate) { return rate > 0 ? Whole(rate) : "-"; }

std::string Head(const RunStatus& status) {
  const Sample& last = status.last;
  std::string text = Printable(status.folder) + ": ";
  if (!status.running) {
    text += last.final ? "ended" : "not running, and did not end cleanly";
  } else {
    text += "running" + (status.pid == 0 ? "" : fmt::format(" (pid {})", status.pid));
  }
  if (last.run == 0) return text + "; no figures yet\n";
  text += fmt::format("; {} fuzzed in {}, {}, seed {}\n", FormatDuration(last.elapsed),
                      Plural(last.run, "session"), Plural(last.jobs, "job"), last.seed);
  const std::string age = FormatDuration(std::max(status.now - last.time, 0.0));
  text += fmt::format("figures of {} UTC, {} ago", UtcTime(static_cast<int64_t>(last.time)), age);
  if (status.lately > 0) {
    const TargetSample lately = status.Total().lately;
    text += fmt::format("; now {} execs/s, {} ops/s in all",
                        Whole(TargetStatus::PerSecond(lately.execs, status.lately)),
                        Whole(TargetStatus::PerSecond(lately.ops, status.lately)));
  }
  return text + "\n";
}

std::string Row(size_t width, const std::array<std::string, 9>& cells) {
  const auto& [name, execs, rate, now, ops, features, corpus, last_new, findings] = cells;
  return fmt::format("{:<{}}  {:>12}  {:>7}  {:>7}  {:>9}  {:>8}  {:>7}  {:>8}  {:>8}\n", name,
                     width, execs, rate, now, ops, features, corpus, last_new, findings);
}

std::string TargetRow(const std::string& name, size_t width, const TargetStatus& one) {
  const TargetSample& figures = one.figures;
  return Row(width, {name, FormatCount(figures.execs), RateText(one.execs_per_second()),
                     RateText(one.execs_per_second_now()), RateText(one.ops_per_second()),
                     FormatCount(figures.features), FormatCount(figures.corpus),
                     FormatDuration(one.since_new_feature), FormatCount(figures.findings)});
}

std::string Targets(const RunStatus& status) {
  if (status.targets.empty()) return "";
  size_t width = std::string("target").size();
  for (const auto& [name, one] : status.targets) width = std::max(width, Printable(name).size());
  std::string text = "\n" + Row(width, {"target", "execs", "execs/s", "now", "ops/s", "features",
                                        "corpus", "last new", "findings"});
  for (const auto& [name, one] : status.targets) text += TargetRow(Printable(name), width, one);
  const TargetStatus total = status.Total();
  if (status.targets.size() > 1) text += TargetRow("total", width, total);
  return text + ScoutsText(total.sampled);
}

std::string Findings(const RunStatus& status) {
  if (status.findings.empty()) return "";
  size_t width = std::string("signature").size();
  for (const FindingRecord& one : status.findings) {
    width = std::max(width, Printable(one.signature).size());
  }
  std::string text = fmt::format("\n{:<{}}  {:>5}  {:>5}  {:<16}  {:<16}  {}\n", "signature", width,
                                 "count", "ops", "first seen", "last seen", "target");
  for (const FindingRecord& one : status.findings) {
    text += fmt::format("{:<{}}  {:>5}  {:>5}  {}  {}  {}\n  {}/findings/{}\n",
                        Printable(one.signature), width, FormatCount(one.count),
                        FormatCount(one.ops), UtcTime(one.first_seen), UtcTime(one.last_seen),
                        Printable(one.target), Printable(status.folder), Printable(one.folder));
  }
  return text;
}

Json StatusOfTarget(const TargetStatus& one) {
  Json json = TargetJson(one.figures);
  json["execs_per_second"] = one.execs_per_second();
  json["execs_per_second_now"] = one.execs_per_second_now();
  json["ops_per_second"] = one.ops_per_second();
  json["ops_per_second_now"] = one.ops_per_second_now();
  json["since_new_feature"] = one.since_new_feature;
  return json;
}

}  // namespace

std::string StatusText(const RunStatus& status) {
  std::string text = Head(status) + Targets(status) + Findings(status);
  for (const std::string& remark : status.remarks) text += "\n" + Printable(remark) + "\n";
  return text;
}

std::string StatusJson(const RunStatus& status, bool history) {
  Json targets = Json::object();
  for (const auto& [name, one] : status.targets) targets[name] = StatusOfTarget(one);
  Json findings = Json::array();
  for (const FindingRecord& one : status.findings) {
    findings.push_back(ToJson(one));
    findings.back()["folder"] = status.folder + "/findings/" + one.folder;
  }
  Json json = {{"folder", status.folder},
               {"running", status.running},
               {"clean", status.last.final},
               {"sessions", status.last.run},
               {"elapsed", status.last.elapsed},
               {"time", status.last.time},
               {"jobs", status.last.jobs},
               {"seed", status.last.seed},
               {"sanitized", status.last.sanitized},
               {"targets", targets},
               {"total", StatusOfTarget(status.Total())},
               {"findings", findings},
               {"remarks", status.remarks}};
  if (history) {
    Json samples = Json::array();
    for (const Sample& one : Thinned(status.history)) samples.push_back(SampleJson(one));
    json["history"] = {{"lines", status.history.size()}, {"samples", samples}};
  }
  return JsonText(json, 2);
}

}  // namespace rmapdiff

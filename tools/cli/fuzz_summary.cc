#include "tools/cli/fuzz_summary.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/cli/text.h"

namespace rmapdiff {
namespace {

// Exit codes of libFuzzer; an interrupted process ends with 72, a sanitizer's finding with 1.
constexpr int kSanitizerExit = 1;
constexpr int kTimeoutExit = 70;
constexpr int kOutOfMemoryExit = 71;
constexpr int kInterruptedExit = 72;
constexpr int kAbortExit = 77;

bool IsCrashSignal(int exit_code) {
  const int signals[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
  return std::any_of(std::begin(signals), std::end(signals),
                     [&](int number) { return exit_code == 128 + number; });
}

std::string KindOf(const FuzzProcess& process) {
  const LibFuzzerLog& log = process.log();
  if (log.has_own_signature()) return "divergence";
  if (log.artifact().rfind("leak-", 0) == 0) return "leak";
  switch (process.exit_code()) {
    case kTimeoutExit:
      return "timeout";
    case kOutOfMemoryExit:
      return "oom";
    case kSanitizerExit:
      return "sanitizer";
    case kAbortExit:
      return "abort";
    default:
      return IsCrashSignal(process.exit_code()) ? "signal" : "abort";
  }
}

std::string Plural(uint64_t count, const char* noun) {
  return fmt::format("{} {}{}", FormatCount(count), noun, count == 1 ? "" : "s");
}

uint64_t Rate(uint64_t before, uint64_t now, double seconds) {
  if (seconds <= 0 || now < before) return 0;
  return static_cast<uint64_t>(static_cast<double>(now - before) / seconds + 0.5);
}

std::string Row(const TargetFigures& figures, size_t width) {
  const std::string ops = figures.ops > 0 ? FormatCount(figures.ops) : "-";
  const std::string rate =
      figures.ops > 0 ? FormatCount(static_cast<uint64_t>(figures.ops_per_second())) : "-";
  return fmt::format("{:<{}}  {:>8.0f}  {:>11}  {:>13}  {:>9}  {:>8}  {:>6}  {:>8}\n", figures.name,
                     width, figures.seconds, FormatCount(figures.execs), ops, rate,
                     FormatCount(figures.features), FormatCount(figures.corpus),
                     FormatCount(figures.findings));
}

nlohmann::ordered_json ToJson(const TargetFigures& figures) {
  return {{"execs", figures.execs},       {"ops", figures.ops},
          {"seconds", figures.seconds},   {"ops_per_second", figures.ops_per_second()},
          {"features", figures.features}, {"corpus", figures.corpus},
          {"findings", figures.findings}};
}

}  // namespace

TargetFigures FuzzSummary::Total() const {
  TargetFigures total;
  total.name = "total";
  for (const TargetFigures& figures : targets) {
    total.execs += figures.execs;
    total.ops += figures.ops;
    total.seconds += figures.seconds;
    total.features += figures.features;
    total.corpus += figures.corpus;
    total.findings += figures.findings;
  }
  return total;
}

bool IsFinding(const FuzzProcess& process) {
  const int code = process.exit_code();
  if (code == 0 || code == kInterruptedExit) return false;
  if (code == kTimeoutExit || code == kOutOfMemoryExit || code == kAbortExit) return true;
  return !process.log().signature().empty() || !process.log().artifact().empty() ||
         IsCrashSignal(code);
}

FuzzFinding DescribeFinding(const FuzzProcess& process) {
  FuzzFinding finding;
  finding.kind = KindOf(process);
  finding.signature = process.log().signature();
  if (finding.signature.empty()) {
    finding.signature = fmt::format("{}, exit code {}", finding.kind, process.exit_code());
  }
  finding.count = 1;
  return finding;
}

std::string ProgressText(const FuzzSummary& before, const FuzzSummary& now) {
  const TargetFigures total = now.Total();
  const TargetFigures last = before.Total();
  const double seconds = now.elapsed - before.elapsed;
  return fmt::format("{} of {}  {} execs/s  {} ops/s  {} features  {} corpus  {}",
                     FormatDuration(now.elapsed), FormatDuration(static_cast<double>(now.budget)),
                     FormatCount(Rate(last.execs, total.execs, seconds)),
                     FormatCount(Rate(last.ops, total.ops, seconds)), FormatCount(total.features),
                     FormatCount(total.corpus), Plural(total.findings, "finding"));
}

std::string SummaryTable(const FuzzSummary& summary) {
  size_t width = std::string("target").size();
  for (const TargetFigures& figures : summary.targets) width = std::max(width, figures.name.size());
  std::string text =
      fmt::format("{:<{}}  {:>8}  {:>11}  {:>13}  {:>9}  {:>8}  {:>6}  {:>8}\n", "target", width,
                  "seconds", "execs", "ops", "ops/s", "features", "corpus", "findings");
  for (const TargetFigures& figures : summary.targets) text += Row(figures, width);
  if (summary.targets.size() > 1) text += Row(summary.Total(), width);
  for (const FuzzFinding& finding : summary.findings) {
    text += fmt::format("\n{}: {} ({}, seen {})\n", finding.target, finding.signature, finding.kind,
                        finding.count == 1 ? "once" : Plural(finding.count, "time"));
    const std::string& input = finding.artifact;
    text += "  input   " + (input.empty() ? "none was written" : Printable(input)) + "\n";
    text += "  report  " + Printable(finding.report) + "\n";
  }
  return text;
}

std::string SummaryJson(const FuzzSummary& summary) {
  using Json = nlohmann::ordered_json;
  Json targets = Json::object();
  for (const TargetFigures& figures : summary.targets) targets[figures.name] = ToJson(figures);
  Json findings = Json::array();
  for (const FuzzFinding& finding : summary.findings) {
    findings.push_back({{"target", finding.target},
                        {"signature", finding.signature},
                        {"kind", finding.kind},
                        {"artifact", finding.artifact},
                        {"report", finding.report},
                        {"count", finding.count}});
  }
  const Json json = {{"seed", summary.seed},
                     {"jobs", summary.jobs},
                     {"budget", summary.budget},
                     {"elapsed", summary.elapsed},
                     {"interrupted", summary.interrupted},
                     {"targets", targets},
                     {"findings", findings}};
  // File names can be any bytes.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace rmapdiff

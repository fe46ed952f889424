#include "tools/cli/fuzz/fuzz_summary.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

std::string Plural(uint64_t count, const char* noun) {
  return fmt::format("{} {}{}", FormatCount(count), noun, count == 1 ? "" : "s");
}

uint64_t Rate(uint64_t before, uint64_t now, double seconds) {
  if (seconds <= 0 || now < before) return 0;
  return static_cast<uint64_t>(std::llround(static_cast<double>(now - before) / seconds));
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
  return {{"execs", figures.execs},
          {"ops", figures.ops},
          {"seconds", figures.seconds},
          {"ops_per_second", figures.ops_per_second()},
          {"scout_execs", figures.scout_execs},
          {"scout_ops", figures.scout_ops},
          {"scout_seconds", figures.scout_seconds},
          {"coverage", figures.coverage},
          {"features", figures.features},
          {"corpus", figures.corpus},
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
    total.scout_execs += figures.scout_execs;
    total.scout_ops += figures.scout_ops;
    total.scout_seconds += figures.scout_seconds;
    total.features += figures.features;
    total.corpus += figures.corpus;
    total.findings += figures.findings;
  }
  return total;
}

std::string ProgressText(const FuzzSummary& before, const FuzzSummary& now) {
  const TargetFigures total = now.Total();
  const TargetFigures last = before.Total();
  const double seconds = now.elapsed - before.elapsed;
  const std::string end =
      now.budget == 0 ? "" : " of " + FormatDuration(static_cast<double>(now.budget));
  return fmt::format("{}{}  {} execs/s  {} ops/s  {} features  {} corpus  {}",
                     FormatDuration(now.elapsed), end,
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
  const TargetFigures total = summary.Total();
  if (summary.targets.size() > 1) text += Row(total, width);
  text += ScoutsText(total);
  const FindingFolders folders(summary.folder);
  for (const FindingRecord& finding : summary.findings) {
    const std::string folder = Printable(folders.PathOf(finding.signature)) + "/";
    text += fmt::format("\n{}: {} ({}, seen {})\n", finding.target, finding.signature, finding.kind,
                        finding.count == 1 ? "once" : Plural(finding.count, "time"));
    const std::string input =
        finding.artifact.empty() ? "none was written" : folder + Printable(finding.artifact);
    text += fmt::format("  input   {}\n  report  {}{}\n", input, folder, finding.report);
    if (finding.ops > 0) {
      text +=
          fmt::format("  minimal {}{}, {}\n", folder, finding.minimal, Plural(finding.ops, "op"));
    }
  }
  return text;
}

std::string SummaryJson(const FuzzSummary& summary) {
  using Json = nlohmann::ordered_json;
  Json targets = Json::object();
  for (const TargetFigures& figures : summary.targets) targets[figures.name] = ToJson(figures);
  Json findings = Json::array();
  const FindingFolders folders(summary.folder);
  for (const FindingRecord& finding : summary.findings) {
    const std::string folder = folders.PathOf(finding.signature);
    const std::string artifact = finding.artifact.empty() ? "" : folder + "/" + finding.artifact;
    findings.push_back({{"target", finding.target},
                        {"signature", finding.signature},
                        {"kind", finding.kind},
                        {"folder", folder},
                        {"artifact", artifact},
                        {"report", folder + "/" + finding.report},
                        {"count", finding.count}});
  }
  const Json json = {{"seed", summary.seed},
                     {"jobs", summary.jobs},
                     {"sanitized", summary.sanitized},
                     {"budget", summary.budget},
                     {"elapsed", summary.elapsed},
                     {"interrupted", summary.interrupted},
                     {"targets", targets},
                     {"findings", findings}};
  // File names can be any bytes.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace rmapdiff

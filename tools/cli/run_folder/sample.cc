#include "tools/cli/run_folder/sample.h"

#include <fmt/core.h>

#include <optional>
#include <utility>

#include "tools/cli/base/json_fields.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kEndOfTime = 253'402'300'800;  // the year 10000
constexpr size_t kMost = 4096;
constexpr size_t kMostSessions = 1000;

// Visits a constant one, too.
void VisitTarget(auto& one, auto& visit) {
  visit("execs", one.execs);
  visit("ops", one.ops);
  visit("seconds", one.seconds);
  visit("scout_execs", one.scout_execs);
  visit("scout_ops", one.scout_ops);
  visit("scout_seconds", one.scout_seconds);
  visit("coverage", one.coverage);
  visit("features", one.features);
  visit("corpus", one.corpus);
  visit("corpus_bytes", one.corpus_bytes);
  visit("findings", one.findings);
  visit("reduced_to", one.reduced_to);
}

// All but the targets.
void VisitSample(auto& sample, auto& visit) {
  visit("time", sample.time);
  visit("run", sample.run);
  visit("elapsed", sample.elapsed);
  visit("jobs", sample.jobs);
  visit("seed", sample.seed);
  visit("sanitized", sample.sanitized);
  visit("findings", sample.findings);
  visit("final", sample.final);
}

// Nothing if the line makes no sense.
std::optional<Sample> ReadSample(std::string_view line, const Sample& before) {
  const nlohmann::json json = ParseJson(line);
  if (!json.is_object() || !json.contains("time") || !json.contains("targets")) return {};
  if (!json["targets"].is_object()) return {};
  Sample sample = before;
  sample.final = false;
  FieldReader read(json);
  VisitSample(sample, read);
  bool sense = read.sense() && sample.run > 0 && sample.time < kEndOfTime;
  for (const auto& [name, target] : json["targets"].items()) {
    FieldReader read_target(target);
    VisitTarget(sample.targets[name], read_target);
    sense = sense && target.is_object() && read_target.sense();
  }
  return sense ? std::optional(std::move(sample)) : std::nullopt;
}

}  // namespace

std::string ScoutsText(const TargetSample& total) {
  if (total.scout_execs == 0) return "";
  return fmt::format("scouts without sanitizers ran {} of the programs in {} of {}\n",
                     FormatCount(total.scout_execs), FormatDuration(total.scout_seconds),
                     FormatDuration(total.seconds));
}

Json TargetJson(const TargetSample& one) {
  FieldWriter write;
  VisitTarget(one, write);
  return write.json;
}

Json SampleJson(const Sample& sample) {
  FieldWriter write;
  VisitSample(sample, write);
  Json& targets = write.json["targets"] = Json::object();
  for (const auto& [name, one] : sample.targets) targets[name] = TargetJson(one);
  return write.json;
}

std::vector<Sample> ReadSamples(std::string_view text, size_t* skipped) {
  std::vector<Sample> samples;
  *skipped = 0;
  Sample before;
  for (size_t end = 0; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1)) {
    if (const std::optional<Sample> sample = ReadSample(text.substr(0, end), before)) {
      samples.push_back(before = *sample);
    } else {
      ++*skipped;
    }
  }
  return samples;
}

std::string SkippedText(size_t skipped) {
  return fmt::format("{} line{} no sense", skipped, skipped == 1 ? " makes" : "s make");
}

std::vector<Sample> Thinned(const std::vector<Sample>& samples) {
  std::vector<Sample> some;
  const size_t stride = (samples.size() + kMost - 1) / kMost;
  size_t sessions = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const bool begins = i == 0 || samples[i].run != samples[i - 1].run;
    const bool kept = (begins && ++sessions <= kMostSessions) || i % stride == 0;
    if (kept || i + 1 == samples.size()) some.push_back(samples[i]);
  }
  return some;
}

}  // namespace rmapdiff

#include "tools/cli/run_folder/sample.h"

#include <utility>

#include "tools/cli/base/json_fields.h"

namespace rmapdiff {
namespace {

using Json = nlohmann::ordered_json;

Json TargetJson(const TargetSample& one) {
  return {{"execs", one.execs},
          {"ops", one.ops},
          {"seconds", one.seconds},
          {"coverage", one.coverage},
          {"features", one.features},
          {"corpus", one.corpus},
          {"corpus_bytes", one.corpus_bytes},
          {"findings", one.findings},
          {"reduced_to", one.reduced_to}};
}

TargetSample ReadTarget(const nlohmann::json& object) {
  return {
      WholeOf(object, "execs"),        WholeOf(object, "ops"),      NumberOf(object, "seconds"),
      WholeOf(object, "coverage"),     WholeOf(object, "features"), WholeOf(object, "corpus"),
      WholeOf(object, "corpus_bytes"), WholeOf(object, "findings"), WholeOf(object, "reduced_to")};
}

constexpr size_t kMost = 4096;
constexpr size_t kMostSessions = 1000;

}  // namespace

Json SampleJson(const Sample& sample) {
  Json targets = Json::object();
  for (const auto& [name, one] : sample.targets) targets[name] = TargetJson(one);
  Json line = {{"time", sample.time},        {"run", sample.run},   {"elapsed", sample.elapsed},
               {"jobs", sample.jobs},        {"seed", sample.seed}, {"targets", targets},
               {"findings", sample.findings}};
  if (sample.final) line["final"] = true;
  return line;
}

std::string SampleLine(const Sample& sample) {
  return SampleJson(sample).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<Sample> ReadSample(std::string_view line) {
  const nlohmann::json json = ParseJson(line);
  if (!json.is_object() || !json.contains("time") || !json.contains("targets")) return {};
  if (!json["targets"].is_object()) return {};
  Sample sample;
  sample.time = NumberOf(json, "time");
  sample.run = WholeOf(json, "run");
  sample.elapsed = NumberOf(json, "elapsed");
  sample.jobs = WholeOf(json, "jobs");
  sample.seed = WholeOf(json, "seed");
  sample.findings = WholeOf(json, "findings");
  sample.final = FlagOf(json, "final");
  for (const auto& [name, target] : json["targets"].items()) {
    if (target.is_object()) sample.targets[name] = ReadTarget(target);
  }
  return sample;
}

std::vector<Sample> ReadSamples(std::string_view text, size_t* skipped) {
  std::vector<Sample> samples;
  *skipped = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == text.npos) break;  // being written, or cut off
    if (std::optional<Sample> sample = ReadSample(text.substr(0, end))) {
      samples.push_back(std::move(*sample));
    } else {
      ++*skipped;
    }
    text.remove_prefix(end + 1);
  }
  return samples;
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

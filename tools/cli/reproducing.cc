#include "tools/cli/reproducing.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "fuzzers/report_story.h"
#include "tools/cli/code_lines.h"
#include "tools/cli/text.h"

namespace rmapdiff {
namespace {

// The source of the engine's own reverse map.
std::string MapOf(const std::string& engine) {
  if (engine == "sibling") return "mmu/sibling_map.h";
  return engine == "legacy" ? "legacy_mmu/descriptor_map.h" : "";
}

// The sources of the MMU on the stack.
std::string StackCode(const std::vector<StackFrame>& stack) {
  std::vector<StackFrame> frames;
  for (const StackFrame& frame : stack) {
    const bool own = frame.file.rfind("mmu/", 0) == 0 || frame.file.rfind("legacy_mmu/", 0) == 0;
    if (own) frames.push_back(frame);
  }
  const std::string text = CodeText(frames, {});
  return text.empty() ? "" : "code on the stack, innermost first:\n" + text;
}

// What the operation ran of the reverse map at fault.
std::string CodeOf(const Trial& trial, size_t ops) {
  if (trial.ending != Ending::kVerdict) return StackCode(trial.cause.frames);
  const std::string file = MapOf(trial.story.engine);
  if (file.empty() || (trial.blocks.empty() && trial.new_blocks.empty())) return "";
  const std::string program = SanitizedProbe();
  std::vector<uint64_t> all = trial.blocks;
  all.insert(all.end(), trial.new_blocks.begin(), trial.new_blocks.end());
  const std::string text =
      CodeText(LinesOf(program, all, file), LinesOf(program, trial.new_blocks, file));
  if (text.empty()) return "";
  const std::string what =
      trial.place() < ops ? fmt::format("op {}", trial.place() + 1) : "the teardown";
  return fmt::format("{}, what {} ran (* for the first time):\n{}", file, what, text);
}

}  // namespace

std::string Runs::Usual() const {
  std::string usual;
  size_t most = 0;
  for (const auto& [signature, times] : by_signature) {
    if (!signature.empty() && times > most) usual = signature;
    if (!signature.empty()) most = std::max(most, times);
  }
  return usual;
}

Runs RunAll(const Program& program, const ProbeRequest& request, ProbeBuild build, uint64_t count) {
  Runs runs;
  for (; runs.count < count; ++runs.count) {
    Prober prober(build);  // a fresh process each time
    Trial trial = prober.Try(request);
    const std::string signature = Signature(program, trial);
    ++runs.by_signature[signature];
    runs.first.emplace(signature, std::move(trial));
  }
  return runs;
}

std::string RunsText(const Runs& runs, ProbeBuild build) {
  const std::string usual = runs.Usual();
  const char* where =
      build == ProbeBuild::kSanitized ? "under ASan and UBSan" : "without sanitizers";
  if (usual.empty()) return fmt::format("not reproduced, 0/{} {}\n", runs.count, where);
  std::string text = fmt::format("reproduced {}/{} {}: {}\n", runs.by_signature.at(usual),
                                 runs.count, where, usual);
  for (const auto& [signature, times] : runs.by_signature) {
    if (signature == usual) continue;
    text += fmt::format("  otherwise {}/{}: {}\n", times, runs.count,
                        signature.empty() ? "no finding" : signature);
  }
  return text;
}

std::string TrialReport(const Program& program, const Trial& trial) {
  return PrintableLines(TrialText(program, trial, {})) + CodeOf(trial, program.ops.size());
}

std::string StoryOf(const Program& program, const Trial& trial) {
  const std::string report = PrintableLines(TrialText(program, trial, {}));
  return report.substr(0, report.find("program ("));
}

}  // namespace rmapdiff

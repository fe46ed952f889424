#include "tools/cli/guilty_code.h"

#include <fmt/format.h>

#include "tools/cli/code_lines.h"
#include "tools/cli/prober.h"

namespace rmapdiff {
namespace {

// The source of the engine's own reverse map.
std::string MapOf(const std::string& engine) {
  if (engine == "sibling") return "mmu/sibling_map.h";
  return engine == "legacy" ? "legacy_mmu/descriptor_map.h" : "";
}

// Those in the sources of the MMUs.
std::vector<StackFrame> OwnFrames(const std::vector<StackFrame>& stack) {
  std::vector<StackFrame> frames;
  for (const StackFrame& frame : stack) {
    const bool own = frame.file.rfind("mmu/", 0) == 0 || frame.file.rfind("legacy_mmu/", 0) == 0;
    if (own) frames.push_back(frame);
  }
  return frames;
}

}  // namespace

GuiltyCode FindGuiltyCode(const Trial& trial) {
  GuiltyCode code;
  if (trial.ending != Ending::kVerdict) {
    code.lines = OwnFrames(trial.cause.frames);
    return code;
  }
  code.map = MapOf(trial.story.engine);
  if (code.map.empty() || (trial.blocks.empty() && trial.new_blocks.empty())) return code;
  const std::string program = SanitizedProbe();
  std::vector<uint64_t> all = trial.blocks;
  all.insert(all.end(), trial.new_blocks.begin(), trial.new_blocks.end());
  code.lines = LinesOf(program, all, code.map);
  code.first = LinesOf(program, trial.new_blocks, code.map);
  return code;
}

std::string GuiltyCodeText(const Trial& trial, size_t ops) {
  const GuiltyCode code = FindGuiltyCode(trial);
  const std::string text = CodeText(code.lines, code.first);
  if (text.empty()) return "";
  if (code.map.empty()) return "code on the stack, innermost first:\n" + text;
  const std::string what =
      trial.place() < ops ? fmt::format("op {}", trial.place() + 1) : "the teardown";
  return fmt::format("{}, what {} ran (* for the first time):\n{}", code.map, what, text);
}

}  // namespace rmapdiff

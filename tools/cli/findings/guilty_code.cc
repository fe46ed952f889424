#include "tools/cli/findings/guilty_code.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "fuzzers/voices/voice.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/findings/neighbours.h"
#include "tools/cli/findings/probe_client.h"

namespace rmapdiff {
namespace {

constexpr size_t kShorter = 48;  // neighbours of each kind
constexpr size_t kChanged = 72;
constexpr size_t kSuspectsShown = 3;
constexpr size_t kSuspectsKept = 10;
constexpr size_t kLinesShown = 12;
constexpr uint64_t kNeighbourMs = 5'000;
constexpr size_t kNeighbourOps = 50'000;  // of all neighbours of a kind

// Of the engine's map; "" if there is no such engine.
std::string SourceOf(const std::string& name) {
  const Engine* engine = FindEngine(name);
  return engine != nullptr ? std::string(engine->source) : "";
}

// The source of the one reverse map at fault; "" if there is no such.
std::string MapOf(const Verdict& verdict) {
  return verdict.guilty.size() == 1 ? SourceOf(verdict.engines[*verdict.guilty.begin()]) : "";
}

// Whether the MMU that all maps share is at fault. A wrong view of the guest is never one map's
// fault, even if only one engine has run.
bool IsShared(const Verdict& verdict) {
  return verdict.check == Check::kTruth || verdict.guilty.size() > 1;
}

bool SameFinding(const Verdict& a, const Verdict& b) {
  return a.kind == b.kind && a.check == b.check && a.guilty == b.guilty &&
         a.undecided == b.undecided;
}

void FindMapLines(const Trial& trial, GuiltyCode* code) {
  std::vector<uint64_t> all;
  std::set<uint64_t> first;
  for (const BlockRun& block : trial.blocks) {
    if (block.last == trial.place()) all.push_back(block.address);
    if (block.first == trial.place()) first.insert(block.address);
  }
  code->lines = LinesOf(SanitizedProbe(), all, first, code->map);
}

// Where in the shared engine the blocks stand.
CodeMap SharedCode(const std::set<uint64_t>& blocks) {
  const std::vector<uint64_t> addresses(blocks.begin(), blocks.end());
  const std::vector<std::vector<StackFrame>> all = FramesOf(SanitizedProbe(), addresses);
  CodeMap code;
  for (size_t i = 0; i < addresses.size(); ++i) {
    for (const StackFrame& frame : all[i]) {
      const bool shared =
          frame.file.starts_with("mmu/shadow/") || frame.file.starts_with("mmu/graph/");
      if (shared && frame.line > 0) code[addresses[i]].push_back(frame);
    }
  }
  return code;
}

// The code that a program ran up to the finding of `trial`.
ProgramRun RunOf(const Program& program, const Trial& trial, bool shows, Check check) {
  ProgramRun run{shows, {}};
  for (const BlockRun& block : trial.blocks) {
    // A finding of an operation has seen no teardown.
    const bool teardown = block.first >= program.ops.size();
    if (!teardown || check == Check::kTeardown) run.blocks.insert(block.address);
  }
  return run;
}

// Runs a neighbour in a child. Nothing if its outcome is another one than the finding or none.
std::optional<ProgramRun> RunNeighbour(const Program& program, const Verdict& finding,
                                       ProbeRequest* request, ProbeClient* client) {
  request->Run(program);
  Trial trial;
  try {
    trial = client->Try(*request);
  } catch (const Failure&) {
    return std::nullopt;  // a neighbour may break a probe: the user has not asked about it
  }
  const bool shows = SameFinding(trial.verdict, finding);
  const bool good = trial.verdict.kind != VerdictKind::kDivergence;
  if (trial.ending != Ending::kVerdict || (!shows && !good)) return std::nullopt;
  return RunOf(program, trial, shows, finding.check);
}

void FindSuspects(Program program, const Trial& trial, const ProbeRequest& like,
                  const std::function<bool()>& stop, GuiltyCode* code) {
  program.ops.resize(std::min(program.ops.size(), trial.place() + 1));
  const size_t most = kNeighbourOps / std::max<size_t>(program.ops.size(), 1);
  ProbeClient client(ProbeBuild::kSanitized);
  ProbeRequest request = like;
  request.story = request.leaks = request.codec = false;
  request.blocks = trial.story.engine;
  request.limits.wall_ms = std::min(like.limits.wall_ms, kNeighbourMs);
  const ProgramRun first = RunOf(program, trial, true, trial.verdict.check);
  std::vector<ProgramRun> others;
  std::set<uint64_t> blocks = first.blocks;
  for (const Program& neighbour :
       Neighbours(program, std::min(kShorter, most), std::min(kChanged, most))) {
    if (stop && stop()) break;
    std::optional<ProgramRun> run = RunNeighbour(neighbour, trial.verdict, &request, &client);
    if (!run) continue;
    code->showing += run->shows ? 1 : 0;
    blocks.insert(run->blocks.begin(), run->blocks.end());
    others.push_back(std::move(*run));
  }
  code->programs = others.size();
  if (code->showing == others.size()) return;  // no good one to compare with
  code->suspects = RankSuspects(first, others, SharedCode(blocks));
  if (code->suspects.size() > kSuspectsKept) code->suspects.resize(kSuspectsKept);
}

std::string SuspectsText(const GuiltyCode& code) {
  const size_t all = code.showing + 1;  // the program itself shows it
  const size_t good = code.programs - code.showing;
  std::string text =
      fmt::format("candidates in the engine that all maps share, by {} programs beside this one:\n",
                  code.programs);
  for (size_t i = 0; i < std::min(code.suspects.size(), kSuspectsShown); ++i) {
    const Suspect& suspect = code.suspects[i];
    std::vector<CodeLine> lines;
    for (const StackFrame& frame : suspect.lines) {
      if (lines.size() < kLinesShown) lines.push_back({frame});
    }
    text += fmt::format("  {}. {}:{}, run by {} of {} that show the finding, {} of {} good ones\n",
                        i + 1, lines[0].frame.file, lines[0].frame.line, suspect.showing, all,
                        suspect.good, good);
    text += CodeText(lines);
    const size_t more = suspect.lines.size() - lines.size();
    if (more > 0) text += fmt::format("    ... ({} more lines)\n", more);
  }
  return text;
}

}  // namespace

std::string SharedSource(const Header& header) {
  return header.whole_mmu() ? "mmu/shadow/shadow_mmu.h" : "mmu/graph/page_graph.h";
}

std::string SourceAtFault(const Program& program, const Trial& trial) {
  const bool verdict = trial.ending == Ending::kVerdict;
  if (verdict && trial.verdict.undecided) return "";
  const std::string map = verdict ? MapOf(trial.verdict) : SourceOf(trial.engine);
  return map.empty() ? SharedSource(program.header) : map;
}

GuiltyCode FindGuiltyCode(const Program& program, const Trial& trial, const ProbeRequest& like,
                          const std::function<bool()>& stop) {
  GuiltyCode code;
  if (trial.ending != Ending::kVerdict) {
    for (const StackFrame& frame : trial.cause.frames) {
      if (IsMmuSource(frame.file)) code.lines.push_back({frame});
    }
    return code;
  }
  if (trial.blocks.empty()) return code;
  if (IsShared(trial.verdict)) {
    FindSuspects(program, trial, like, stop, &code);
    return code;
  }
  code.map = MapOf(trial.verdict);
  if (!code.map.empty()) FindMapLines(trial, &code);
  return code;
}

std::string GuiltyCodeText(const GuiltyCode& code, const Program& program, const Trial& trial) {
  if (!code.suspects.empty()) return SuspectsText(code);
  const std::string text = CodeText(code.lines);
  if (text.empty()) return "";
  if (code.map.empty()) return "code on the stack, innermost first:\n" + text;
  const std::string what =
      trial.place() < program.ops.size() ? fmt::format("op {}", trial.place() + 1) : "the teardown";
  return fmt::format("{}, what {} ran (* for the first time):\n{}", code.map, what, text);
}

}  // namespace rmapdiff

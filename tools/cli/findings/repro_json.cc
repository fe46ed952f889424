#include "tools/cli/findings/repro_json.h"

#include <nlohmann/json.hpp>

#include "fuzzers/finding/report_story.h"
#include "fuzzers/run/verdict_words.h"
#include "fuzzers/voices/voice.h"
#include "tools/cli/base/json_fields.h"
#include "tools/cli/base/text.h"

namespace rmapdiff {
namespace {

using Json = nlohmann::ordered_json;

Json LineJson(const StackFrame& line, bool first, size_t rank) {
  return {{"function", line.function},
          {"file", line.file},
          {"line", line.line},
          {"first", first},
          {"rank", rank}};
}

Json CodeJson(const GuiltyCode& code) {
  Json lines = Json::array();
  for (const CodeLine& line : code.lines) lines.push_back(LineJson(line.frame, line.marked, 0));
  for (size_t i = 0; i < code.suspects.size(); ++i) {
    for (const StackFrame& line : code.suspects[i].lines) {
      lines.push_back(LineJson(line, false, i + 1));
    }
  }
  return lines;
}

// The sources of the maps by the names of the engines.
Json EnginesJson(const Artifact& artifact) {
  Json engines = Json::object();
  for (const Engine& engine : EnginesOf(artifact.Request()))
    engines[std::string(engine.name)] = engine.source;
  return engines;
}

void AddFinding(const Program& program, const Trial& trial, const GuiltyCode& code, Json* all) {
  const bool verdict = trial.ending == Ending::kVerdict;
  const Difference difference = verdict ? trial.verdict.difference : Difference{};
  const bool at_op = trial.place() < program.ops.size();
  (*all)["kind"] = verdict ? "divergence" : "crash";
  (*all)["engine"] = GuiltyName(trial);
  (*all)["source"] = SourceAtFault(program, trial);
  (*all)["op_index"] = trial.place();
  (*all)["op"] = at_op ? PrintOp(program.header, program.ops[trial.place()]) : "teardown";
  (*all)["check"] = verdict ? std::string(CheckName(trial.verdict.check)) : "";
  (*all)["subject"] = difference.subject;
  (*all)["expected"] = difference.expected;
  (*all)["actual"] = difference.actual;
  (*all)["detail"] = verdict ? difference.detail : trial.cause.said;
  (*all)["code"] = CodeJson(code);
}

}  // namespace

std::string ReproJson(const Artifact& artifact, const Program& program, const Runs& runs,
                      const GuiltyCode& code) {
  const std::string usual = runs.Usual();
  Json others = Json::object();
  for (const auto& [signature, count] : runs.by_signature) {
    if (signature != usual) others[signature] = count;
  }
  Json all = {{"file", artifact.file},
              {"target", artifact.target},
              {"ops", program.ops.size()},
              {"runs", runs.count},
              {"reproduced", runs.Reproduced()},
              {"sanitized", runs.build == ProbeBuild::kSanitized},
              {"signature", usual},
              {"others", others},
              {"engines", EnginesJson(artifact)},
              {"shared", SharedSource(program.header)}};
  if (!usual.empty()) AddFinding(program, runs.UsualTrial(), code, &all);
  all["report"] = PrintableLines(TrialText(program, runs.UsualTrial(), {}));
  return JsonText(all, 2);
}

}  // namespace rmapdiff

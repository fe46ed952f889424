#include "tools/cli/findings/repro_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fuzzers/finding/report_story.h"
#include "fuzzers/run/verdict_words.h"
#include "fuzzers/voices/voice.h"
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
  for (const StackFrame& line : code.lines) {
    const auto same = [&](const StackFrame& one) {
      return one.path == line.path && one.line == line.line;
    };
    lines.push_back(LineJson(line, std::any_of(code.first.begin(), code.first.end(), same), 0));
  }
  for (size_t i = 0; i < code.suspects.size(); ++i) {
    for (const StackFrame& line : code.suspects[i].lines) {
      lines.push_back(LineJson(line, false, i + 1));
    }
  }
  return lines;
}

// The sources of the maps by the names of the engines.
Json EnginesJson() {
  Json engines = Json::object();
  for (const Engine& engine : AllEngines()) engines[std::string(engine.name)] = engine.source;
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

std::string ReproJson(const Artifact& artifact, const Program& program, const ReproResult& result,
                      const Trial& trial, const GuiltyCode& code) {
  const auto times = [&](const std::string& signature) {
    const auto found = result.by_signature.find(signature);
    return found == result.by_signature.end() ? 0 : found->second;
  };
  Json others = Json::object();
  for (const auto& [signature, count] : result.by_signature) {
    if (signature != result.usual) others[signature] = count;
  }
  Json all = {{"file", artifact.file},
              {"target", artifact.target},
              {"ops", program.ops.size()},
              {"runs", result.runs},
              {"reproduced", result.usual.empty() ? 0 : times(result.usual)},
              {"sanitized", result.sanitized},
              {"signature", result.usual},
              {"others", others},
              {"engines", EnginesJson()},
              {"shared", SharedSource(program.header)}};
  if (!result.usual.empty()) AddFinding(program, trial, code, &all);
  all["report"] = PrintableLines(TrialText(program, trial, {}));
  // Names of files are any bytes.
  return all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace rmapdiff

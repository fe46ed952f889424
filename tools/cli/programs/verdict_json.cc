#include "tools/cli/programs/verdict_json.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "fuzzers/run/report.h"
#include "fuzzers/run/verdict_words.h"

namespace rmapdiff {
namespace {

using Json = nlohmann::ordered_json;

const char* KindName(VerdictKind::Value kind) {
  switch (kind) {
    case VerdictKind::kAgree:
      return "agree";
    case VerdictKind::kBug:
      return "bug";
    case VerdictKind::kClassified:
      return "classified";
    case VerdictKind::kDivergence:
      return "divergence";
  }
  return "?";
}

Json ValuesJson(const Verdict& verdict) {
  Json values = Json::array();
  for (const VoiceValue& one : VoiceValues(verdict)) {
    values.push_back({{"voice", one.name}, {"value", one.value}});
  }
  return values;
}

}  // namespace

std::string VerdictJson(const Program& program, const Verdict& verdict, const std::string& file) {
  Json json = {{"kind", KindName(verdict.kind)},
               {"ops", program.ops.size()},
               {"ops_run", verdict.ops_run},
               {"state_hash", fmt::format("{:#018x}", verdict.state_hash)},
               {"file", file}};
  if (verdict.kind != VerdictKind::kAgree) {
    const bool at_op = verdict.op_index < program.ops.size();
    json["op_index"] = verdict.op_index;
    json["op"] = at_op ? PrintOp(program.header, program.ops[verdict.op_index]) : "teardown";
    json["values"] = ValuesJson(verdict);
  }
  if (verdict.kind == VerdictKind::kClassified) json["classified"] = verdict.classified;
  if (verdict.kind == VerdictKind::kDivergence) {
    const Difference& difference = verdict.difference;
    json["signature"] = Signature(program, verdict);
    json["guilty"] = GuiltyName(verdict);
    json["check"] = CheckName(verdict.check);
    json["finding"] = FindingName(difference.finding);
    json["subject"] = difference.subject;
    json["expected"] = difference.expected;
    json["actual"] = difference.actual;
    json["detail"] = difference.detail;
  }
  return json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace rmapdiff

#include "tools/cli/libfuzzer/sighting.h"

#include <fmt/core.h>
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fuzzers/finding/address_space.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/json_fields.h"
#include "tools/cli/base/output.h"

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

std::string KindOfExit(int exit_code) {
  switch (exit_code) {
    case kTimeoutExit:
      return "timeout";
    case kOutOfMemoryExit:
      return "oom";
    case kSanitizerExit:
      return "sanitizer";
    default:
      return IsCrashSignal(exit_code) ? "signal" : "abort";
  }
}

// Visits a constant one, too.
void VisitSighting(auto& sighting, auto& visit) {
  visit("signature", sighting.signature);
  visit("own", sighting.own);
  visit("kind", sighting.kind);
  visit("report", sighting.report);
  visit("scout", sighting.scout);
}

}  // namespace

std::string KindOf(const Trial& trial) {
  switch (trial.ending) {
    case Ending::kVerdict:
      return "divergence";
    case Ending::kSanitizer:
      return trial.cause.kind.find("leak") != std::string::npos ? "leak" : "sanitizer";
    case Ending::kSignal:
      return "signal";
    case Ending::kTimeout:
      return "timeout";
    case Ending::kMemory:
      return "oom";
    case Ending::kExit:
      return "abort";
  }
  return "abort";
}

std::string KindOf(std::string_view artifact) {
  const std::string_view name = artifact.substr(artifact.rfind('/') + 1);  // npos + 1 is 0
  const std::string_view word = name.substr(0, name.find('-'));
  return word == "timeout" || word == "oom" || word == "leak" ? std::string(word) : "abort";
}

bool LacksAddressSpace(int exit_code, const LibFuzzerLog& log) {
  if (exit_code == 0 || exit_code == kInterruptedExit) return false;
  return exit_code == kNoAddressSpaceExit ||
         !WhyNoAddressSpace(log.report(), HasLimitedAddressSpace()).empty();
}

bool IsFinding(int exit_code, const LibFuzzerLog& log) {
  if (exit_code == 0 || exit_code == kInterruptedExit) return false;
  if (LacksAddressSpace(exit_code, log)) return false;
  return exit_code == kTimeoutExit || exit_code == kOutOfMemoryExit || exit_code == kAbortExit ||
         !log.signature().empty() || !log.artifact().empty() || IsCrashSignal(exit_code);
}

Sighting SightingOf(std::optional<int> exit_code, const LibFuzzerLog& log) {
  Sighting seen = {log.signature(), log.has_own_signature(), KindOf(log.artifact()), log.report()};
  if (seen.own) {
    seen.kind = "divergence";
  } else if (exit_code && seen.kind != "leak") {
    seen.kind = KindOfExit(*exit_code);
  }
  if (seen.signature.empty() && exit_code) {
    seen.signature = fmt::format("{}, exit code {}", seen.kind, *exit_code);
  }
  return seen;
}

std::string SightingPath(const std::string& artifact) { return artifact + ".json"; }

void WriteSighting(const std::string& artifact, const Sighting& sighting) {
  FieldWriter write;
  VisitSighting(sighting, write);
  WriteFile(SightingPath(artifact), JsonText(write.json, 2));
}

Sighting ReadSighting(const std::string& artifact) {
  const nlohmann::json json = ParseJson(FileContents(SightingPath(artifact)));
  Sighting sighting;
  FieldReader read(json);
  VisitSighting(sighting, read);
  return sighting;
}

}  // namespace rmapdiff

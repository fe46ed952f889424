#include "tools/cli/findings/artifact.h"

#include <fmt/core.h>

#include <optional>

#include "fuzzers/program/program_file.h"
#include "fuzzers/program/target_kinds.h"
#include "fuzzers/run/report.h"
#include "fuzzers/voices/voice.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/input.h"
#include "tools/cli/base/text.h"
#include "tools/cli/run_folder/finding_folders.h"

namespace rmapdiff {
namespace {

// By the name of the file if that is of a target that runs the program.
std::string TargetOf(const Header& header, const std::string& path) {
  for (const TargetKind& kind : TargetKinds()) {
    if (kind.accepts(header) && PathNames(path, kind.name)) return std::string(kind.name);
  }
  const TargetKind* kind = TargetKindFor(header);
  return kind != nullptr ? std::string(kind->name) : "";
}

std::string MapsFor(const std::string& file, const std::optional<FindingRecord>& finding) {
  const std::string chosen = ChosenMaps();
  if (!chosen.empty() || !finding) return chosen;
  const auto engines = EnginesNamed(finding->maps);
  if (const auto* wrong = std::get_if<std::string>(&engines)) {
    throw Failure(kExitUsage, fmt::format("{}: its finding was made with other maps: {}",
                                          Printable(file), Printable(*wrong)));
  }
  return finding->maps;
}

}  // namespace

std::string Artifact::Describe() const {
  const Header& header = program.header;
  const std::string machine = header.whole_mmu()
                                  ? fmt::format("a whole MMU, mode {}", ModeName(header.mode))
                                  : "a page graph";
  const char* limits = header.limits == LimitsMode::kTiny ? "tiny" : "production";
  return fmt::format("{}: {} on {}, {} limits; {}", Printable(file), OpCount(program), machine,
                     limits,
                     target.empty() ? "no fuzz target runs such programs" : "for " + target);
}

ProbeRequest Artifact::Request() const {
  ProbeRequest request;
  request.maps = maps;
  request.codec = codec;
  request.program = bytes;
  if (!codec) request.Run(program);
  return request;
}

Artifact ReadArtifact(const std::string& file) {
  Artifact artifact;
  artifact.file = file;
  const std::optional<FindingRecord> finding = FindingOf(file);
  const std::string names = (finding ? finding->target : "") + "/" + file;
  artifact.maps = MapsFor(file, finding);
  artifact.codec = NamesCodecTarget(names);
  // To program_fuzzer a text is a program, or bytes like any others.
  const bool any_bytes = artifact.codec && !file.ends_with(".ops");
  artifact.program =
      any_bytes ? ReadAnyBytes(file, &artifact.bytes) : ReadProgram(file, &artifact.bytes);
  artifact.target =
      artifact.codec ? std::string(kCodecTarget) : TargetOf(artifact.program.header, names);
  return artifact;
}

std::string OpCount(size_t ops) { return fmt::format("{} op{}", ops, ops == 1 ? "" : "s"); }

std::string NextCommands(const std::string& file, const std::string& maps) {
  const std::string word = WordsFor(file, maps);
  return CommandsText(file, maps) + "picture:    tools/rmapdiff graph " + word +
         " -o state.svg\ndebug:      tools/rmapdiff repro --gdb " + word + "\n";
}

}  // namespace rmapdiff

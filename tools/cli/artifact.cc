#include "tools/cli/artifact.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "fuzzers/report.h"
#include "fuzzers/target_kinds.h"
#include "tools/cli/folders.h"
#include "tools/cli/input.h"
#include "tools/cli/text.h"

namespace rmapdiff {
namespace {

constexpr std::string_view kCodecTarget = "program_fuzzer";

// Whether the name stands in the path as a word of its own.
bool Names(std::string_view path, std::string_view name) {
  for (size_t at = path.find(name); at != path.npos; at = path.find(name, at + 1)) {
    const bool begins = at == 0 || path[at - 1] == '/' || path[at - 1] == '-';
    const size_t end = at + name.size();
    const bool ends = end == path.size() || path[end] == '/' || path[end] == '-';
    if (begins && ends) return true;
  }
  return false;
}

// "long", "tdp" ...: the header's own word.
std::string ModeName(const Header& header) {
  constexpr std::string_view kKey = " mode=";
  const std::string text = Print({header, {}});
  const size_t begin = text.find(kKey) + kKey.size();
  return text.substr(begin, text.find(' ', begin) - begin);
}

// By the name of the file if that is of a target that runs the program.
std::string TargetOf(const Header& header, const std::string& path) {
  for (const TargetKind& kind : TargetKinds()) {
    if (kind.accepts(header) && Names(path, kind.name)) return std::string(kind.name);
  }
  const TargetKind* kind = TargetKindFor(header);
  return kind != nullptr ? std::string(kind->name) : "";
}

// What the finding says that the file is of, in the folder of a continuous run; "" if it is of
// none.
std::string TargetBeside(const std::string& path) {
  const std::filesystem::path record = std::filesystem::path(path).parent_path() / "finding.json";
  const auto json = nlohmann::json::parse(FileContents(record.string()), nullptr,
                                          /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("target") || !json["target"].is_string()) return "";
  return json["target"].get<std::string>();
}

}  // namespace

std::string Artifact::Describe() const {
  const Header& header = program.header;
  const std::string machine =
      header.whole_mmu() ? fmt::format("a whole MMU, mode {}", ModeName(header)) : "a page graph";
  const char* limits = header.limits == LimitsMode::kTiny ? "tiny" : "production";
  return fmt::format("{}: {} op{} on {}, {} limits; {}", Printable(file), program.ops.size(),
                     program.ops.size() == 1 ? "" : "s", machine, limits,
                     target.empty() ? "no fuzz target runs such programs" : "for " + target);
}

ProbeRequest Artifact::Request() const {
  ProbeRequest request;
  request.codec = codec;
  if (codec) {
    request.program = bytes;
  } else {
    const std::vector<uint8_t> canonical = Encode(program);
    request.program.assign(canonical.begin(), canonical.end());
  }
  return request;
}

Artifact ReadArtifact(const std::string& file) {
  Artifact artifact;
  artifact.file = file;
  artifact.program = ReadProgram(file, &artifact.bytes);
  const std::string names = TargetBeside(file) + "/" + file;
  artifact.codec = Names(names, kCodecTarget);
  artifact.target =
      artifact.codec ? std::string(kCodecTarget) : TargetOf(artifact.program.header, names);
  return artifact;
}

std::string NextCommands(const std::string& file) {
  const std::string word = ShellWord(file);
  return CommandsText(file) + "picture:    tools/rmapdiff graph " + word +
         " -o state.svg\ndebug:      tools/rmapdiff repro --gdb " + word + "\n";
}

}  // namespace rmapdiff

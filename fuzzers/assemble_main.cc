// assemble OUTDIR FILE...: makes seeds into the files that a fuzz target reads.
//
// A program as text (program_file.h) is parsed and its canonical bytes are written to
// OUTDIR/NAME.bin, any other file is copied to OUTDIR/NAME; NAME is the path with '-' for '/'.
// Below a folder called program_fuzzer, whose inputs are any bytes, only .ops files are text.
// Nothing is written unless all is well.
// Exit codes: 0 done, 2 usage or bad input (a line for each file), 3 a file cannot be read or
// written.
#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include "fuzzers/program/program.h"
#include "fuzzers/program/program_file.h"

namespace rmapdiff {
namespace {

constexpr int kBadInput = 2;
constexpr int kEnvironment = 3;

struct Seed {
  std::string path;  // where it comes from
  std::string content;
};
using Seeds = std::map<std::string, Seed>;  // by name in OUTDIR

bool IsText(const std::string& path, const std::string& content) {
  return NamesCodecTarget(path) ? path.ends_with(".ops") : HoldsText(path, content);
}

std::string NameOf(const std::string& path, bool text) {
  std::string name = path;
  std::replace(name.begin(), name.end(), '/', '-');
  return text ? name + ".bin" : name;
}

int Complain(int exit_code, const std::string& what) {
  fmt::print(stderr, "{}\n", what);
  return exit_code;
}

int AddSeed(const std::string& path, Seeds& seeds) {
  std::error_code error;
  // Looked at first: to open a pipe would wait for its writer.
  const bool regular = std::filesystem::is_regular_file(path, error);
  std::ifstream file;
  if (regular) file.open(path, std::ios::binary);
  if (!regular || !file) return Complain(kEnvironment, fmt::format("{}: cannot be read", path));
  std::string content{std::istreambuf_iterator<char>(file), {}};
  const bool text = IsText(path, content);
  if (text) {
    const auto parsed = Parse(content);
    if (const auto* at = std::get_if<ParseError>(&parsed)) {
      return Complain(kBadInput, fmt::format("{}:{}:{}: {}", path, at->line, at->column, at->what));
    }
    const std::vector<uint8_t> bytes = Encode(std::get<Program>(parsed));
    content.assign(bytes.begin(), bytes.end());
  }
  const auto [at, is_new] = seeds.insert({NameOf(path, text), Seed{path, std::move(content)}});
  if (is_new || at->second.path == path) return 0;
  return Complain(kBadInput, fmt::format("{}:1:1: becomes {} as {} does, expected another name",
                                         path, at->first, at->second.path));
}

// A reader never sees half a file: it appears under its name when it is complete.
int Write(const std::filesystem::path& target, const std::string& content) {
  std::filesystem::path temporary = target;
  temporary += ".tmp";
  std::ofstream file(temporary, std::ios::binary);
  file << content;
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(temporary, target, error);
  if (file && !error) return 0;
  std::filesystem::remove(temporary, error);
  return Complain(kEnvironment, fmt::format("{}: cannot be written", target.string()));
}

int Assemble(const std::filesystem::path& directory, const std::vector<std::string>& paths) {
  Seeds seeds;
  int exit_code = 0;
  for (const std::string& path : paths) exit_code = std::max(exit_code, AddSeed(path, seeds));
  if (exit_code != 0) return exit_code;

  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return Complain(kEnvironment, directory.string() + ": cannot be made a directory");
  for (const auto& [name, seed] : seeds) {
    if (const int failed = Write(directory / name, seed.content)) return failed;
  }
  return 0;
}

}  // namespace
}  // namespace rmapdiff

int main(int argc, char** argv) {
  if (argc < 2) return rmapdiff::Complain(rmapdiff::kBadInput, "usage: assemble OUTDIR FILE...");
  return rmapdiff::Assemble(argv[1], {argv + 2, argv + argc});
}

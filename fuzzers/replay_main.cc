// FUZZ_TARGET FILE|FOLDER...: a fuzz target without any fuzzing engine, for debuggers and valgrind.
//
// Runs every file, and every file below a folder in the order of their names, once and in this one
// process: .ops text as the bytes that it stands for, anything else as it is. Says what libFuzzer
// says when it replays, "Running: FILE" on stderr and "Executed FILE in N ms" on stdout, and ends
// with a total; flags of libFuzzer are taken and have no effect. The first finding ends it, as it
// ends the target: a debugger stops where the target does.
//
// Exit codes: 0 all passed, 1 a finding, 2 usage or bad input: a file that cannot be read or
// parsed, or none that is for this target; 3 no address space for the MMUs.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

#include "fuzzers/program/program.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
extern "C" __attribute__((weak)) int LLVMFuzzerInitialize(int* argc, char*** argv);
// Of the sanitizers' runtimes, if one is linked.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace rmapdiff {
namespace {

namespace fs = std::filesystem;

enum ReplayExit : int { kPassed = 0, kFinding = 1, kBadInput = 2 };

// The last words of a dying process; plain data, for a signal handler.
struct {
  char running[4096];
  size_t passed;
  size_t for_others;
  size_t all;
} progress;

// Only what may be called in a signal handler, of a program whose memory may be in any state.
void SayFailed() {
  char text[sizeof progress.running + 200];
  const int size = std::snprintf(
      text, sizeof text, "FAILED: %s\nreplayed %zu of %zu files: %zu passed, 1 failed\n",
      progress.running, progress.passed + progress.for_others + 1, progress.all, progress.passed);
  if (write(STDERR_FILENO, text, static_cast<size_t>(size)) < 0) _exit(kFinding);
}

void DieOfSignal(int) {
  SayFailed();
  _exit(kFinding);
}

// A sanitizer's own handlers stay: they print more.
void WatchForDeath() {
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    struct sigaction old = {};
    sigaction(signal, nullptr, &old);
    if (old.sa_handler == SIG_DFL) std::signal(signal, DieOfSignal);
  }
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(SayFailed);
}

int Complain(const std::string& what) {
  fmt::print(stderr, "{}\n", what);
  return kBadInput;
}

bool IsOps(const std::string& path) {
  return path.size() >= 4 && path.compare(path.size() - 4, 4, ".ops") == 0;
}

// Adds the file, or all files below the folder.
int AddFiles(const std::string& path, std::vector<std::string>* files) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    files->push_back(path);
    return kPassed;
  }
  std::vector<std::string> found;
  const auto options = fs::directory_options::follow_directory_symlink;
  for (fs::recursive_directory_iterator at(path, options, error), end; at != end && !error;
       at.increment(error)) {
    if (!at->is_directory(error)) found.push_back(at->path().string());
  }
  if (error) return Complain(fmt::format("{}: {}", path, error.message()));
  if (found.empty()) return Complain(path + ": holds no file, expected one at least");
  std::sort(found.begin(), found.end());
  files->insert(files->end(), found.begin(), found.end());
  return kPassed;
}

int Read(const std::string& path, std::vector<uint8_t>* bytes) {
  std::error_code error;
  // Looked at first: to open a pipe would wait for its writer.
  const bool regular = fs::is_regular_file(path, error);
  std::ifstream file;
  if (regular) file.open(path, std::ios::binary);
  if (!regular || !file) {
    return Complain(path + ": cannot be read, expected a file that holds a program");
  }
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  bytes->assign(content.begin(), content.end());
  if (!IsOps(path)) return kPassed;
  const auto parsed = Parse(content);
  if (const auto* at = std::get_if<ParseError>(&parsed)) {
    return Complain(fmt::format("{}:{}:{}: {}", path, at->line, at->column, at->what));
  }
  *bytes = Encode(std::get<Program>(parsed));
  return kPassed;
}

int Replay(const std::string& path) {
  std::vector<uint8_t> bytes;
  if (const int failed = Read(path, &bytes)) return failed;
  std::snprintf(progress.running, sizeof progress.running, "%s", path.c_str());
  fmt::print(stderr, "Running: {}\n", path);
  const auto begin = std::chrono::steady_clock::now();
  const bool run = LLVMFuzzerTestOneInput(bytes.data(), bytes.size()) == 0;
  const auto time = std::chrono::steady_clock::now() - begin;
  ++(run ? progress.passed : progress.for_others);
  fmt::print("Executed {} in {} ms\n", path,
             std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
  std::fflush(stdout);
  return kPassed;
}

int ReplayAll(const std::vector<std::string>& files) {
  int exit_code = kPassed;
  progress.all = files.size();
  for (const std::string& path : files) exit_code = std::max(exit_code, Replay(path));
  fmt::print("replayed {} of {} files: {} passed, {} for other targets, 0 failed\n",
             progress.passed + progress.for_others, files.size(), progress.passed,
             progress.for_others);
  std::fflush(stdout);
  if (exit_code != kPassed || progress.passed != 0) return exit_code;
  return Complain("no file is for this target, expected one at least");
}

// "-max_len=64", and the "--" that OSS-Fuzz puts before such.
bool IsEngineFlag(std::string_view word) {
  return word == "--" || (word.size() > 2 && word[0] == '-' && word[1] != '-' &&
                          word.find('=') != std::string_view::npos);
}

int Main(int argc, char** argv) {
  std::vector<std::string> files;
  int exit_code = kPassed;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (IsEngineFlag(word)) continue;
    if (word[0] == '-') return Complain(word + ": unknown option, expected files and folders");
    exit_code = std::max(exit_code, AddFiles(word, &files));
  }
  if (files.empty() && exit_code != kPassed) return exit_code;
  if (files.empty()) return Complain(fmt::format("usage: {} FILE|FOLDER...", argv[0]));
  if (LLVMFuzzerInitialize != nullptr) LLVMFuzzerInitialize(&argc, &argv);
  WatchForDeath();
  return std::max(exit_code, ReplayAll(files));
}

}  // namespace
}  // namespace rmapdiff

int main(int argc, char** argv) { return rmapdiff::Main(argc, argv); }

// rmapdiff minimize FILE -o OUT.ops: the simplest program that shows the same finding.
#include "fuzzers/minimize.h"

#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <string>

#include "fuzzers/report.h"
#include "tools/cli/arguments.h"
#include "tools/cli/exit_codes.h"
#include "tools/cli/input.h"
#include "tools/cli/output.h"
#include "tools/cli/text.h"
#include "tools/cli/verbs.h"

namespace rmapdiff {
namespace {

using Clock = std::chrono::steady_clock;

volatile sig_atomic_t interrupted = 0;

double Since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string SizeOf(const Program& program) {
  return fmt::format("{} ops, {} bytes", program.ops.size(), Encode(program).size());
}

// The program with what it shows in its first line.
std::string TextOf(const Program& program, const std::string& signature) {
  return fmt::format("# Shows {}.\n{}", signature, Print(program));
}

// `out` with another finding's signature in its name, whose slashes would be folders.
std::string NameForOther(const std::string& out, std::string signature) {
  for (char& c : signature) {
    if (c == '/') c = '.';
  }
  const std::string stem =
      out.size() > 4 && out.ends_with(".ops") ? out.substr(0, out.size() - 4) : out;
  return stem + "." + signature + ".ops";
}

std::string Summary(const Program& before, const Minimized& best, double seconds) {
  return fmt::format(
      "{}\n  before  {}\n  after   {}\n  {} runs, {:.1f} s, {}\n", best.signature, SizeOf(before),
      SizeOf(best.program), best.runs, seconds,
      best.finished ? "nothing more can go" : "stopped: the best so far, to be minimized on");
}

}  // namespace

int MinimizeVerb(const Words& words) {
  std::string file;
  std::string out;
  std::string time = "60s";
  Arguments arguments(
      "minimize", "Finds the simplest program that shows the same finding, operation by operation.",
      "rmapdiff minimize out/findings/mmu_fuzzer/crash-3f2a -o bug.ops");
  arguments.File(&file, "a program that shows a finding, as text or bytes; - is standard input");
  arguments.Option("-o,--output", "OUT", &out, "the text to write", /*required=*/true);
  arguments.Option("--time", "TIME", &time, "stop with the best so far: 90, 90s, 10m, 2h [60s]");
  if (const auto code = arguments.Parse(words)) return *code;
  const std::optional<uint64_t> seconds = ParseDuration(time);
  if (!seconds) arguments.Reject("--time: '" + time + "' is no time like 90s, 10m or 2h");

  const Program program = ReadProgram(file);
  const Clock::time_point start = Clock::now();
  signal(SIGINT, [](int) { interrupted = 1; });
  MinimizeOptions options;
  options.stop = [&] { return interrupted != 0 || Since(start) > static_cast<double>(*seconds); };
  options.other = [&](const Program& other, const Verdict& verdict) {
    const std::string signature = Signature(other, verdict);
    const std::string name = NameForOther(out, signature);
    WriteFile(name, TextOf(other, signature));
    WriteErrorLine(fmt::format("another finding, {}: {}", signature, Printable(name)));
  };
  const std::optional<Minimized> best = Minimize(program, options);
  if (!best) {
    throw Failure(kExitUsage, Printable(file) + ": shows no finding, expected a program that does");
  }
  WriteFile(out, TextOf(best->program, best->signature));
  WriteOut(Summary(program, *best, Since(start)));
  return kExitDone;
}

}  // namespace rmapdiff

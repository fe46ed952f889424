// rmapdiff minimize FILE -o OUT.ops: the simplest program that shows the same finding.
#include "fuzzers/finding/minimize.h"

#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "fuzzers/program/fnv.h"
#include "fuzzers/run/report.h"
#include "tools/cli/base/arguments.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/files.h"
#include "tools/cli/base/input.h"
#include "tools/cli/base/limit_options.h"
#include "tools/cli/base/maps_option.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/base/verbs.h"
#include "tools/cli/findings/artifact.h"
#include "tools/cli/findings/confirmed_minimizer.h"

namespace rmapdiff {
namespace {

using Clock = std::chrono::steady_clock;

volatile sig_atomic_t interrupted = 0;

double Since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string SizeOf(const Program& program) {
  return fmt::format("{}, {} bytes", OpCount(program), Encode(program).size());
}

// The first line of a result that was stopped: it names the program with which it began.
std::string UnfinishedLine(const Program& original) {
  return fmt::format("# Unfinished: the same command goes on, from a program with hash {:#018x}.\n",
                     Fnv64(Encode(original)));
}

// The program below a line on the finding that it shows.
std::string TextOf(const Program& program, const std::string& signature) {
  return fmt::format("# Shows {}.\n{}", signature, Print(program));
}

// `out` with another finding's signature in its name, whose slashes would be folders.
std::string NameForOther(std::string out, std::string signature) {
  std::replace(signature.begin(), signature.end(), '/', '.');
  if (out.size() > 4 && out.ends_with(".ops")) out.resize(out.size() - 4);
  return out + "." + signature + ".ops";
}

// One call of the command.
class Session {
 public:
  Session(Artifact artifact, std::string out, double seconds, const ProbeRequest& request)
      : artifact_(std::move(artifact)),
        out_(std::move(out)),
        replaceable_(IsReplaceable(out_)),
        seconds_(seconds),
        minimizer_(request) {}

  Minimized Minimize() {
    const std::string signature = minimizer_.Choose(artifact_.program);
    if (signature.empty()) {
      throw Failure(kExitUsage,
                    Printable(artifact_.file) + ": shows no finding, expected a program that does");
    }
    const Program beginning = Beginning(signature);
    const Minimized best = minimizer_.Minimize(beginning, artifact_.program, Options());
    WriteFile(out_, Text(best));
    return best;
  }

  std::string Summary(const Minimized& best) const {
    return fmt::format("{}\n  before  {}\n  after   {}\n  {} runs, {:.1f} s, {}\n", best.signature,
                       SizeOf(artifact_.program), SizeOf(best.program), best.runs, Since(start_),
                       best.finished ? "nothing more can go"
                                     : "stopped: the best so far, the same command goes on");
  }

 private:
  MinimizeOptions Options() {
    MinimizeOptions options;
    options.stop = [this] { return interrupted != 0 || Since(start_) > seconds_; };
    options.progress = [this](const Minimized& best) { Save(best); };
    options.other = [this](const Program& other, const std::string& signature) {
      if (!replaceable_) {
        WriteErrorLine(
            fmt::format("another finding, {}: not kept, expected a file as --output", signature));
        return;
      }
      const std::string name = NameForOther(out_, signature);
      WriteFile(name, TextOf(other, signature));
      WriteErrorLine(fmt::format("another finding, {}: {}", signature, Printable(name)));
    };
    return options;
  }

  std::string Text(const Minimized& best) const {
    return (best.finished ? "" : UnfinishedLine(artifact_.program)) +
           TextOf(best.program, best.signature);
  }

  // Now, so that the best so far is in the file however this process ends.
  void Save(const Minimized& best) {
    Minimized unfinished = best;
    unfinished.finished = false;
    if (replaceable_) WriteFile(out_, Text(unfinished));
    if (isatty(STDERR_FILENO) == 0) return;
    WriteError(fmt::format("\r{} ops, {} runs, {:.0f} s \x1b[K\r", best.program.ops.size(),
                           best.runs, Since(start_)));
  }

  // The result of an earlier call with the same program that was stopped, or the program.
  Program Beginning(const std::string& signature) {
    const std::string before = replaceable_ ? FileContents(out_) : "";
    if (!before.starts_with(UnfinishedLine(artifact_.program))) return artifact_.program;
    const Program left = ReadProgram(out_);
    if (Signature(left, minimizer_.Run(left)) != signature) return artifact_.program;
    WriteErrorLine(fmt::format("going on from {}: {}", Printable(out_), SizeOf(left)));
    return left;
  }

  const Artifact artifact_;
  const std::string out_;
  // Else `out` is a device, say, which is written once, at the end, and never read.
  const bool replaceable_;
  const double seconds_;
  ConfirmedMinimizer minimizer_;
  const Clock::time_point start_ = Clock::now();
};

std::string Next(const std::string& out, const std::string& maps) {
  return fmt::format(
      "\nunderstand: tools/rmapdiff repro {0}\n"
      "test:       tools/rmapdiff draft-test {0} -o regression_test.cc\n"
      "keep:       tools/rmapdiff keep {0} --cause=NAME\n",
      WordsFor(out, maps));
}

}  // namespace

int MinimizeVerb(const Words& words) {
  std::string file;
  std::string out;
  std::string time = "60s";
  Arguments arguments(
      "minimize", "Finds the simplest program that shows the same finding, operation by operation.",
      "rmapdiff minimize crash-3f2a -o bug.ops");
  arguments.File(&file, "a program that shows a finding, as text or bytes; - is standard input");
  arguments.Option("-o,--output", "OUT", &out, "the text to write", /*required=*/true);
  arguments.Option("--time", "TIME", &time, "stop with the best so far: 90, 90s, 10m, 2h [60s]");
  const MapsOption maps(&arguments);
  const LimitOptions limit_options(&arguments,
                                   {.wall_ms = 10'000, .memory_mb = Limits().memory_mb});
  if (const auto code = arguments.Take(words)) return *code;
  maps.Choose(arguments);
  const uint64_t seconds = arguments.Duration("--time", time);
  const Limits limits = limit_options.Checked(arguments);
  if (const auto code = arguments.Checked()) return *code;

  Artifact artifact = ReadArtifact(file);
  if (artifact.codec) {
    throw Failure(kExitUsage, Printable(file) +
                                  ": is for program_fuzzer, which takes any bytes, "
                                  "expected a program");
  }
  // The first signal lets it write the best so far, the second ends it at once.
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  ProbeRequest request = artifact.Request();
  request.limits = limits;
  Session session(std::move(artifact), out, static_cast<double>(seconds), request);
  const Minimized best = session.Minimize();
  WriteOut(session.Summary(best) + "\n" + Print(best.program) + Next(out, request.maps));
  return kExitDone;
}

}  // namespace rmapdiff

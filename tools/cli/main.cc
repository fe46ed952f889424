// rmapdiff: differential fuzzing of KVM's reverse maps, from the command line.
//
// Exit codes: 0 agree or done, 1 a divergence or finding, 2 usage or bad input, 3 environment,
// 4 internal error.
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <exception>
#include <new>
#include <system_error>

#include "fuzzers/finding/probe.h"
#include "tools/cli/base/arguments.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/input.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/base/verbs.h"
#include "tools/cli/findings/probe_client.h"
#include "tools/cli/fuzz/intake_worker.h"
#include "tools/cli/fuzz/reduce_worker.h"

namespace rmapdiff {
namespace {

constexpr const char* kVersion = "rmapdiff 0.1, program format 2\n";

// Verbs that are scripts of tools/scripts: they let Bazel build a target for each fault, or draw.
[[noreturn]] void RejectScript(const std::string& verb, const std::string& why) {
  throw Failure(kExitUsage, fmt::format("rmapdiff {}: use tools/rmapdiff, which {}", verb, why));
}
int MutantsVerb(const Words&) { RejectScript("mutants", "builds the mutants"); }
int ReportVerb(const Words&) { RejectScript("report", "draws the plots"); }
int GateVerb(const Words&) { RejectScript("gate", "builds the fuzz targets"); }

constexpr Verb kVerbs[] = {
    {"run", "run programs and compare the MMUs after each operation", RunVerb},
    {"show", "print programs as text", ShowVerb},
    {"assemble", "turn a program into its canonical bytes", AssembleVerb},
    {"repro", "run an artifact again and say what is wrong and how it came to be", ReproVerb},
    {"minimize", "find the simplest program that shows the same finding", MinimizeVerb},
    {"draft-test", "write a regression test for the finding of a program", DraftTestVerb},
    {"keep", "add the minimized program to the regressions", KeepVerb},
    {"triage", "group artifacts by what they show", TriageVerb},
    {"graph", "draw the state after an operation", GraphVerb},
    {"maps", "print the reverse maps that can be compared", MapsVerb},
    {"ops", "print the table of operations", OpsVerb},
    {"fuzz", "fuzz all targets side by side, for a minute or for weeks", FuzzVerb},
    {"status", "say how a run of fuzz is doing", StatusVerb},
    {"corpus", "tend the inputs that fuzzing has found", CorpusVerb},
    {"gate", "say whether a change may go in, and prove that it would have been noticed", GateVerb},
    {"mutants", "hunt seeded faults and say how long each survives", MutantsVerb},
    {"report", "write a page on a run: findings, curves, operations, mutants", ReportVerb},
};

std::string Help() {
  return "Usage: rmapdiff VERB [OPTIONS] [FILE...]\n\nVerbs:\n" + VerbLines(kVerbs) +
         "\n  rmapdiff VERB --help   options and an example\n"
         "  rmapdiff --version     the version\n"
         "\nExit codes: 0 agree or done, 1 a divergence or finding, 2 usage or bad input,\n"
         "            3 environment, 4 internal error";
}

int Dispatch(Words words) {
  if (words.empty()) {
    WriteErrorLine(Help());
    return kExitUsage;
  }
  if (words[0] == kCheckUsageWord && words.size() > 1) {
    Arguments::OnlyCheckUsage();
    words.erase(words.begin());
  }
  // As these this program starts itself; not for people.
  if (words[0] == kProbeWord) return ServeProbe(STDIN_FILENO, STDOUT_FILENO, nullptr);
  if (words[0] == kStepWord && words.size() == 4) {
    RunAndStop(ReadProgram(words[1]), ChosenEngines(), words[2],
               ParseNumber(words[3]).value_or(1) - 1);
    return kExitDone;
  }
  if (words[0] == kTakeInWord && (words.size() == 5 || words.size() == 7)) {
    return TakeIn({words.begin() + 1, words.end()});
  }
  if (words[0] == kReduceWord && words.size() > kReduceWords) {
    return Reduce({words.begin() + 1, words.end()});
  }
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    WriteOut(Help() + "\n");
    return kExitDone;
  }
  if (words[0] == "--version") {
    WriteOut(kVersion);
    return kExitDone;
  }
  return FindVerb(kVerbs, "rmapdiff", "verb", words).run({words.begin() + 1, words.end()});
}

int Main(const Words& words) {
  // A parent may have it ignored; a pipe without a reader is to end us quietly.
  signal(SIGPIPE, SIG_DFL);
  signal(SIGCHLD, SIG_DFL);  // and then no child had a status
  signal(SIGXFSZ, SIG_IGN);  // a file that grows too long is an error of the write
  GuardStandardDescriptors();
  try {
    return Dispatch(words);
  } catch (const Failure& failure) {
    WriteErrorLine(failure.what());
    return failure.code();
  } catch (const std::bad_alloc&) {
    WriteErrorLine("rmapdiff: out of memory, expected more of it, and no limit (ulimit -v)");
    return kExitEnvironment;
  } catch (const std::system_error& error) {
    WriteErrorLine(std::string("rmapdiff: ") + Printable(error.what()));
    return kExitEnvironment;
  } catch (const std::exception& error) {
    WriteErrorLine(std::string("rmapdiff: internal error: ") + Printable(error.what()));
  } catch (...) {
    WriteErrorLine("rmapdiff: internal error: an exception of an unknown kind");
  }
  return kExitInternalError;
}

}  // namespace
}  // namespace rmapdiff

int main(int argc, char** argv) { return rmapdiff::Main({argv + (argc > 0), argv + argc}); }

// rmapdiff corpus stats: what the programs of a corpus do.
//
// They are run by a child, one after the other, each of which it reports; if one ends it, another
// child goes on with the next. That is as quick as to run them here, and nothing that a program
// does to an MMU reaches the figures.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>

#include "fuzzers/finding/address_space.h"
#include "fuzzers/finding/packed.h"
#include "fuzzers/finding/probe.h"
#include "fuzzers/program/program_file.h"
#include "fuzzers/program/target_kinds.h"
#include "fuzzers/run/observe.h"
#include "fuzzers/run/report.h"
#include "fuzzers/run/runner.h"
#include "tools/cli/base/arguments.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/input.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/text.h"
#include "tools/cli/corpus/corpus.h"
#include "tools/cli/corpus/corpus_figures.h"
#include "tools/cli/corpus/corpus_folder.h"

namespace rmapdiff {
namespace {

constexpr unsigned kSecondsForOne = 60;
constexpr const char* kOther = "other";  // programs that no target runs

// A text counts as the bytes that a fuzz target is given.
size_t BytesOf(const Program& program, const std::string& content) {
  return LooksLikeText(content) ? Encode(program).size() : content.size();
}

// ---- The child ----

void RunOne(const Program& program, const std::string& path, CorpusFigures* figures) {
  RunOptions options;
  options.trace = [&](const TraceStep& step) {
    const Outcome& outcome = step.outcomes.expected;
    figures->CountOutcome(OpName(program.ops[step.op_index]), outcome.code);
    if (step.op_index + 1 < program.ops.size() || outcome.is_bug()) return;
    Observation complete;
    ObserveAllOrBug(step.reference, &complete);
    figures->CountLists(complete);
  };
  const Verdict verdict = RunProgram(program, options);
  if (verdict.kind != VerdictKind::kDivergence) return;
  ++figures->findings;
  WriteErrorLine(fmt::format("{}: {}, see rmapdiff repro", Printable(path),
                             Printable(Signature(program, verdict))));
}

// Returns the target that the figures are for.
std::string Look(const CorpusFile& file, CorpusFigures* figures) {
  std::string content;
  if (file.target == kCodecTarget) {  // runs no program: they are bytes, and counted as such
    content = ReadInput(file.path);
    const auto* data = reinterpret_cast<const uint8_t*>(content.data());
    figures->CountProgram(content.size(), Decode({data, content.size()}).ops.size());
    return file.target;
  }
  std::string target = file.target.empty() ? kOther : file.target;
  try {
    const Program program = ReadProgram(file.path, &content);
    const TargetKind* kind = TargetKindFor(program.header);
    if (file.target.empty() && kind != nullptr) target = kind->name;
    figures->CountProgram(BytesOf(program, content), program.ops.size());
    RunOne(program, file.path, figures);
  } catch (const Failure& failure) {
    if (failure.code() != kExitUsage) throw;
    ++figures->unreadable;
    WriteErrorLine(failure.what());
  }
  return target;
}

[[noreturn]] void RunChild(const std::vector<CorpusFile>& files, size_t next, int out) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  for (; next < files.size(); ++next) {
    alarm(kSecondsForOne);
    CorpusFigures figures;
    Packer message;
    try {
      message.Text(Look(files[next], &figures));
    } catch (const Failure& failure) {
      WriteErrorLine(failure.what());
      _exit(failure.code());
    } catch (const std::bad_alloc&) {
      if (!HasLimitedAddressSpace()) throw;
      WriteErrorLine("rmapdiff corpus stats: an allocation failed, expected no limit of memory");
      _exit(kNoAddressSpaceExit);
    }
    message.Text(PackFigures(figures));
    if (!WriteMessage(out, message.bytes())) _exit(kExitEnvironment);
  }
  _exit(kExitDone);
}

// ---- The parent ----

class Counting {
 public:
  explicit Counting(const std::vector<CorpusFile>& files) : files_(files) {}

  FiguresByTarget CountAll() {
    ReserveHostMemory();  // here, where its failure is no fault of a program
    while (next_ < files_.size()) RunSome();
    return std::move(figures_);
  }

 private:
  // Until a program ends the child, or all are done.
  void RunSome() {
    std::array<int, 2> ends = {-1, -1};
    const pid_t child = pipe2(ends.data(), O_CLOEXEC) == 0 ? fork() : -1;
    if (child < 0) {
      throw Failure(kExitEnvironment, fmt::format("rmapdiff corpus stats: no child can be made: {}",
                                                  std::strerror(errno)));
    }
    if (child == 0) {
      close(ends[0]);
      RunChild(files_, next_, ends[1]);
    }
    close(ends[1]);
    std::string message;
    while (next_ < files_.size() && ReadMessage(ends[0], &message)) Take(message);
    close(ends[0]);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (next_ == files_.size()) return;
    if (WIFEXITED(status)) {
      throw Failure(WEXITSTATUS(status) == kExitUsage ? kExitUsage : kExitEnvironment,
                    "rmapdiff corpus stats: the figures are not complete");
    }
    CountCrash(files_[next_++], WTERMSIG(status));
  }

  void Take(const std::string& message) {
    Unpacker from(message);
    const std::string target = from.Text();
    CorpusFigures figures;
    if (!UnpackFigures(from.Text(), &figures)) throw Failure(kExitInternalError, "bad figures");
    figures_[target].Add(figures);
    ++next_;
    if (isatty(STDERR_FILENO) != 0 && next_ % 16 == 0) {
      WriteError(fmt::format("\r{} of {} \x1b[K\r", next_, files_.size()));
    }
  }

  // Of such a program only what it is counts; what it did before it ended the child is lost.
  void CountCrash(const CorpusFile& file, int signal) {
    std::string content;
    const Program program = ReadProgram(file.path, &content);
    const TargetKind* kind = TargetKindFor(program.header);
    const std::string by_header = kind != nullptr ? std::string(kind->name) : kOther;
    CorpusFigures& figures = figures_[file.target.empty() ? by_header : file.target];
    figures.CountProgram(BytesOf(program, content), program.ops.size());
    ++figures.findings;
    const std::string how = signal == SIGALRM
                                ? fmt::format("takes longer than {} s", kSecondsForOne)
                                : fmt::format("ends the process by signal {}", signal);
    WriteErrorLine(fmt::format("{}: {}, see rmapdiff repro", Printable(file.path), how));
  }

  const std::vector<CorpusFile>& files_;
  size_t next_ = 0;
  FiguresByTarget figures_;
};

}  // namespace

int CorpusStats(const Words& words) {
  std::string path;
  bool json = false;
  Arguments arguments("corpus stats",
                      "Runs the programs of a corpus and counts what their operations do.",
                      "rmapdiff corpus stats out/corpus");
  arguments.Positional("PATH", &path, "a corpus, one target's folder, a single program");
  arguments.Flag("--json", &json, "one JSON object");
  if (const auto code = arguments.Parse(words)) return *code;

  const std::vector<CorpusFile> files = ProgramsBelow(path);
  if (files.empty()) {
    throw Failure(kExitUsage, Printable(path) + ": holds no programs, expected a corpus");
  }
  const FiguresByTarget figures = Counting(files).CountAll();
  WriteOut(json ? FiguresJson(figures) : FiguresTable(figures));
  CorpusFigures all;
  for (const auto& [target, one] : figures) all.Add(one);
  return all.findings > 0 ? kExitFinding : all.unreadable > 0 ? kExitUsage : kExitDone;
}

}  // namespace rmapdiff

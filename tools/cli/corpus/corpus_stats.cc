// rmapdiff corpus stats: the behaviour of the programs of a corpus.
//
// A child runs them, one after the other, and reports each. If one ends it, another child goes on
// with the next. That is as quick as to run them here, and no damage that a program does to an MMU
// reaches the figures.
#include <fmt/core.h>
#include <unistd.h>

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
#include "tools/cli/base/limit_options.h"
#include "tools/cli/base/maps_option.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/process.h"
#include "tools/cli/base/text.h"
#include "tools/cli/corpus/corpus.h"
#include "tools/cli/corpus/corpus_figures.h"
#include "tools/cli/corpus/corpus_folder.h"

namespace rmapdiff {
namespace {

constexpr const char* kOther = "other";  // programs that no target runs

// Counts a program by itself, and reads it. Returns the target that its figures are for.
std::string CountByItself(const CorpusFile& file, CorpusFigures* figures, Program* program) {
  std::string content;
  *program = ReadProgram(file.path, &content);
  // A text counts as the bytes that a fuzz target is given.
  const size_t bytes = LooksLikeText(content) ? ToBytes(*program).size() : content.size();
  figures->CountProgram(bytes, program->ops.size());
  if (!file.target.empty()) return file.target;
  const TargetKind* kind = TargetKindFor(program->header);
  return kind != nullptr ? std::string(kind->name) : kOther;
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
std::string CountOne(const CorpusFile& file, CorpusFigures* figures) {
  if (file.target == kCodecTarget) {  // runs no program: they are bytes, and counted as such
    const std::string content = ReadInput(file.path);
    figures->CountProgram(content.size(), FromBytes(content).ops.size());
    return file.target;
  }
  try {
    Program program;
    const std::string target = CountByItself(file, figures, &program);
    RunOne(program, file.path, figures);
    return target;
  } catch (const Failure& failure) {
    if (failure.code() != kExitUsage) throw;
    ++figures->unreadable;
    WriteErrorLine(failure.what());
    return file.target.empty() ? kOther : file.target;
  }
}

// Ends early if its output has no reader.
void RunFrom(const std::vector<CorpusFile>& files, size_t next, int out) {
  for (; next < files.size(); ++next) {
    RestartClock();
    CorpusFigures figures;
    Packer message;
    message.Text(CountOne(files[next], &figures));
    message.Text(PackFigures(figures));
    if (!WriteMessage(out, message.bytes())) return;
  }
}

// ---- The parent ----

class Counting {
 public:
  Counting(const std::vector<CorpusFile>& files, const Limits& limits)
      : files_(files), limits_(limits) {}

  FiguresByTarget CountAll() {
    ReserveHostMemory();  // here, where no program can be at fault if it fails
    while (next_ < files_.size()) RunSome();
    return std::move(figures_);
  }

 private:
  // Until a program ends the child, or all are done.
  void RunSome() {
    Pipe pipe;
    const auto run = [&] { RunFrom(files_, next_, pipe.write_end.get()); };
    const auto take = [&] {
      pipe.write_end.Close();
      std::string message;
      while (next_ < files_.size() && ReadMessage(pipe.read_end.get(), &message)) Take(message);
    };
    const ExitStatus status = RunInChild(limits_, run, take);
    if (next_ == files_.size()) return;
    if (status.kind == ExitStatus::Kind::kExited) {
      throw Failure(
          kExitEnvironment,
          "rmapdiff corpus stats: a child ended early, expected the figures of all programs");
    }
    CountCrash(files_[next_++], EndText(status, limits_));
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

  // Its operations before it ended the child are lost.
  void CountCrash(const CorpusFile& file, const std::string& how) {
    CorpusFigures figures;
    Program program;
    const std::string target = CountByItself(file, &figures, &program);
    ++figures.findings;
    figures_[target].Add(figures);
    WriteErrorLine(fmt::format("{}: {}, see rmapdiff repro", Printable(file.path), how));
  }

  const std::vector<CorpusFile>& files_;
  const Limits limits_;  // of each program
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
  const LimitOptions limit_options(&arguments);
  const MapsOption maps(&arguments);
  if (const auto code = arguments.Take(words)) return *code;
  maps.Choose(arguments);
  const Limits limits = limit_options.Checked(arguments);
  if (const auto code = arguments.Checked()) return *code;

  const std::vector<CorpusFile> files = ProgramsBelow(path);
  if (files.empty()) {
    throw Failure(kExitUsage, Printable(path) + ": holds no programs, expected a corpus");
  }
  const FiguresByTarget figures = Counting(files, limits).CountAll();
  WriteOut(json ? FiguresJson(figures) : FiguresTable(figures));
  CorpusFigures all;
  for (const auto& [target, one] : figures) all.Add(one);
  return all.findings > 0 ? kExitFinding : all.unreadable > 0 ? kExitUsage : kExitDone;
}

}  // namespace rmapdiff

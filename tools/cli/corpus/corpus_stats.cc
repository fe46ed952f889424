// rmapdiff corpus stats: what the programs of a corpus do.
//
// They are run by a child, one after the other, each of which it reports; if one ends it, another
// child goes on with the next. That is as quick as to run them here, and nothing that a program
// does to an MMU reaches the figures.
#include <fmt/format.h>
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
#include "tools/cli/base/output.h"
#include "tools/cli/base/process.h"
#include "tools/cli/base/text.h"
#include "tools/cli/corpus/corpus.h"
#include "tools/cli/corpus/corpus_figures.h"
#include "tools/cli/corpus/corpus_folder.h"

namespace rmapdiff {
namespace {

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

// Ends early if there is no reader.
void RunFrom(const std::vector<CorpusFile>& files, size_t next, int out) {
  for (; next < files.size(); ++next) {
    RestartClock();
    CorpusFigures figures;
    Packer message;
    message.Text(Look(files[next], &figures));
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
    ReserveHostMemory();  // here, where its failure is no fault of a program
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
      throw Failure(kExitEnvironment, "rmapdiff corpus stats: the figures are not complete");
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

  // Of such a program only what it is counts; what it did before it ended the child is lost.
  void CountCrash(const CorpusFile& file, const std::string& how) {
    std::string content;
    const Program program = ReadProgram(file.path, &content);
    const TargetKind* kind = TargetKindFor(program.header);
    const std::string by_header = kind != nullptr ? std::string(kind->name) : kOther;
    CorpusFigures& figures = figures_[file.target.empty() ? by_header : file.target];
    figures.CountProgram(BytesOf(program, content), program.ops.size());
    ++figures.findings;
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
  if (const auto code = arguments.Take(words)) return *code;
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

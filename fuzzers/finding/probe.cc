#include "fuzzers/finding/probe.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>
#include <system_error>

#include "fuzzers/finding/address_space.h"
#include "fuzzers/finding/release_log.h"
#include "fuzzers/program/codec_check.h"
#include "fuzzers/run/report.h"
#include "fuzzers/voices/watched_voice.h"

extern "C" {
// Of the sanitizers' runtimes, if they are linked.
__attribute__((weak)) int __lsan_do_recoverable_leak_check();
}

namespace rmapdiff {
namespace {

// How a child ends that has no answer to give; child_process.cc has its own exit codes.
constexpr int kLeakExit = 81;
constexpr int kCodecExit = 82;

constexpr size_t kMaxMessage = 64 << 20;
constexpr size_t kMaxLog = 256 << 10;

// ---- The child ----

// The blocks that an engine ran up to the operation of the verdict.
std::vector<BlockRun> BlocksOf(const Program& program, const RunOptions& like,
                               const Verdict& verdict, const std::string& watched_engine,
                               const BlockWatch& watched, Progress* progress) {
  std::map<uint64_t, BlockRun> blocks;
  Watch watch;
  watch.progress = progress;
  const std::vector<Engine>& engines = like.engines;
  const auto is_watched = [&](size_t engine) { return engines[engine].name == watched_engine; };
  watch.before = [&](size_t engine, size_t op_index) {
    // Again from the beginning: a run that finds out which operation did it.
    if (op_index == 0 && is_watched(engine)) blocks.clear();
    watched.reset();
  };
  watch.after = [&](size_t engine, size_t op_index) {
    if (!is_watched(engine) || op_index > verdict.op_index) return;
    std::vector<uint64_t> ran;
    watched.collect(&ran);
    for (const uint64_t address : ran) {
      blocks.try_emplace(address, BlockRun{address, op_index, 0}).first->second.last = op_index;
    }
  };
  RunOptions options = like;
  options.engines = WatchedEngines(watch, engines);
  RunProgram(program, options);
  std::vector<BlockRun> all;
  for (const auto& [address, block] : blocks) all.push_back(block);
  return all;
}

int RunChild(const ProbeRequest& request, const BlockWatch* watched, Progress* progress,
             int result) {
  StartReleaseLog();
  const auto* data = reinterpret_cast<const uint8_t*>(request.program.data());
  if (request.codec) {
    const std::string fault = FindCodecFault({data, request.program.size()});
    std::fprintf(stderr, "%s\n", fault.c_str());
    if (!fault.empty()) return kCodecExit;
  }
  const Program program = Decode({data, request.program.size()});
  Watch watch;
  watch.progress = progress;
  RunOptions unwatched;
  if (request.full) unwatched.check = CheckLevel::kFull;
  unwatched.engines = EnginesOf(request);
  RunOptions options = unwatched;
  options.engines = WatchedEngines(watch, unwatched.engines);
  const Verdict verdict = RunProgram(program, options);
  *progress = Progress{program.ops.size() + 1, Progress::kNobody, Progress::kNobody};
  if (request.leaks && verdict.kind != VerdictKind::kDivergence &&
      __lsan_do_recoverable_leak_check != nullptr && __lsan_do_recoverable_leak_check() != 0) {
    return kLeakExit;
  }
  WriteMessage(result, Packed(verdict));
  Story story;
  if (request.story) story = TellStory(program, verdict, options);
  WriteMessage(result, Packed(story));
  const std::string& engine = request.blocks.empty() ? story.engine : request.blocks;
  if (watched == nullptr || engine.empty()) return 0;
  WriteMessage(result, Packed(BlocksOf(program, unwatched, verdict, engine, *watched, progress)));
  return 0;
}

// ---- The parent ----

// All that is left of a child that has ended.
struct Remains {
  ExitStatus status;
  uint64_t op_index = 0;  // at which it ended, as far as it has said, and the engine
  std::string engine;
  std::string log;
  std::string result;  // messages: a verdict, a story, the blocks that ran
};

auto Fields(Either<Remains> auto& one) {
  return std::tie(one.status.kind, one.status.number, one.op_index, one.engine, one.log,
                  one.result);
}

void SetPlace(const Progress& progress, const std::vector<Engine>& engines, Remains* remains) {
  // Between two engines the reference is at work, which begins each operation.
  const bool reference = progress.engine == Progress::kNobody;
  const bool all_done = reference && progress.last_engine + 1 == engines.size();
  const uint64_t begun = progress.operations + (all_done ? 1 : 0);
  remains->op_index = begun > 0 ? begun - 1 : 0;
  if (!reference) remains->engine = engines[progress.engine].name;
}

std::string Answer(const ProbeRequest& request, const BlockWatch* watched) {
  const Descriptor result = MemoryFile();
  const Descriptor log = MemoryFile();
  void* shared =
      mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "no memory can be shared");
  }
  auto* progress = new (shared) Progress;
  ChildOptions child_options;
  child_options.err = log.get();
  child_options.limits = request.limits;
  ChildProcess child(child_options,
                     [&] { return RunChild(request, watched, progress, result.get()); });
  Remains remains;
  remains.status = child.Wait();
  SetPlace(*progress, EnginesOf(request), &remains);
  munmap(shared, sizeof(Progress));
  remains.log = ReadBack(log.get(), kMaxLog);
  remains.result = ReadBack(result.get(), kMaxMessage);
  return Packed(remains);
}

bool ReadFully(int fd, char* data, size_t size) {
  while (size > 0) {
    const ssize_t count = read(fd, data, size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    data += count;
    size -= static_cast<size_t>(count);
  }
  return true;
}

Ending EndingOf(ExitStatus::Kind kind, const Trial& trial) {
  if (trial.cause.kind == "memory") return Ending::kMemory;
  if (kind == ExitStatus::Kind::kTimedOut) return Ending::kTimeout;
  if (kind == ExitStatus::Kind::kOutOfMemory) return Ending::kMemory;
  if (!trial.cause.kind.empty()) return Ending::kSanitizer;
  return kind == ExitStatus::Kind::kSignaled ? Ending::kSignal : Ending::kExit;
}

}  // namespace

void ProbeRequest::Run(const Program& of) {
  const std::vector<uint8_t> bytes = Encode(of);
  program.assign(bytes.begin(), bytes.end());
}

bool ReadMessage(int fd, std::string* message) {
  uint64_t size = 0;
  if (!ReadFully(fd, reinterpret_cast<char*>(&size), sizeof size) || size > kMaxMessage) {
    return false;
  }
  message->resize(static_cast<size_t>(size));
  return ReadFully(fd, message->data(), message->size());
}

bool WriteMessage(int fd, std::string_view message) {
  Packer framed;
  framed.Text(message);
  std::string_view rest = framed.bytes();
  while (!rest.empty()) {
    const ssize_t count = write(fd, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    rest.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

std::vector<Engine> EnginesOf(const ProbeRequest& request) {
  if (const Engine* only = FindEngine(request.engine)) return {*only};
  if (request.maps.empty()) return ChosenEngines();
  const auto named = EnginesNamed(request.maps);
  const auto* engines = std::get_if<std::vector<Engine>>(&named);
  return engines != nullptr ? *engines : ChosenEngines();
}

bool UnpackAnswer(std::string_view answer, Trial* trial) {
  Remains remains;
  if (!Unpack(answer, &remains)) return false;
  trial->number = remains.status.number;
  trial->op_index = remains.op_index;
  trial->engine = remains.engine;
  trial->log = remains.log;
  Unpacker parts(remains.result);
  const std::string verdict = parts.Text();
  if (!verdict.empty()) {  // it counts, even if the child has ended in the story
    if (!Unpack(verdict, &trial->verdict) || !MakesSense(trial->verdict)) return false;
    Unpack(parts.Text(), &trial->story);
    Unpack(parts.Text(), &trial->blocks);
    return true;
  }
  trial->cause = ReadCrashLog(trial->log);
  trial->ending = EndingOf(remains.status.kind, *trial);
  return true;
}

void BeforeOperation(const std::string& op) { asm volatile("" : : "r"(&op) : "memory"); }

Verdict RunAndStop(const Program& program, const std::vector<Engine>& engines,
                   const std::string& engine, size_t op_index) {
  Progress progress;
  Watch watch;
  watch.progress = &progress;
  watch.before = [&](size_t at_work, size_t at) {
    if (at != op_index || engines[at_work].name != engine) return;
    BeforeOperation(at < program.ops.size() ? PrintOp(program.header, program.ops[at])
                                            : "teardown");
  };
  RunOptions options;
  options.engines = WatchedEngines(watch, engines);
  return RunProgram(program, options);
}

int ServeProbe(int in, int out, const BlockWatch* watch) {
  signal(SIGPIPE, SIG_IGN);
  ReserveHostMemory();
  std::string message;
  while (ReadMessage(in, &message)) {
    ProbeRequest request;
    try {
      if (!Unpack(message, &request) || !WriteMessage(out, Answer(request, watch))) return 1;
    } catch (const std::system_error& error) {
      std::fprintf(stderr, "%s\n", error.what());
      return 1;
    }
  }
  return 0;
}

}  // namespace rmapdiff

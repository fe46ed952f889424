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
void AddBlocks(const Program& program, const RunOptions& like, const Verdict& verdict,
               const std::string& watched_engine, const BlockWatch& watched, Progress* progress,
               Packer* answer) {
  std::map<uint64_t, BlockRun> blocks;
  Watch watch;
  watch.progress = progress;
  const auto is_watched = [&](size_t engine) {
    return AllEngines()[engine].name == watched_engine;
  };
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
  const std::string only = like.engines.size() == 1 ? std::string(like.engines[0].name) : "";
  RunOptions options = like;
  options.engines = WatchedEngines(watch, only);
  RunProgram(program, options);
  answer->Number(blocks.size());
  for (const auto& [address, block] : blocks) {
    for (const uint64_t number : {address, block.first, block.last}) answer->Number(number);
  }
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
  RunOptions options;
  if (request.full) options.check = CheckLevel::kFull;
  options.engines = WatchedEngines(watch, request.engine);
  const Verdict verdict = RunProgram(program, options);
  *progress = Progress{program.ops.size() + 1, Progress::kNobody, Progress::kNobody};
  if (request.leaks && verdict.kind != VerdictKind::kDivergence &&
      __lsan_do_recoverable_leak_check != nullptr && __lsan_do_recoverable_leak_check() != 0) {
    return kLeakExit;
  }
  Packer first;
  Pack(verdict, &first);
  WriteMessage(result, first.bytes());
  if (!request.story && request.blocks.empty()) return 0;
  Story story;
  if (request.story) story = TellStory(program, verdict, options);
  Packer second;
  Pack(story, &second);
  WriteMessage(result, second.bytes());
  const std::string& engine = request.blocks.empty() ? story.engine : request.blocks;
  if (watched == nullptr || engine.empty()) return 0;
  Packer third;
  AddBlocks(program, options, verdict, engine, *watched, progress, &third);
  WriteMessage(result, third.bytes());
  return 0;
}

// ---- The parent ----

// Operation and engine at which the child ended, as far as it has said.
void PackPlace(const Progress& progress, Packer* answer) {
  // What the engines have not begun, the reference has; it goes first.
  const bool nobody = progress.engine == Progress::kNobody;
  const bool all_done = nobody && progress.last_engine + 1 == AllEngines().size();
  const uint64_t begun = progress.operations + (all_done ? 1 : 0);
  answer->Number(begun > 0 ? begun - 1 : 0);
  answer->Text(nobody ? "" : AllEngines()[progress.engine].name);
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
  const ExitStatus status = child.Wait();
  Packer answer;
  answer.Number(static_cast<uint64_t>(status.kind));
  answer.Number(static_cast<uint64_t>(status.number));
  PackPlace(*progress, &answer);
  munmap(shared, sizeof(Progress));
  answer.Text(ReadBack(log.get(), kMaxLog));
  answer.Text(ReadBack(result.get(), kMaxMessage));
  return answer.bytes();
}

ProbeRequest UnpackRequest(std::string_view message, bool* ok) {
  Unpacker from(message);
  ProbeRequest request;
  request.program = from.Text();
  request.engine = from.Text();
  request.blocks = from.Text();
  request.limits.wall_ms = from.Number();
  request.limits.memory_mb = from.Number();
  for (bool* flag : {&request.full, &request.story, &request.leaks, &request.codec}) {
    *flag = from.Number() != 0;
  }
  *ok = from.ok();
  return request;
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

std::string PackRequest(const ProbeRequest& request) {
  Packer to;
  to.Text(request.program);
  to.Text(request.engine);
  to.Text(request.blocks);
  to.Number(request.limits.wall_ms);
  to.Number(request.limits.memory_mb);
  for (bool flag : {request.full, request.story, request.leaks, request.codec}) to.Number(flag);
  return to.bytes();
}

bool UnpackAnswer(std::string_view answer, Trial* trial) {
  Unpacker from(answer);
  const auto kind = static_cast<ExitStatus::Kind>(from.Number());
  trial->number = static_cast<int>(from.Number());
  trial->op_index = from.Number();
  trial->engine = from.Text();
  trial->log = from.Text();
  const std::string result = from.Text();
  if (!from.ok()) return false;
  Unpacker parts(result);
  const std::string verdict = parts.Text();
  if (!verdict.empty()) {  // whatever came later, this is what the program comes to
    Unpacker of_verdict(verdict);
    Unpack(&of_verdict, &trial->verdict);
    if (!of_verdict.ok()) return false;
    const std::string story = parts.Text();
    Unpacker of_story(story);
    if (!story.empty()) Unpack(&of_story, &trial->story);
    const std::string blocks = parts.Text();
    Unpacker of_blocks(blocks);
    for (size_t left = blocks.empty() ? 0 : of_blocks.Count(); left > 0; --left) {
      BlockRun& block = trial->blocks.emplace_back();
      for (uint64_t* number : {&block.address, &block.first, &block.last}) {
        *number = of_blocks.Number();
      }
    }
    return true;
  }
  trial->cause = ReadCrashLog(trial->log);
  trial->ending = EndingOf(kind, *trial);
  return true;
}

void BeforeOperation(const std::string& op) { asm volatile("" : : "r"(&op) : "memory"); }

Verdict RunAndStop(const Program& program, const std::string& engine, size_t op_index) {
  Progress progress;
  Watch watch;
  watch.progress = &progress;
  watch.before = [&](size_t at_work, size_t at) {
    if (at != op_index || AllEngines()[at_work].name != engine) return;
    BeforeOperation(at < program.ops.size() ? PrintOp(program.header, program.ops[at])
                                            : "teardown");
  };
  RunOptions options;
  options.engines = WatchedEngines(watch, "");
  return RunProgram(program, options);
}

int ServeProbe(int in, int out, const BlockWatch* watch) {
  signal(SIGPIPE, SIG_IGN);
  ReserveHostMemory();
  std::string message;
  while (ReadMessage(in, &message)) {
    bool ok = false;
    const ProbeRequest request = UnpackRequest(message, &ok);
    try {
      if (!ok || !WriteMessage(out, Answer(request, watch))) return 1;
    } catch (const std::system_error& error) {
      std::fprintf(stderr, "%s\n", error.what());
      return 1;
    }
  }
  return 0;
}

}  // namespace rmapdiff

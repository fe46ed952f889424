#include "fuzzers/finding/probe.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <new>

#include "fuzzers/finding/address_space.h"
#include "fuzzers/finding/release_log.h"
#include "fuzzers/program/codec_check.h"
#include "fuzzers/run/report.h"
#include "fuzzers/voices/watched_voice.h"

extern "C" {
// Of the sanitizers' runtimes, if they are linked.
__attribute__((weak)) void __sanitizer_print_stack_trace();
__attribute__((weak)) int __lsan_do_recoverable_leak_check();
}

namespace rmapdiff {
namespace {

// How a child ends that has no answer to give; no other exit code is ours.
constexpr int kTimeoutExit = 79;
constexpr int kMemoryExit = 80;
constexpr int kLeakExit = 81;
constexpr int kCodecExit = 82;

constexpr size_t kMaxMessage = 64 << 20;
constexpr size_t kMaxLog = 256 << 10;
constexpr uint64_t kTickMicroseconds = 50'000;

// ---- Limits: a child looks at the clock and at its own size, because neither a limit of address
// ---- space nor a watching thread survives what a sanitizer and a fork make of them.

struct Limits {
  uint64_t ticks_left = 0;
  uint64_t pages = 0;  // resident
};
Limits limits;

uint64_t ResidentPages() {
  const int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  char text[64] = {};
  const ssize_t size = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
  if (fd >= 0) close(fd);
  if (size <= 0) return 0;
  char* rest = text;
  std::strtoull(rest, &rest, 10);
  return std::strtoull(rest, nullptr, 10);
}

[[noreturn]] void EndWithStack(int exit_code) {
  if (__sanitizer_print_stack_trace != nullptr) __sanitizer_print_stack_trace();
  _exit(exit_code);
}

void OnTick(int) {
  if (limits.pages != 0 && ResidentPages() > limits.pages) EndWithStack(kMemoryExit);
  if (limits.ticks_left-- == 0) EndWithStack(kTimeoutExit);
}

void SetLimits(const ProbeRequest& request) {
  limits.ticks_left = std::max<uint64_t>(request.timeout_ms * 1000 / kTickMicroseconds, 1);
  limits.pages = (request.memory_mb << 20) / static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  signal(SIGALRM, OnTick);
  const timeval tick{0, static_cast<suseconds_t>(kTickMicroseconds)};
  const itimerval timer{tick, tick};
  setitimer(ITIMER_REAL, &timer, nullptr);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  // Should the handler itself hang.
  const rlim_t seconds = request.timeout_ms / 1000 + 5;
  const rlimit cpu{seconds, seconds + 1};
  setrlimit(RLIMIT_CPU, &cpu);
}

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

[[noreturn]] void RunChild(const ProbeRequest& request, const BlockWatch* watched,
                           Progress* progress, int result, int log) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(log, STDERR_FILENO);
  SetLimits(request);
  StartReleaseLog();
  const auto* data = reinterpret_cast<const uint8_t*>(request.program.data());
  if (request.codec) {
    const std::string fault = FindCodecFault({data, request.program.size()});
    std::fprintf(stderr, "%s\n", fault.c_str());
    if (!fault.empty()) _exit(kCodecExit);
  }
  try {
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
      _exit(kLeakExit);
    }
    Packer first;
    Pack(verdict, &first);
    WriteMessage(result, first.bytes());
    if (!request.story && request.blocks.empty()) _exit(0);
    Story story;
    if (request.story) story = TellStory(program, verdict, options);
    Packer second;
    Pack(story, &second);
    WriteMessage(result, second.bytes());
    const std::string& engine = request.blocks.empty() ? story.engine : request.blocks;
    if (watched == nullptr || engine.empty()) _exit(0);
    Packer third;
    AddBlocks(program, options, verdict, engine, *watched, progress, &third);
    WriteMessage(result, third.bytes());
  } catch (const std::bad_alloc&) {
    _exit(HasLimitedAddressSpace() ? kNoAddressSpaceExit : kMemoryExit);
  }
  _exit(0);
}

// ---- The parent ----

std::string ReadBack(int fd, size_t most) {
  std::string text;
  const off_t size = lseek(fd, 0, SEEK_END);
  text.resize(std::min(static_cast<size_t>(std::max<off_t>(size, 0)), most));
  const ssize_t count = pread(fd, text.data(), text.size(), 0);
  text.resize(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  return text;
}

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
  const int result = memfd_create("result", MFD_CLOEXEC);
  const int log = memfd_create("log", MFD_CLOEXEC);
  void* shared =
      mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Packer answer;
  const bool ready = result >= 0 && log >= 0 && shared != MAP_FAILED;
  auto* progress = ready ? new (shared) Progress : nullptr;
  const pid_t child = ready ? fork() : -1;
  if (child == 0) RunChild(request, watched, progress, result, log);
  int status = 0;
  bool waited = child > 0;
  while (waited && waitpid(child, &status, 0) < 0) waited = errno == EINTR;
  if (waited) {
    answer.Number(WIFSIGNALED(status) ? 1 : 0);
    answer.Number(
        static_cast<uint64_t>(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)));
    PackPlace(*progress, &answer);
    answer.Text(ReadBack(log, kMaxLog));
    answer.Text(ReadBack(result, kMaxMessage));
  }
  if (shared != MAP_FAILED) munmap(shared, sizeof(Progress));
  if (result >= 0) close(result);
  if (log >= 0) close(log);
  return answer.bytes();  // "" if there could be no child
}

ProbeRequest UnpackRequest(std::string_view message, bool* ok) {
  Unpacker from(message);
  ProbeRequest request;
  request.program = from.Text();
  request.engine = from.Text();
  request.blocks = from.Text();
  request.timeout_ms = from.Number();
  request.memory_mb = from.Number();
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

Ending EndingOf(bool by_signal, int number, const Trial& trial) {
  if (trial.cause.kind == "memory") return Ending::kMemory;
  if (by_signal && number == SIGXCPU) return Ending::kTimeout;
  if (!by_signal && number == kTimeoutExit) return Ending::kTimeout;
  if (!by_signal && number == kMemoryExit) return Ending::kMemory;
  if (!trial.cause.kind.empty()) return Ending::kSanitizer;
  return by_signal ? Ending::kSignal : Ending::kExit;
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
  to.Number(request.timeout_ms);
  to.Number(request.memory_mb);
  for (bool flag : {request.full, request.story, request.leaks, request.codec}) to.Number(flag);
  return to.bytes();
}

bool UnpackAnswer(std::string_view answer, Trial* trial) {
  Unpacker from(answer);
  const bool by_signal = from.Number() != 0;
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
  trial->ending = EndingOf(by_signal, trial->number, *trial);
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
    if (!ok || !WriteMessage(out, Answer(request, watch))) return 1;
  }
  return 0;
}

}  // namespace rmapdiff

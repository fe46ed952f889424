// A child: how its end reads, what its limits do, and that nothing of it is left.
#include "fuzzers/finding/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

namespace rmapdiff {
namespace {

using Kind = ExitStatus::Kind;

constexpr Limits kShort = {.wall_ms = 200, .memory_mb = 2560};
constexpr Limits kSmall = {.wall_ms = 600'000, .memory_mb = 64};

[[noreturn]] void Loop() {
  for (volatile int turns = 0;; turns = turns + 1) {
  }
}

int TakeMemory() {
  std::vector<std::string> all;
  while (all.size() < 1024) all.emplace_back(1 << 20, 'x');
  Loop();
}

ExitStatus StatusOf(const std::function<int()>& run, const std::optional<Limits>& limits = {}) {
  ChildOptions options;
  options.limits = limits;
  return ChildProcess(options, run).Wait();
}

std::function<int()> Program(const std::vector<std::string>& words) {
  return [words] { return Execvp(words); };
}

void ExpectStatus(const ExitStatus& status, Kind kind, int code) {
  EXPECT_EQ(status.kind, kind);
  EXPECT_EQ(status.code(), code);
  EXPECT_EQ(status.ok(), kind == Kind::kExited && code == 0);
}

TEST(ChildProcessTest, ItsEndIsAValue) {
  ExpectStatus(StatusOf([] { return 0; }), Kind::kExited, 0);
  ExpectStatus(StatusOf([] { return 79; }), Kind::kExited, 79);
  ExpectStatus(StatusOf([] { return raise(SIGALRM); }), Kind::kSignaled, 128 + SIGALRM);
  ExpectStatus(StatusOf([]() -> int { throw 1; }), Kind::kSignaled, 128 + SIGABRT);
  ExpectStatus(StatusOf(Program({"true"})), Kind::kExited, 0);
  ExpectStatus(StatusOf(Program({"/nowhere"})), Kind::kExited, 127);
  ExpectStatus(StatusOf([] { return Execv({"true"}); }), Kind::kExited, 127);
}

TEST(ChildProcessTest, AFunctionEndsAtALimit) {
  EXPECT_EQ(StatusOf([]() -> int { Loop(); }, kShort).kind, Kind::kTimedOut);
  EXPECT_EQ(StatusOf(TakeMemory, kSmall).kind, Kind::kOutOfMemory);
  EXPECT_EQ(StatusOf([]() -> int { throw std::bad_alloc(); }).number, 80);
  EXPECT_EQ(StatusOf([] { return 0; }, kShort).kind, Kind::kExited);
}

TEST(ChildProcessTest, AProgramEndsAtALimit) {
  EXPECT_EQ(StatusOf(Program({"sleep", "1000"}), kShort).kind, Kind::kTimedOut);
  const std::string text = "x = 'x' * (1 << 30)";
  EXPECT_EQ(StatusOf(Program({"python3", "-c", text}), kSmall).code(), 1) << "a MemoryError";
}

TEST(ChildProcessTest, AChildOfAChildHasLimitsOfItsOwn) {
  const auto of_another = StatusOf(
      [] { return StatusOf(Program({"python3", "-c", "x = 'x' * (1 << 28)"})).code(); }, kSmall);
  EXPECT_TRUE(of_another.ok());
}

TEST(ChildProcessTest, TheClockCanBeLeft) {
  const auto wait = [] {
    OffTheClock([] { EXPECT_TRUE(StatusOf(Program({"sleep", "0.5"})).ok()); });
    return 0;
  };
  EXPECT_TRUE(StatusOf(wait, kShort).ok());
}

TEST(ChildProcessTest, TheClockBeginsAnew) {
  const auto in_parts = [] {
    for (int i = 0; i < 30; ++i) {
      RestartClock();
      usleep(50'000);  // a tick ends it, too
    }
    return 0;
  };
  EXPECT_TRUE(StatusOf(in_parts, kShort).ok());
}

TEST(ChildProcessTest, ItsOutputGoesToAPipeAFileOrNowhere) {
  Pipe pipe;
  const Descriptor file = MemoryFile();
  ChildOptions options;
  options.in = ChildOptions::kNothing;
  options.out = pipe.write_end.get();
  options.err = file.get();
  ChildProcess child(options, [] {
    dprintf(STDERR_FILENO, "to a file");
    char byte = 0;
    const bool nothing = read(STDIN_FILENO, &byte, 1) == 0;
    return nothing && write(STDOUT_FILENO, "to a pipe", 9) == 9 ? 0 : 1;
  });
  pipe.write_end.Close();
  std::string text(9, '\0');
  EXPECT_EQ(read(pipe.read_end.get(), text.data(), text.size()), 9);
  EXPECT_EQ(text, "to a pipe");
  EXPECT_TRUE(child.Wait().ok());
  EXPECT_EQ(ReadBack(file.get()), "to a file");
  EXPECT_EQ(ReadBack(file.get(), 4), "to a");
}

// A process of the group has ended when its end of the pipe is closed.
TEST(ChildProcessTest, AGroupEndsWithItsChild) {
  for (const bool killed : {false, true}) {
    Pipe pipe;
    const auto leave_one = [&] {
      ChildOptions of_its_own;
      of_its_own.out = pipe.write_end.get();
      of_its_own.death_signal = 0;
      new ChildProcess(of_its_own, Program({"sleep", "1000"}));
      if (write(pipe.write_end.get(), "x", 1) != 1) return 1;
      return killed ? pause() : 3;
    };
    ChildOptions options;
    options.own_group = true;
    auto child = std::make_unique<ChildProcess>(options, leave_one);
    pipe.write_end.Close();
    char byte = 0;
    EXPECT_EQ(read(pipe.read_end.get(), &byte, 1), 1);
    if (killed) {
      EXPECT_FALSE(child->Poll());
      child.reset();
    } else {
      ExpectStatus(child->Wait(), Kind::kExited, 3);
      ExpectStatus(*child->Poll(), Kind::kExited, 3);
    }
    EXPECT_EQ(read(pipe.read_end.get(), &byte, 1), 0);
  }
}

TEST(ChildProcessTest, AChildDiesWithItsParent) {
  Pipe pipe;
  StatusOf([&] {
    ChildProcess child({}, [&] { return write(pipe.write_end.get(), "x", 1) == 1 ? pause() : 1; });
    char byte = 0;
    return read(pipe.read_end.get(), &byte, 1) == 1 ? raise(SIGKILL) : 1;
  });
  pipe.write_end.Close();
  char byte = 0;
  EXPECT_EQ(read(pipe.read_end.get(), &byte, 1), 0);
}

}  // namespace
}  // namespace rmapdiff

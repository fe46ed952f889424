// Runs programs for another process. Each has a child of its own with limits of time and memory. So
// a program can do anything to an MMU, and the other process goes on.
//
// A probe reads requests from one descriptor and writes an answer to each to another, until there
// are no more. The same code is linked into the command line. With sanitizers it is a program of
// its own (probe_main.cc), whose answers have the sanitizers' findings, too.
//
// Not covered: a child that escapes, for it is our own code. Nor a wait for a probe that hangs
// itself (tools/cli/findings/probe_client.h).
#ifndef RMAPDIFF_FUZZERS_FINDING_PROBE_H_
#define RMAPDIFF_FUZZERS_FINDING_PROBE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzzers/finding/child_process.h"
#include "fuzzers/finding/trial.h"
#include "fuzzers/voices/voice.h"

namespace rmapdiff {

struct ProbeRequest {
  std::string program;  // its bytes
  std::string maps;     // those to compare (EnginesNamed); "" for those of the probe's process
  std::string engine;   // only this one, whatever `maps` are; "" for all of them
  std::string blocks;   // the engine whose code to watch; "" for that of a story
  Limits limits;
  bool full = false;   // check everything after each operation
  bool story = false;  // tell the story of a divergence
  bool leaks = false;  // look for leaks, which takes long
  bool codec = false;  // the promises of the codec as well, as program_fuzzer

  void Run(const Program& of);  // sets `program`
};

auto Fields(Either<ProbeRequest> auto& one) {
  return std::tie(one.program, one.maps, one.engine, one.blocks, one.limits.wall_ms,
                  one.limits.memory_mb, one.full, one.story, one.leaks, one.codec);
}

// The engines of the request.
std::vector<Engine> EnginesOf(const ProbeRequest& request);

// The code that ran, of a probe that was built with counters.
struct BlockWatch {
  void (*reset)();
  void (*collect)(std::vector<uint64_t>* blocks);  // those that ran since: their addresses
};

// Returns the exit code of the process: 0, or 1 if the requests make no sense. `watch` may be null.
int ServeProbe(int in, int out, const BlockWatch* watch);

// Runs the program in this very process, for a debugger. Calls BeforeOperation right before the
// engine begins the operation, or after the last one the teardown. A breakpoint can be there.
Verdict RunAndStop(const Program& program, const std::vector<Engine>& engines,
                   const std::string& engine, size_t op_index);
[[gnu::noinline]] void BeforeOperation(const std::string& op);

// A message: its length as eight bytes, and its bytes. False at the end of the stream, or if the
// other side is gone.
bool ReadMessage(int fd, std::string* message);
bool WriteMessage(int fd, std::string_view message);

// Reads an answer. False if the bytes are not an answer.
bool UnpackAnswer(std::string_view answer, Trial* trial);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FINDING_PROBE_H_

// The last words of a process, read for the cause of its end and the frames of its stack. They are
// a report of AddressSanitizer, of UndefinedBehaviorSanitizer, or of a leak.
//
// A pure function of the text and the table of engines, tolerant of whatever else stands in it. Not
// covered: processes that die without a word, of which the kernel alone knows the signal.
#ifndef RMAPDIFF_FUZZERS_FINDING_CRASH_LOG_H_
#define RMAPDIFF_FUZZERS_FINDING_CRASH_LOG_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rmapdiff {

struct StackFrame {
  std::string function;  // "SiblingMap::Unlink": without namespace, template and call arguments
  std::string file;      // "mmu/sibling_map.h"; "" if it is unknown
  std::string path;      // the same as the compiler saw it
  int line = 0;          // 0: unknown, or code of no single line
  int column = 0;        // likewise
  uint64_t offset = 0;   // into the program, of a frame without a name; 0 for none
};

struct CrashCause {
  std::string kind;  // "asan-use-after-poison", "ubsan-load-of-misaligned", "asan-leak"
  std::string said;  // the line that says it, for a reader
  std::vector<StackFrame> frames;  // of the first stack, innermost first, without OnlyPassesOn
  // Of memory that is used after it was freed: the stack that freed it.
  std::vector<StackFrame> freed = {};
};

// kind is "" if no sanitizer has said anything.
CrashCause ReadCrashLog(std::string_view log);

// The innermost frame that has a name, of the sources of the MMUs, else of the suite. A lambda has
// no name. Null if there is none.
const StackFrame* OwnFrame(const std::vector<StackFrame>& frames);

// Whether the frame is left out of a stack. It only passes a call on, between the MMU and a map. Or
// it is the tick that ends a child at its limit.
bool OnlyPassesOn(const StackFrame& frame);

// Whether a path below the workspace is of the MMUs. All maps share it, or it is in the folder of
// an engine's map.
bool IsMmuSource(std::string_view file);

// A path below the workspace: what stands before the first of our folders is left out.
std::string OwnPath(std::string_view path);

// "SiblingMap::Unlink" of "rmapdiff::SiblingMap<rmapdiff::TinyLimits>::Unlink(unsigned long*&)".
std::string PlainFunctionName(std::string_view name);

// A log for a reader: "std::variant<...>" for each variant. Its alternatives are all operations,
// and take two thousand characters of each frame.
std::string WithoutAlternatives(std::string_view text);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_FINDING_CRASH_LOG_H_

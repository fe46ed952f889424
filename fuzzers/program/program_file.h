// Whether a file holds a program as text or as the bytes that a fuzz target reads.
//
// Both come under any name, and bytes may be printable by chance; what decides, the first that
// applies:
//   1. a name that ends in .ops: text, so that a slip in its first word is reported;
//   2. the first word is `program` (a byte order mark and comments may precede it): text;
//   3. a name that fuzzing engines and `assemble` give to inputs (crash-*, a SHA-1, id:*, *.bin and
//      their like): bytes;
//   4. no control characters but tabs and ends of lines: text, which then is malformed;
//   5. anything else: bytes.
// So a README.md, or a header with a slip in it, is never run as bytes.
// Not covered: program_fuzzer, whose inputs are any bytes, texts among them (NamesCodecTarget).
#ifndef RMAPDIFF_FUZZERS_PROGRAM_PROGRAM_FILE_H_
#define RMAPDIFF_FUZZERS_PROGRAM_PROGRAM_FILE_H_

#include <string_view>

namespace rmapdiff {

// `path` is "" where there is no name, as for standard input.
bool HoldsText(std::string_view path, std::string_view content);

// Whether `name`, a fuzz target's say, stands in the path as a word of its own.
bool PathNames(std::string_view path, std::string_view name);

// Beginnings of names that libFuzzer gives to inputs of findings.
inline constexpr std::string_view kArtifactPrefixes[] = {"crash-", "leak-", "oom-", "timeout-"};
// Whether libFuzzer has named the file so. A unit that was merely slow is not a finding.
bool IsArtifactName(std::string_view path);
// Whether libFuzzer, OSS-Fuzz, AFL++ or a continuous run has named the file, for whatever reason.
bool IsInputName(std::string_view path);

// The fuzz target whose inputs are any bytes.
inline constexpr std::string_view kCodecTarget = "program_fuzzer";
inline bool NamesCodecTarget(std::string_view path) { return PathNames(path, kCodecTarget); }

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_PROGRAM_FILE_H_

// rmapdiff assemble FILE -o OUT: a program as the bytes that a fuzz target reads.
#include "fuzzers/program/program.h"
#include "tools/cli/base/arguments.h"
#include "tools/cli/base/input.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/verbs.h"

namespace rmapdiff {

int AssembleVerb(const Words& words) {
  std::string file;
  std::string out;
  Arguments arguments("assemble", "Turns a program into its canonical bytes.",
                      "rmapdiff assemble corpus/rmap_fuzzer/one_to_many.ops -o one_to_many.bin");
  arguments.File(&file, "a program, as text or bytes; - is standard input");
  arguments.Option("-o,--output", "OUT", &out, "the file to write", /*required=*/true);
  if (const auto code = arguments.Parse(words)) return *code;

  const std::vector<uint8_t> bytes = Encode(ReadProgram(file));
  WriteFile(out, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return 0;
}

}  // namespace rmapdiff

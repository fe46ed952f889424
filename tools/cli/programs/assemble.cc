// rmapdiff assemble FILE -o OUT: a program as the bytes that a fuzz target reads.
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

  WriteFile(out, ToBytes(ReadProgram(file)));
  return 0;
}

}  // namespace rmapdiff

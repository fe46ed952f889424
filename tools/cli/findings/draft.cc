// rmapdiff draft-test FILE: a finding as a GoogleTest that compiles as it is.
#include <string>

#include "fuzzers/finding/test_draft.h"
#include "tools/cli/base/arguments.h"
#include "tools/cli/base/exit_codes.h"
#include "tools/cli/base/maps_option.h"
#include "tools/cli/base/output.h"
#include "tools/cli/base/verbs.h"
#include "tools/cli/findings/artifact.h"
#include "tools/cli/findings/probe_client.h"
#include "tools/cli/findings/runs.h"

namespace rmapdiff {

int DraftTestVerb(const Words& words) {
  std::string file;
  std::string out;
  Arguments arguments("draft-test", "Writes a regression test for the finding of a program.",
                      "rmapdiff draft-test bug.ops -o tests/lost_tail_test.cc");
  arguments.File(&file, "a program, best a minimized one; - is standard input");
  arguments.Option("-o,--output", "OUT", &out, "the source to write [standard output]");
  const MapsOption maps(&arguments);
  if (const auto code = arguments.Take(words)) return *code;
  maps.Choose(arguments);
  if (const auto code = arguments.Checked()) return *code;

  const Artifact artifact = ReadArtifact(file);
  ProbeRequest request = artifact.Request();
  request.story = true;
  ProbeClient client(BestBuild());
  const Trial trial = client.Try(request);
  std::string signature = Signature(artifact.program, trial);
  std::string story = StoryOf(artifact.program, trial);
  if (signature.empty()) {
    // The fault may be gone already; the test is the same.
    signature = "a program on which all agree";
    story.clear();
  }
  const std::string text = DraftTest(artifact.program, signature, story);
  if (out.empty()) {
    WriteOut(text);
  } else {
    WriteFile(out, text);
  }
  return kExitDone;
}

}  // namespace rmapdiff

// The state after an operation as a picture, in the language of Graphviz: shadow pages as tables,
// reverse maps as each MMU stores them, and in red what is not as it should be.
//
// An MMU that keeps a list in objects has them drawn as boxes; one that has none, as a thread from
// slot to slot. A pure function of values. Not covered: vcpus and their TLBs. Large states are cut
// to what the operation is about, and say so.
#ifndef RMAPDIFF_TOOLS_CLI_FINDINGS_STATE_GRAPH_H_
#define RMAPDIFF_TOOLS_CLI_FINDINGS_STATE_GRAPH_H_

#include <string>
#include <vector>

#include "fuzzers/program/program.h"
#include "fuzzers/state/observation.h"
#include "fuzzers/state/raw_state.h"

namespace rmapdiff {

// A list in its MMU's own order.
struct DrawnList {
  std::vector<SpteRef> entries;
  std::vector<uint32_t> sizes;  // of its objects, empty if there are none
};

struct DrawnEngine {
  std::string name;
  std::string why_not;  // its lists cannot be walked, and are not drawn
  Observation state;
  RawState raw;
  ListShapes shapes;
};

struct DrawnState {
  std::string title;  // "after op 3 of 3: drop page=0 index=1 notrap=no"
  Header header;
  Touched touched;       // by the operation
  Observation expected;  // the reference's
  std::vector<DrawnEngine> engines;
};

std::string StateGraph(const DrawnState& state);

}  // namespace rmapdiff

#endif  // RMAPDIFF_TOOLS_CLI_FINDINGS_STATE_GRAPH_H_

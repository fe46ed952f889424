// The state after an operation as a picture, in the language of Graphviz. Shadow pages are tables,
// reverse maps are drawn as each MMU stores them, and faults are red.
//
// A list that its MMU keeps in objects is drawn as boxes. Any other is a thread from slot to slot.
// A pure function of values. Not covered: vcpus and their TLBs. A large state is cut to the part
// that the operation is about. The picture says so.
#ifndef RMAPDIFF_TOOLS_CLI_FINDINGS_STATE_GRAPH_H_
#define RMAPDIFF_TOOLS_CLI_FINDINGS_STATE_GRAPH_H_

#include <string>
#include <vector>

#include "fuzzers/program/program.h"
#include "fuzzers/state/observation.h"
#include "fuzzers/state/raw_state.h"

namespace rmapdiff {

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

// The search of this process. RMAPDIFF_SEARCH switches techniques off, "no-splice,no-bytes"
// (search/techniques.h). Lengths are those of the reverse maps that the process compares.
#ifndef RMAPDIFF_FUZZERS_THIS_SEARCH_H_
#define RMAPDIFF_FUZZERS_THIS_SEARCH_H_

#include "fuzzers/search/techniques.h"

namespace rmapdiff {

// Words that are wrong end the process with a line and exit code 2.
const Search& ThisSearch();

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_THIS_SEARCH_H_

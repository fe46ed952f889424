// Whether a program does the same when it is run again: a verdict that depends on what ran before,
// on an address or on uninitialised memory can be neither reproduced nor believed.
#ifndef RMAPDIFF_FUZZERS_RUN_DETERMINISM_H_
#define RMAPDIFF_FUZZERS_RUN_DETERMINISM_H_

#include <string>

#include "fuzzers/run/verdict.h"

namespace rmapdiff {

// "" if two runs of one program came to the same; else what differs, in one line with its end.
std::string WhatChanges(const Verdict& first, const Verdict& second);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_RUN_DETERMINISM_H_

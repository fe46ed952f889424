// The fuzz targets that run programs: which programs each of them is for.
//
// The header of a program alone decides, so a file needs no name to be run by the right target. A
// target rejects every other program.
#ifndef RMAPDIFF_FUZZERS_PROGRAM_TARGET_KINDS_H_
#define RMAPDIFF_FUZZERS_PROGRAM_TARGET_KINDS_H_

#include <string_view>
#include <vector>

#include "fuzzers/program/program.h"

namespace rmapdiff {

struct TargetKind {
  std::string_view name;
  bool (*accepts)(const Header& header);
};

// All of them; where more than one accepts a header, the most general one comes first.
const std::vector<TargetKind>& TargetKinds();

// Null if no target has this name, or accepts this header (one with a latent bug put back).
const TargetKind* FindTargetKind(std::string_view name);
const TargetKind* TargetKindFor(const Header& header);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_PROGRAM_TARGET_KINDS_H_

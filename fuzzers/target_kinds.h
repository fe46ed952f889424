// The fuzz targets of programs, and which of them runs a program.
#ifndef RMAPDIFF_FUZZERS_TARGET_KINDS_H_
#define RMAPDIFF_FUZZERS_TARGET_KINDS_H_

#include <string_view>
#include <vector>

#include "fuzzers/program.h"

namespace rmapdiff {

struct TargetKind {
  std::string_view name;
  bool (*accepts)(const Header& header);
};

const std::vector<TargetKind>& TargetKinds();

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_TARGET_KINDS_H_

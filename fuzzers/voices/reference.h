// The references (fuzzers/judges/reference.h), made for a program's header.
#ifndef RMAPDIFF_FUZZERS_VOICES_REFERENCE_H_
#define RMAPDIFF_FUZZERS_VOICES_REFERENCE_H_

#include <memory>

#include "fuzzers/judges/reference.h"
#include "fuzzers/program/program.h"

namespace rmapdiff {

std::unique_ptr<Reference> MakeReference(const Header& header);

// REQUIRES: the header asks for these limits, and for a whole MMU.
std::unique_ptr<Reference> MakeProductionMmuReference(const Header& header);
std::unique_ptr<Reference> MakeTinyMmuReference(const Header& header);

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_REFERENCE_H_

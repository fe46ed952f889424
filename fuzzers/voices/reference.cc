#include "fuzzers/voices/reference.h"

#include "fuzzers/judges/model.h"

namespace rmapdiff {

std::unique_ptr<Reference> MakeReference(const Header& header) {
  if (!header.whole_mmu()) return std::make_unique<Model>(header);
  return header.limits == LimitsMode::kTiny ? MakeTinyMmuReference(header)
                                            : MakeProductionMmuReference(header);
}

}  // namespace rmapdiff

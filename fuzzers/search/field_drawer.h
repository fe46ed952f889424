// How an argument of an operation is drawn at random: as a visitor, by its domain.
//
// Private to what makes programs. Small domains and hot pools make operations meet.
#ifndef RMAPDIFF_FUZZERS_SEARCH_FIELD_DRAWER_H_
#define RMAPDIFF_FUZZERS_SEARCH_FIELD_DRAWER_H_

#include <cstdint>

#include "fuzzers/program/fields.h"
#include "fuzzers/program/program.h"
#include "fuzzers/search/random.h"

namespace rmapdiff {

// Draws each argument it visits: three times out of four from its hot pool, if it has one.
class FieldDrawer {
 public:
  FieldDrawer(Random& random, const Header& header) : random_(random), header_(header) {}

  void operator()(const char*, auto& arg) {
    arg.value = static_cast<decltype(arg.value)>(Draw(arg.kDomain));
  }

 private:
  uint32_t Draw(const Domain& domain) {
    switch (domain.form) {
      case Domain::Form::kNumberOrNone:
        // Half of the pages stand alone: a parent fits only if its level does.
        return random_.Below(2) == 0 ? Domain::kNone : DrawNumber(domain);
      case Domain::Form::kWalk:
        return DrawWalk(domain);
      case Domain::Form::kLetters:
        return DrawFlags();
      case Domain::Form::kNumber:
      case Domain::Form::kGfn:
      case Domain::Form::kWord:
        break;
    }
    return domain.names == Domain::Names::kEntry ? DrawEntry(domain) : DrawNumber(domain);
  }

  uint32_t DrawNumber(const Domain& domain) {
    const uint32_t hot = HotCount(domain, header_);
    if (hot != 0 && random_.Below(4) != 0) return HotValue(domain, header_, random_.Below(hot));
    return domain.first + random_.Below(CountOf(domain, header_));
  }
  // Mostly below the first entries, where the boot tables are; often by the first four of a leaf.
  uint32_t DrawWalk(const Domain& domain) {
    const uint32_t path = DrawNumber(domain);
    return random_.Below(2) == 0 ? path & ~0xcu : path;
  }
  // With 32-bit paging sometimes in the other half of the table.
  uint32_t DrawEntry(const Domain& domain) {
    const uint32_t entry = DrawNumber(domain);
    const bool moves = header_.mode == MmuMode::k32Bit && random_.Below(3) == 0;
    const uint32_t entries = header_.guest_entries();
    return moves ? (entry + entries / 2) % entries : entry;
  }
  // Present, and w, u, a, d by chance.
  uint32_t DrawFlags() {
    uint32_t flags = random_.Below(32) | GpteFlagsArg::kPresent;
    if (random_.Below(6) == 0) flags |= GpteFlagsArg::kHuge;
    if (random_.Below(12) == 0) flags |= GpteFlagsArg::kNoExecute;
    return random_.Below(8) == 0 ? random_.Below(256) : flags;
  }

  Random& random_;
  const Header& header_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_SEARCH_FIELD_DRAWER_H_

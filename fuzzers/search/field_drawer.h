// How an argument of an operation is drawn at random: as a visitor, by its type.
//
// Private to what makes programs. Small domains and hot pools make operations meet.
#ifndef RMAPDIFF_FUZZERS_SEARCH_FIELD_DRAWER_H_
#define RMAPDIFF_FUZZERS_SEARCH_FIELD_DRAWER_H_

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "fuzzers/program/program.h"
#include "fuzzers/search/random.h"

namespace rmapdiff {

// Draws each argument it visits: three times out of four from its hot pool.
class FieldDrawer {
 public:
  FieldDrawer(Random& random, const Header& header)
      : random_(random), header_(header), layout_(header.layout()) {}

  void operator()(const char*, PageArg& arg) { Draw(arg.id, 4, PageArg::kCount); }
  void operator()(const char*, MaybePageArg& arg) {
    // Half of the pages stand alone: a parent fits only if its level does.
    if (random_.Below(2) == 0) return;  // none is the default
    Draw(arg.id, 4, PageArg::kCount);
  }
  void operator()(const char*, IndexArg& arg) { Draw(arg.index, 8, layout_.sptes_per_page()); }
  void operator()(const char*, GfnArg& arg) {
    if (!header_.whole_mmu()) return Draw(arg.index, 4, GuestLayout::kGfnIndexes);
    const bool hot = random_.Below(4) != 0;
    const uint32_t drawn = random_.Below(hot ? uint32_t{kHotMmuGfns.size()} : layout_.kGfnIndexes);
    arg.index = hot ? kHotMmuGfns[drawn] : static_cast<uint8_t>(drawn);
  }
  void operator()(const char*, LevelArg& arg) {
    arg.level = static_cast<uint8_t>(1 + random_.Below(kRootLevel));
  }
  void operator()(const char*, RmapLevelArg& arg) {
    arg.level = static_cast<uint8_t>(1 + random_.Below(kRmapLevels));
  }
  void operator()(const char*, HostArg& arg) { Draw(arg.generation, 4, 256); }
  void operator()(const char*, CountArg& arg) {
    Draw(arg.count, 8, CountArg::kMax);
    ++arg.count;
  }
  void operator()(const char*, FlagArg& arg) { arg.on = random_.Below(2) != 0; }
  void operator()(const char*, VcpuArg& arg) {
    arg.vcpu = static_cast<uint8_t>(random_.Below(header_.vcpus()));
  }
  void operator()(const char*, VaArg& arg) {
    // Mostly below the first entries, where the boot tables are.
    Draw(arg.path, 64, 256);
    if (random_.Below(2) == 0) arg.path &= 0xf3;
  }
  void operator()(const char*, TableArg& arg) { Draw(arg.index, 12, TableArg::kCount); }
  void operator()(const char*, EntryArg& arg) {
    Draw(arg.index, 8, header_.guest_entries());
    if (header_.mode == MmuMode::k32Bit && random_.Below(3) == 0) {
      arg.index = static_cast<uint16_t>((arg.index + header_.guest_entries() / 2) %
                                        header_.guest_entries());
    }
  }
  void operator()(const char*, GpteFlagsArg& arg) {
    arg.bits = static_cast<uint8_t>(random_.Below(32) | 1u);  // present, and w, u, a, d by chance
    if (random_.Below(6) == 0) arg.bits |= 0x20;
    if (random_.Below(12) == 0) arg.bits |= 0x40;
    if (random_.Below(8) == 0) arg.bits = static_cast<uint8_t>(random_.Below(256));
  }
  void operator()(const char*, SlotArg& arg) { Draw(arg.slot, 3, SlotArg::kCount); }
  template <typename Choice>
    requires requires { Choice::kNames; }
  void operator()(const char*, Choice& arg) {
    Draw(arg.value, 2, uint32_t{std::size(Choice::kNames)});
  }

 private:
  template <typename Integer>
  void Draw(Integer& value, uint32_t hot, uint32_t all) {
    const bool is_hot = random_.Below(4) != 0;
    value = static_cast<Integer>(random_.Below(is_hot ? hot : all));
  }

  Random& random_;
  const Header& header_;
  const GuestLayout& layout_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_SEARCH_FIELD_DRAWER_H_

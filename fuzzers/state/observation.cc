#include "fuzzers/state/observation.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "fuzzers/program/guest_layout.h"
#include "mmu/base/spte.h"

namespace rmapdiff {
namespace {

// A list in a report stays readable: what is beyond this is counted, not shown.
constexpr size_t kMaxShown = 32;

template <typename T>
void SortAndDedupeVector(std::vector<T>* values) {
  if (values->size() < 2) return;  // nearly always
  std::sort(values->begin(), values->end());
  values->erase(std::unique(values->begin(), values->end()), values->end());
}

std::string LeafFlags(Spte word) {
  static constexpr std::pair<Spte, const char*> kFlags[] = {
      {kSpteWritable, " W"}, {kSpteAccessed, " A"}, {kSpteDirty, " D"}, {kSpteHuge, " PS"}};
  std::string flags;
  for (const auto& [bit, name] : kFlags) {
    if ((word & bit) != 0) flags += name;
  }
  return flags;
}

// Whether a reverse map can be called by a gfn.
bool HasGfn(const RmapId& id, const GuestLayout& layout) {
  return !layout.slots_change && id.slot < GuestLayout::kSlots && id.level >= 1 &&
         id.level <= kRmapLevels;
}

// "(gfn 0x42, level 1)"
std::string PlaceText(const RmapId& id, const GuestLayout& layout) {
  const std::string index = HasGfn(id, layout) ? "" : fmt::format(", index {}", id.index);
  return fmt::format("({}, level {}{})", FrameName(id, layout), id.level, index);
}

// "ok, 1 exit, word 0x3027", "guest_fault, error 0x7".
std::string AccessText(const Outcome& outcome) {
  std::string text(OutcomeName(outcome.code));
  const uint64_t exits = outcome.value & 0xff;
  const uint64_t error = outcome.value >> 8 & 0xff;
  const uint64_t word = outcome.value >> 32;
  if (error != 0) text += fmt::format(", error {:#x}", error);
  if (exits != 0) text += fmt::format(", {} exit{}", exits, exits == 1 ? "" : "s");
  if (word != 0) text += fmt::format(", word {:#x}", word);
  return text;
}

// Every value goes in as 64 bits, so that the widths of the build's types do not matter.
class Hasher {
 public:
  void Add(uint64_t value) {
    state_ = (state_ ^ value) * 0x9e3779b97f4a7c15ull;
    state_ ^= state_ >> 29;
  }
  template <typename... Values>
  void AddEach(const Values&... values) {
    (Add(values), ...);
  }
  template <typename T>
  void Add(const std::vector<T>& values) {
    AddAll(values);
  }
  template <typename T>
  void Add(const Rows<T>& values) {
    AddAll(values);
  }
  void Add(const SpteRef& ref) { AddEach(ref.page, ref.index); }
  void Add(const RmapId& id) { AddEach(id.slot, id.level, id.index); }
  void Add(const RmapObservation& rmap) { AddEach(rmap.id, rmap.entries); }
  // States without SMEP and SMAP have the hashes that they had before there were any.
  void Add(const Role& role) {
    const uint32_t late =
        role.cr4_pse | uint32_t{role.smep_andnot_wp} << 1 | uint32_t{role.smap_andnot_wp} << 2;
    AddEach(role.level, role.cr4_pae, role.quadrant, role.direct, role.access, role.invalid,
            role.nxe, role.cr0_wp, late);
  }
  void Add(const PageObservation& page) {
    AddEach(page.id, page.role, page.gfn, page.root_count, page.zapped, page.unsync, page.parents,
            page.unsync_children);
  }
  void Add(const SlotObservation& slot) {
    AddEach(slot.ref, static_cast<uint64_t>(slot.value.kind), slot.value.word, slot.value.child);
  }
  void Add(const WriteCount& write_count) {
    AddEach(write_count.id, static_cast<uint64_t>(int64_t{write_count.count}));
  }
  void Add(const Fact& fact) {
    AddEach(static_cast<uint64_t>(fact.id.kind), fact.id.who, fact.id.what, fact.value);
  }

  uint64_t value() const { return state_; }

 private:
  template <typename Values>
  void AddAll(const Values& values) {
    Add(uint64_t{values.size()});
    for (const auto& value : values) Add(value);
  }
  uint64_t state_ = 0x726d617064696666ull;
};

}  // namespace

void Touched::Clear() {
  rmaps.clear();
  pages.clear();
  slots.clear();
}

void Touched::SortAndDedupe() {
  SortAndDedupeVector(&rmaps);
  SortAndDedupeVector(&pages);
  SortAndDedupeVector(&slots);
}

std::string ToString(const SpteRef& ref) {
  return fmt::format("page {} [{}]", ref.page, ref.index);
}

std::string ToString(const std::vector<SpteRef>& refs) {
  if (refs.empty()) return "{ }";
  std::string text = "{ ";
  const size_t shown = std::min(refs.size(), kMaxShown);
  for (size_t i = 0; i < shown; ++i) {
    if (i > 0) text += ", ";
    text += ToString(refs[i]);
  }
  if (shown < refs.size()) text += fmt::format(", ... ({} more)", refs.size() - shown);
  return text + " }";
}

std::string FrameName(const RmapId& id, const GuestLayout& layout) {
  if (!HasGfn(id, layout)) return fmt::format("slot {}", id.slot);
  // Two memslots can share a large page, so the name is the page's first gfn inside the slot.
  const Gfn base = layout.slots[id.slot].base_gfn;
  const Gfn frames = layout.frames(static_cast<int>(id.level));
  const Gfn first = (base / frames + id.index) * frames;
  return fmt::format("gfn {:#x}", std::max(base, first));
}

std::string ToString(const RmapId& id, const GuestLayout& layout) {
  return "rmap" + PlaceText(id, layout);
}

std::string ToString(const ListId& list, const GuestLayout& layout) {
  return list.rmap ? ToString(*list.rmap, layout)
                   : fmt::format("parents of page {}", list.parents_of);
}

std::string WriteCountName(const RmapId& id, const GuestLayout& layout) {
  return "write_count" + PlaceText(id, layout);
}

std::string ToString(const Outcome& outcome) {
  if (outcome.code == OutcomeCode::kBug) return fmt::format("bug {}", BugName(outcome.bug));
  if (outcome.of_access) return AccessText(outcome);
  if (outcome.value == 0) return std::string(OutcomeName(outcome.code));
  return fmt::format("{}, value {}", OutcomeName(outcome.code), outcome.value);
}

std::string ToString(const SlotValue& value) {
  switch (value.kind) {
    case SlotValue::Kind::kTrap:
      return "trap";
    case SlotValue::Kind::kNotrap:
      return "notrap";
    case SlotValue::Kind::kLeaf:
      return fmt::format("leaf {:#x} (pfn {:#x}{})", value.word, PfnOf(value.word),
                         LeafFlags(value.word));
    case SlotValue::Kind::kLink:
      return fmt::format("link to page {} (flags {:#x})", value.child, value.word);
  }
  return "?";
}

uint64_t Hash(const Observation& observation) {
  Hasher hasher;
  const Outcome& outcome = observation.outcome;
  hasher.AddEach(static_cast<uint64_t>(outcome.code), static_cast<uint64_t>(outcome.bug),
                 outcome.value);
  const Events& events = observation.events;
  hasher.AddEach(events.dirtied, events.accessed, events.remote_flushes);
  const Stats& stats = observation.stats;
  hasher.AddEach(stats.cache_miss, stats.zapped, stats.recycled, stats.reloads, stats.unsync,
                 static_cast<uint32_t>(stats.lpages), stats.live_pages);
  hasher.AddEach(observation.rmaps, observation.pages, observation.slots, observation.write_counts,
                 observation.active, observation.facts);
  return hasher.value();
}

}  // namespace rmapdiff

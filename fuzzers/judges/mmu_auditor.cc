#include "fuzzers/judges/mmu_auditor.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "fuzzers/program/guest_layout.h"
#include "mmu/base/spte.h"

namespace rmapdiff {
namespace {

using MaybeDifference = std::optional<Difference>;

// A page table with a synchronised shadow page.
struct Table {
  uint64_t number;  // its gfn, or its host page
  PageId shadow;
};

class MmuAuditor {
 public:
  explicit MmuAuditor(const RawState& state)
      : state_(state), layout_(state.header.layout()), masks_(state.header.spte_masks()) {}

  MaybeDifference Run() {
    MaybeDifference difference = CheckRoots();
    if (!difference) difference = CheckHash();
    if (!difference) {
      CollectTables();
      difference = CheckLeaves();
    }
    if (!difference) difference = CheckUnsync();
    if (!difference) difference = CheckTlb();
    if (!difference) difference = CheckTlbSizes();
    return difference;
  }

 private:
  MaybeDifference CheckRoots() const;
  MaybeDifference CheckHash() const;
  void CollectTables();
  MaybeDifference CheckLeaves() const;
  bool AnyLeafForbidden() const;
  MaybeDifference CheckLeaf(const RawPage& page, uint32_t index, uint64_t gfn) const;
  MaybeDifference CheckWritable(const RawPage& page, uint32_t index, uint64_t gfn) const;
  MaybeDifference CheckUnsync() const;
  MaybeDifference CheckTlb() const;
  MaybeDifference CheckTlbSizes() const;

  const RawSlot* SlotOf(uint64_t gfn) const {
    const auto slot =
        std::find_if(state_.slots.begin(), state_.slots.end(), [gfn](const RawSlot& each) {
          return gfn >= each.base_gfn && gfn - each.base_gfn < each.npages;
        });
    return slot == state_.slots.end() ? nullptr : &*slot;
  }
  bool IsAliased(uint64_t host_page) const {
    const auto has = [host_page](const RawSlot& slot) {
      return host_page >= slot.user_gfn && host_page - slot.user_gfn < slot.npages;
    };
    return std::count_if(state_.slots.begin(), state_.slots.end(), has) > 1;
  }
  // The first of the tables in [first, first + count).
  static const Table* FindIn(const std::vector<Table>& tables, uint64_t first, uint64_t count) {
    const auto table =
        std::lower_bound(tables.begin(), tables.end(), first,
                         [](const Table& each, uint64_t number) { return each.number < number; });
    return table != tables.end() && table->number - first < count ? &*table : nullptr;
  }

  const RawState& state_;
  const GuestLayout& layout_;
  const SpteMasks& masks_;
  std::vector<Table> gfns_;        // of tables, sorted
  std::vector<Table> host_pages_;  // the same, without the aliased ones
};

Difference Wrong(Finding finding, std::string subject, std::string expected, std::string actual,
                 std::string detail) {
  return {finding, std::move(subject), std::move(expected), std::move(actual), std::move(detail)};
}

MaybeDifference MmuAuditor::CheckRoots() const {
  for (const RawPage& page : state_.pages) {
    const auto uses = std::count(state_.roots.begin(), state_.roots.end(), page.id);
    if (page.root_count == static_cast<uint64_t>(uses)) continue;
    return Wrong(Finding::kPage, fmt::format("root_count of page {}", page.id),
                 fmt::format("{}", uses), fmt::format("{}", page.root_count),
                 "the vcpus that use it as a root");
  }
  return std::nullopt;
}

Difference NotHashedOnce(PageId page) {
  return Wrong(Finding::kPage, fmt::format("page {}", page), "hashed once", "not so",
               "the hash table finds each page once under its gfn");
}

MaybeDifference MmuAuditor::CheckHash() const {
  size_t found = 0;
  for (const RawPage& page : state_.pages) {
    if (page.zapped) {
      return Wrong(Finding::kPage, fmt::format("page {}", page.id), "freed", "zapped",
                   "an operation has left it prepared and not committed");
    }
    const bool hashed = found < state_.hashed.size() && state_.hashed[found] == page.id;
    if (!hashed) return NotHashedOnce(page.id);
    ++found;
  }
  if (found == state_.hashed.size()) return std::nullopt;
  return NotHashedOnce(state_.hashed[found]);
}

void MmuAuditor::CollectTables() {
  for (const RawPage& page : state_.pages) {
    if (page.role.direct != 0 || page.role.invalid != 0 || page.unsync) continue;
    gfns_.push_back({page.gfn, page.id});
    const RawSlot* slot = SlotOf(page.gfn);
    if (slot == nullptr) continue;
    const uint64_t host_page = slot->user_gfn + (page.gfn - slot->base_gfn);
    if (!IsAliased(host_page)) host_pages_.push_back({host_page, page.id});
  }
  const auto by_number = [](const Table& a, const Table& b) { return a.number < b.number; };
  std::sort(gfns_.begin(), gfns_.end(), by_number);
  std::sort(host_pages_.begin(), host_pages_.end(), by_number);
}

MaybeDifference MmuAuditor::CheckLeaves() const {
  const uint32_t size = layout_.sptes_per_page();
  const bool any_forbidden = AnyLeafForbidden();  // asked once, for speed
  for (const RawPage& page : state_.pages) {
    const int level = static_cast<int>(page.role.level);
    for (uint32_t index = NextWord(page.spt, 0, size, masks_.trap); index < size;
         index = NextWord(page.spt, index + 1, size, masks_.trap)) {
      const Spte word = page.spt[index];
      const bool leaf = level == kPageTableLevel || (word & kSpteHuge) != 0;
      if (word == masks_.notrap || !leaf) continue;
      const uint64_t gfn = page.gfns != nullptr ? uint64_t{page.gfns[index]}
                                                : page.gfn + index * layout_.frames(level);
      MaybeDifference difference;
      if (any_forbidden) difference = CheckLeaf(page, index, gfn);
      if (!difference && IsWritable(word)) difference = CheckWritable(page, index, gfn);
      if (difference) return difference;
    }
  }
  return std::nullopt;
}

Difference WrongLeaf(Finding finding, const RawPage& page, uint32_t index, std::string expected,
                     std::string detail) {
  return Wrong(finding, ToString(SpteRef{page.id, index}), std::move(expected),
               ToString(SlotValue{SlotValue::Kind::kLeaf, page.spt[index], 0}), std::move(detail));
}

bool MmuAuditor::AnyLeafForbidden() const {
  const auto logged = [](const RawSlot& slot) { return slot.dirty_bitmap != nullptr; };
  return state_.open_range.npages != 0 ||
         std::any_of(state_.slots.begin(), state_.slots.end(), logged);
}

MaybeDifference MmuAuditor::CheckLeaf(const RawPage& page, uint32_t index, uint64_t gfn) const {
  const RawSlot* slot = SlotOf(gfn);
  if (slot == nullptr) return std::nullopt;  // the graph's audit knows where that is right
  const int level = static_cast<int>(page.role.level);
  if (slot->dirty_bitmap != nullptr && level > kPageTableLevel) {
    return WrongLeaf(Finding::kDirtyLog, page, index, "not large",
                     fmt::format("memslot {} is logged", slot->id));
  }
  const RawRange& range = state_.open_range;
  const uint64_t host_page = slot->user_gfn + (gfn - slot->base_gfn);
  const bool overlaps = range.begin < host_page + layout_.frames(level) &&
                        host_page < uint64_t{range.begin} + range.npages;
  if (overlaps) {
    return WrongLeaf(Finding::kSlot, page, index, "not present",
                     fmt::format("host pages {:#x} to {:#x} are being invalidated", range.begin,
                                 uint64_t{range.begin} + range.npages - 1));
  }
  return std::nullopt;
}

MaybeDifference MmuAuditor::CheckWritable(const RawPage& page, uint32_t index, uint64_t gfn) const {
  const int level = static_cast<int>(page.role.level);
  const Table* table = FindIn(gfns_, gfn, layout_.frames(level));
  if (table != nullptr) {
    return WrongLeaf(
        Finding::kSlot, page, index, "not writable",
        fmt::format("gfn {:#x} is shadowed in sync by page {}", table->number, table->shadow));
  }
  const RawSlot* slot = SlotOf(gfn);
  if (slot == nullptr || slot->dirty_bitmap == nullptr) return std::nullopt;
  if ((*slot->dirty_bitmap)[gfn - slot->base_gfn]) return std::nullopt;
  return WrongLeaf(Finding::kDirtyLog, page, index, "not writable",
                   fmt::format("gfn {:#x} is clean in the dirty log", gfn));
}

// kvm_sync_pages: where a frame becomes a table of a higher level, its unsync pages come into sync.
MaybeDifference MmuAuditor::CheckUnsync() const {
  for (const RawPage& page : state_.pages) {
    if (!page.unsync) continue;
    const auto is_upper_table = [&page](const RawPage& other) {
      return other.gfn == page.gfn && other.role.direct == 0 && other.role.invalid == 0 &&
             other.role.level > kPageTableLevel;
    };
    const auto upper = std::find_if(state_.pages.begin(), state_.pages.end(), is_upper_table);
    if (upper == state_.pages.end()) continue;
    return Wrong(Finding::kUnsync, fmt::format("page {}", page.id), "in sync", "unsync",
                 fmt::format("page {} shadows its frame as a table of level {}", upper->id,
                             uint32_t{upper->role.level}));
  }
  return std::nullopt;
}

MaybeDifference MmuAuditor::CheckTlb() const {
  for (const RawTranslation& entry : state_.tlb) {
    if (!entry.writable) continue;
    const Table* table =
        FindIn(host_pages_, entry.host_page, layout_.frames(static_cast<int>(entry.level)));
    if (table == nullptr) continue;
    return Wrong(
        Finding::kTlb,
        fmt::format("tlb of vcpu {}, page {:#x}, level {}", entry.vcpu, entry.page, entry.level),
        "not writable", fmt::format("writable, pfn {:#x}", entry.pfn),
        fmt::format("host page {:#x} holds a table that is shadowed in sync by page {}",
                    table->number, table->shadow));
  }
  return std::nullopt;
}

// Of an address in two sizes a processor may use either, and some report a machine check.
MaybeDifference MmuAuditor::CheckTlbSizes() const {
  for (const RawTranslation& large : state_.tlb) {
    if (large.level == kPageTableLevel) continue;
    const uint64_t pages = layout_.frames(static_cast<int>(large.level));
    const auto is_inside = [&](const RawTranslation& other) {
      return other.vcpu == large.vcpu && other.level < large.level && other.page >= large.page &&
             other.page - large.page < pages;
    };
    const auto small = std::find_if(state_.tlb.begin(), state_.tlb.end(), is_inside);
    if (small == state_.tlb.end()) continue;
    return Wrong(Finding::kTlb, fmt::format("tlb of vcpu {}, page {:#x}", small->vcpu, small->page),
                 "of one size", fmt::format("of levels {} and {}", small->level, large.level), "");
  }
  return std::nullopt;
}

}  // namespace

std::optional<Difference> AuditMmu(const RawState& state) { return MmuAuditor(state).Run(); }

}  // namespace rmapdiff

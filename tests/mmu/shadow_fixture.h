// A shadow MMU for tests, a guest that builds page tables, and an audit of the result.
//
// Guest memory is one memslot of kFrames frames, with frame n on host page n. Tables come from its
// last large page, so that the pages before it can be mapped large. A scenario builds the guest's
// tables past the MMU (HostWrite). Then it lets vcpus access and change them.
#ifndef RMAPDIFF_TESTS_MMU_SHADOW_FIXTURE_H_
#define RMAPDIFF_TESTS_MMU_SHADOW_FIXTURE_H_

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "legacy_mmu/descriptor_map.h"
#include "mmu/shadow/shadow_mmu_functions.h"
#include "mmu/sibling_map.h"
#include "tests/common/checks.h"

namespace rmapdiff {

// How GoogleTest prints a code that is not the expected one: its number.
inline void PrintTo(MmuCode code, std::ostream* out) { *out << static_cast<int>(code); }

inline constexpr Gpte kRead = kGptePresent;
inline constexpr Gpte kReadUser = kGptePresent | kGpteUser;
inline constexpr Gpte kWriteUser = kGptePresent | kGpteUser | kGpteWritable;
inline constexpr Gpte kUsed = kGpteAccessed | kGpteDirty;

template <ReverseMap R>
class ShadowHost {
 public:
  using Mmu = ShadowMmu<R>;
  using Page = typename R::Page;
  using Limits = typename R::Limits;
  static constexpr uint32_t kEntries = static_cast<uint32_t>(Mmu::kEntries);
  // Frames of the memslot: sixteen large pages of level 2.
  static constexpr Gfn kFrames = Gfn{16} << Limits::kLevelBits;
  static constexpr Gfn kFirstTable = Gfn{8} << Limits::kLevelBits;

  explicit ShadowHost(const MmuConfig& config = {},
                      HostMemory::Reuse reuse = HostMemory::Reuse::kQuarantine)
      : memory(reuse), mmu(memory, config) {
    EXPECT_EQ(mmu.SetMemslot({0, 0, kFrames, 0, false}), MmuCode::kOk);
  }
  ShadowHost(const ShadowHost&) = delete;
  ShadowHost& operator=(const ShadowHost&) = delete;

  // ---- The guest's tables ----
  Gfn NewTable() { return next_table_++; }
  // An entry, past the MMU; 8 bytes with PAE.
  void SetEntry(PagingMode mode, Gfn table, uint32_t index, Gpte gpte) {
    if (IsPae(mode)) {
      EXPECT_TRUE(mmu.HostWrite(table, index, gpte));
      return;
    }
    const unsigned shift = index % 2 * 32;
    const uint64_t word = Entry(PagingMode::kLong, table, index / 2);
    EXPECT_TRUE(mmu.HostWrite(table, index / 2, (word & ~(LowBits(32) << shift)) | gpte << shift));
  }
  Gpte Entry(PagingMode mode, Gfn table, uint32_t index) {
    const uint64_t word = mmu.ReadGuest(table, IsPae(mode) ? index : index / 2).value_or(0);
    return IsPae(mode) ? word : word >> (index % 2 * 32) & LowBits(32);
  }
  static Gpte Leaf(Gfn gfn, Gpte flags) { return Gpte{gfn} << kPageShift | flags; }

  // The place of the entry of `level` for an address. Tables above it are made as needed, with all
  // rights.
  struct Place {
    Gfn table;
    uint32_t index;
  };
  Place PlaceOf(PagingMode mode, Gfn root, Gva gva, int level) {
    const GuestPaging<Limits> guest{mode};
    Gfn table = root;
    for (int at = GuestRootLevel(mode); at > level; --at) {
      const uint32_t index = guest.Index(gva, at);
      Gpte gpte = Entry(mode, table, index);
      if ((gpte & kGptePresent) == 0) {
        const bool pdptr = mode == PagingMode::kPae && at == 3;
        gpte = Leaf(NewTable(), pdptr ? kGptePresent : kWriteUser | kGpteAccessed);
        SetEntry(mode, table, index, gpte);
      }
      table = guest.GfnOf(gpte, kPageTableLevel);
    }
    return {table, guest.Index(gva, level)};
  }
  Place MapIn(PagingMode mode, Gfn root, Gva gva, Gfn gfn, Gpte flags, int level = 1) {
    const Place place = PlaceOf(mode, root, gva, level);
    SetEntry(mode, place.table, place.index, Leaf(gfn, flags | (level > 1 ? kGpteHuge : Gpte{0})));
    return place;
  }
  // Page `number` of the address space.
  static Gva At(Gva number, uint32_t word = 0) { return number << kPageShift | Gva{word} * 8; }

  // Gives the vcpu a mode and a root of its own; the root's gfn.
  Gfn Boot(PagingMode paging, int vcpu = 0, bool wp = true, bool nx = false) {
    const Gfn root = NewTable();
    if (paging == PagingMode::kPae) {
      for (uint32_t i = 0; i < 4; ++i) {
        SetEntry(paging, root, i, Leaf(NewTable(), kGptePresent));
      }
    }
    EXPECT_EQ(mmu.SetMode(vcpu, {paging, wp, nx, true}, root), MmuCode::kOk);
    return root;
  }

  // ---- Accesses ----
  AccessResult Read(Gva gva, int vcpu = 0, bool user = true) {
    return mmu.Access(vcpu, {gva, AccessType::kRead, user, 0, 8});
  }
  AccessResult Write(Gva gva, uint64_t value, int vcpu = 0, bool user = true, int bytes = 8) {
    return mmu.Access(vcpu, {gva, AccessType::kWrite, user, value, bytes});
  }
  AccessResult Fetch(Gva gva, int vcpu = 0, bool user = true) {
    return mmu.Access(vcpu, {gva, AccessType::kFetch, user, 0, 8});
  }

  // ---- The result ----
  // The slot of `level` on the way of an address; null if the way ends above.
  Spte* SpteAt(Gva gva, int level, int vcpu = 0) {
    int at = 0;
    Page* page = mmu.RootFor(mmu.vcpu(vcpu), gva, &at);
    while (page != nullptr) {
      Spte* sptep = &page->spt[gva >> kPageShift >> GfnShift<Limits>(at) & (kEntries - 1)];
      if (at == level) return sptep;
      if (!IsPresent(mmu.graph().masks(), *sptep) || IsLeaf(*sptep, at)) return nullptr;
      page = static_cast<Page*>(ChildOf(*sptep));
      --at;
    }
    return nullptr;
  }
  Spte SpteOf(Gva gva, int level = 1, int vcpu = 0) {
    const Spte* sptep = SpteAt(gva, level, vcpu);
    return sptep == nullptr ? 0 : *sptep;
  }
  bool Mapped(Gva gva, int level = 1, int vcpu = 0) {
    const Spte* sptep = SpteAt(gva, level, vcpu);
    return sptep != nullptr && IsPresent(mmu.graph().masks(), *sptep);
  }
  Page* ShadowOf(Gfn gfn, int level) {
    for (Page* page = mmu.graph().FirstPageOf(gfn); page != nullptr;
         page = mmu.graph().NextPageOf(*page)) {
      if (!page->role.invalid && page->role.level == static_cast<uint32_t>(level)) return page;
    }
    return nullptr;
  }
  int ShadowsOf(Gfn gfn, bool direct) {
    int count = 0;
    for (Page* page = mmu.graph().FirstPageOf(gfn); page != nullptr;
         page = mmu.graph().NextPageOf(*page)) {
      if (!page->role.invalid && (page->role.direct != 0) == direct) ++count;
    }
    return count;
  }
  int RmapLength(Gfn gfn, int level = 1) {
    return mmu.graph().map().Count(mmu.graph().slots().Rmap(gfn, level));
  }
  int WriteCount(Gfn gfn, int level) {
    const auto& slot = mmu.graph().slots().Get(gfn);
    return slot.write_count(slot.IndexOf(gfn, level), level);
  }
  int Pages() { return mmu.graph().pages(); }

  // The first broken invariant, in words; empty if all hold.
  std::string Audit();
  // Takes everything down. Returns the leftovers in words, or "".
  std::string Leaks();

  HostMemory memory;
  Mmu mmu;

 private:
  std::string AuditPage(Page& page);
  std::string AuditWritable(const Page& page, uint32_t index);
  std::string AuditLists();
  std::string AuditWriteCounts();
  std::string AuditRoots();
  std::string AuditTlbs();
  static std::string Name(const ShadowPage& page, uint32_t index) {
    return "page " + std::to_string(page.id) + " [" + std::to_string(index) + "]";
  }

  Gfn next_table_ = kFirstTable;
  std::map<const Spte*, RmapId> leaves_;
  std::map<const Spte*, const ShadowPage*> links_;
};

template <ReverseMap R>
std::string ShadowHost<R>::Audit() {
  leaves_.clear();
  links_.clear();
  for (ShadowPage* page : mmu.graph().active_pages()) {
    const std::string broken = AuditPage(static_cast<Page&>(*page));
    if (!broken.empty()) return broken;
  }
  if (static_cast<int>(mmu.graph().active_pages().size()) != Pages()) return "pages are lost";
  std::string broken = AuditLists();
  if (broken.empty()) broken = AuditWriteCounts();
  if (broken.empty()) broken = AuditRoots();
  if (broken.empty()) broken = AuditTlbs();
  return broken;
}

template <ReverseMap R>
std::string ShadowHost<R>::AuditPage(Page& page) {
  auto& graph = mmu.graph();
  bool hashed = false;
  for (Page* other = graph.FirstPageOf(page.gfn); other != nullptr;
       other = graph.NextPageOf(*other)) {
    if (other == &page) hashed = true;
  }
  if (!hashed) return "page " + std::to_string(page.id) + " is not hashed";
  if (page.unsync_children != page.unsync_child_bitmap.count()) return "unsync counter";
  if (page.unsync && (page.role.direct || page.role.level != 1)) return "unsync page";
  for (uint32_t i = 0; i < kEntries; ++i) {
    const Spte spte = page.spt[i];
    if (!IsPresent(graph.masks(), spte)) continue;
    const int level = static_cast<int>(page.role.level);
    if (!IsLeaf(spte, level)) {
      const ShadowPage* child = ChildOf(spte);
      links_[&page.spt[i]] = child;
      if (child->role.level + 1 != page.role.level || child->role.invalid) {
        return Name(page, i) + ": links to a wrong page";
      }
      const bool unsync = child->unsync || child->unsync_children != 0;
      if (unsync && !page.unsync_child_bitmap[i]) return Name(page, i) + ": unsync bit missing";
      continue;
    }
    const Gfn gfn = graph.GetGfn(page, i);
    const auto* slot = graph.slots().Find(gfn);
    if (slot == nullptr) return Name(page, i) + ": maps a frame without a slot";
    if ((page.slot_bitmap >> slot->id() & 1) == 0) return Name(page, i) + ": slot bit missing";
    leaves_[&page.spt[i]] = {slot->id(), static_cast<uint32_t>(level), slot->IndexOf(gfn, level)};
    if (mmu.notifier_count() == 0 &&
        mmu.host().Frame(static_cast<Hva>(slot->UserGfn(gfn))) != PfnOf(spte)) {
      return Name(page, i) + ": maps a frame that the host has elsewhere";
    }
    if (IsWritable(spte)) {
      const std::string broken = AuditWritable(page, i);
      if (!broken.empty()) return broken;
    }
  }
  return "";
}

// No writable leaf maps a table that is shadowed and in sync; none is logged as clean.
template <ReverseMap R>
std::string ShadowHost<R>::AuditWritable(const Page& page, uint32_t index) {
  auto& graph = mmu.graph();
  const int level = static_cast<int>(page.role.level);
  const Gfn first = graph.GetGfn(page, index);
  const Gfn end = first + (Gfn{1} << GfnShift<Limits>(level));
  for (const ShadowPage* other : graph.active_pages()) {
    if (other->role.direct || other->role.invalid || other->unsync) continue;
    if (other->gfn >= first && other->gfn < end) return Name(page, index) + ": a table is writable";
  }
  const auto& slot = graph.slots().Get(first);
  if (slot.logged() && level > 1) return Name(page, index) + ": a logged slot is mapped large";
  if (slot.logged() && !slot.dirty_bitmap()[first - slot.base_gfn()]) {
    return Name(page, index) + ": a clean frame is writable";
  }
  return "";
}

template <ReverseMap R>
std::string ShadowHost<R>::AuditLists() {
  auto& graph = mmu.graph();
  std::set<const Spte*> seen;
  for (const auto& slot : graph.slots().all()) {
    std::string broken;
    slot.ForEachRmap([&](int level, uint32_t index, const typename R::Head& head) {
      WalkBound bound(1 << 16);
      for (Spte* sptep = graph.RmapNext(head, nullptr); sptep != nullptr;
           sptep = graph.RmapNext(head, sptep)) {
        bound.Step();
        const auto found = leaves_.find(sptep);
        const RmapId id{slot.id(), static_cast<uint32_t>(level), index};
        if (found == leaves_.end() || found->second != id) broken = "an rmap has a wrong entry";
        if (!seen.insert(sptep).second) broken = "an rmap entry appears twice";
      }
    });
    if (!broken.empty()) return broken;
  }
  if (seen.size() != leaves_.size()) return "a leaf is on no rmap";
  seen.clear();
  for (ShadowPage* page : graph.active_pages()) {
    std::string broken;
    graph.ForEachParent(static_cast<Page&>(*page), [&](const Spte* sptep) {
      const auto found = links_.find(sptep);
      if (found == links_.end() || found->second != page) broken = "a parent is not a link";
      if (!seen.insert(sptep).second) broken = "a parent appears twice";
    });
    if (!broken.empty()) return broken;
  }
  return seen.size() == links_.size() ? "" : "a link has no parent entry";
}

template <ReverseMap R>
std::string ShadowHost<R>::AuditWriteCounts() {
  auto& graph = mmu.graph();
  for (const auto& slot : graph.slots().all()) {
    if (slot.empty()) continue;
    const typename Mmu::Slot fresh(slot.id(), slot.base_gfn(), slot.npages(), slot.user_gfn());
    for (int level = 2; level <= kRmapLevels; ++level) {
      std::vector<int> expected;
      for (uint32_t i = 0; i < slot.heads(level); ++i) {
        expected.push_back(fresh.write_count(i, level));
      }
      for (const ShadowPage* page : graph.active_pages()) {
        if (page->role.direct || page->role.invalid || !slot.Contains(page->gfn)) continue;
        ++expected[slot.IndexOf(page->gfn, level)];
      }
      for (uint32_t i = 0; i < slot.heads(level); ++i) {
        if (slot.write_count(i, level) != expected[i]) return "a write count is wrong";
      }
    }
  }
  return "";
}

template <ReverseMap R>
std::string ShadowHost<R>::AuditRoots() {
  std::map<const ShadowPage*, int> pins;
  for (int i = 0; i < mmu.vcpus(); ++i) {
    const auto& vcpu = mmu.vcpu(i);
    if (!vcpu.root_valid) continue;
    if (vcpu.root != nullptr) ++pins[vcpu.root];
    for (const ShadowPage* root : vcpu.pae_root) {
      if (root != nullptr) ++pins[root];
    }
  }
  for (const ShadowPage* page : mmu.graph().active_pages()) {
    if (page->root_count != pins[page]) return "a root count is wrong";
    if (page->role.invalid && page->root_count == 0) return "an invalid page is not pinned";
  }
  return "";
}

// No TLB leads to a frame that is gone, and none to a table in sync that could be written.
template <ReverseMap R>
std::string ShadowHost<R>::AuditTlbs() {
  std::set<Hva> tables;
  for (const ShadowPage* page : mmu.graph().active_pages()) {
    if (page->role.direct || page->role.invalid || page->unsync) continue;
    const auto* slot = mmu.graph().slots().Find(page->gfn);
    tables.insert(static_cast<Hva>(slot->UserGfn(page->gfn)));
  }
  for (int i = 0; i < mmu.vcpus(); ++i) {
    for (const auto& [key, entry] : mmu.vcpu(i).tlb.entries()) {
      const Pfn first = PfnOf(entry.spte);
      const std::optional<Hva> hva = mmu.host().PageOn(first);
      if (!hva) return "a TLB leads to a frame that is gone";
      const Hva pages = Hva{1} << GfnShift<Limits>(key.first);
      const auto table = tables.lower_bound(*hva);
      if (entry.writable && table != tables.end() && *table < *hva + pages) {
        return "a TLB lets a table be written";
      }
    }
  }
  return "";
}

template <ReverseMap R>
std::string ShadowHost<R>::Leaks() {
  mmu.Teardown();
  std::string leaks;
  mmu.graph().ForEachPool([&](const Pool& pool) {
    if (pool.live() != 0) leaks += std::string(pool.name()) + " ";
  });
  if (!mmu.graph().active_pages().empty()) leaks += "active pages";
  return leaks;
}

// Compiled once, in shadow_fixture.cc: every test would take minutes otherwise.
extern template class ShadowMmu<SiblingMap<TinyLimits>>;
extern template class ShadowMmu<SiblingMap<ProductionLimits>>;
extern template class ShadowMmu<DescriptorMap<TinyLimits>>;
extern template class ShadowMmu<DescriptorMap<ProductionLimits>>;
extern template class ShadowHost<SiblingMap<TinyLimits>>;
extern template class ShadowHost<SiblingMap<ProductionLimits>>;
extern template class ShadowHost<DescriptorMap<TinyLimits>>;
extern template class ShadowHost<DescriptorMap<ProductionLimits>>;

}  // namespace rmapdiff

#endif  // RMAPDIFF_TESTS_MMU_SHADOW_FIXTURE_H_

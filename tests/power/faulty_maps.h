// Canaries: reverse maps with one fault each, seeded where developers err, and three that are
// merely different. The suite must find each fault, and must not report the three.
//
// Each is a class template over Limits that satisfies ReverseMap. It changes one or two functions
// of SiblingMap or DescriptorMap, and has no other fault. A number with a hash sign is a commit of
// Linux that fixed a bug of that kind. The others are plain slips.
//
// Invariant: no canary can take the process down in an ordinary build. Where the kernel would
// follow null, it raises BugClass::kWild. (AddressSanitizer may end the process: canaries.h says
// for which.)
//
// Not covered: faults of the engine, which both MMUs would share.
#ifndef RMAPDIFF_TESTS_POWER_FAULTY_MAPS_H_
#define RMAPDIFF_TESTS_POWER_FAULTY_MAPS_H_

#include <vector>

#include "legacy_mmu/descriptor_map.h"
#include "mmu/graph/reverse_map.h"
#include "mmu/sibling_map.h"
#include "more_maps/counted_sibling_map.h"

namespace rmapdiff {

// ---- Sibling lists ----

// Removing an entry drops everything behind it: the link is cleared instead of spliced.
template <class L>
class LostTail : public SiblingMap<L> {
  using Base = SiblingMap<L>;

 public:
  using Base::Base;
  void Remove(Spte*& head, Spte* sptep) {
    WalkBound bound;
    for (Spte** link = &head; *link != nullptr; link = &Base::Sibling(*link)) {
      bound.Step();
      if (*link != sptep) continue;
      *link = nullptr;
      return;
    }
    RaiseBug(BugClass::kRmapRemove, "rmap_remove: BUG");
  }
};

// The same, but only of a list with more than 64 entries behind the one removed.
template <class L>
class LongTailLost : public LostTail<L> {
  using Base = SiblingMap<L>;

 public:
  using LostTail<L>::LostTail;
  void Remove(Spte*& head, Spte* sptep) {
    int behind = 0;
    for (Spte* next = sptep; next != nullptr && behind <= 64; ++behind) next = Base::Sibling(next);
    if (behind <= 64) return Base::Remove(head, sptep);
    LostTail<L>::Remove(head, sptep);
  }
};

// Adding to an empty list does not write the slot's link. Its old content becomes the tail: a link
// of an earlier list, or the pattern of a fresh page.
template <class L>
class StaleLink : public SiblingMap<L> {
  using Base = SiblingMap<L>;

 public:
  using Base::Base;
  int Add(typename Base::Caches& caches, Spte*& head, Spte* sptep) {
    if (head != nullptr) return Base::Add(caches, head, sptep);
    head = sptep;
    return 0;
  }
};

// kvm_mmu_alloc_page without `*sibling_pte(parent_pte) = NULL`: the same for a page's first parent.
template <class L>
class UnclearedFirstParent : public SiblingMap<L> {
 public:
  using SiblingMap<L>::SiblingMap;
  void InitParents(typename SiblingMap<L>::Page& page, Spte* sptep) { page.parent_pte = sptep; }
};

// Removing an entry compares the wrong end of the link and unlinks the entry behind it.
template <class L>
class UnlinkedSuccessor : public SiblingMap<L> {
  using Base = SiblingMap<L>;

 public:
  using Base::Base;
  void Remove(Spte*& head, Spte* sptep) {
    Spte* next = head == nullptr ? nullptr : Base::Next(head, sptep);
    Base::Remove(head, next == nullptr ? sptep : next);
  }
};

// Removing an entry works only if it is the head; any other is left where it is, without a word.
template <class L>
class HeadOnlyRemove : public SiblingMap<L> {
  using Base = SiblingMap<L>;

 public:
  using Base::Base;
  void Remove(Spte*& head, Spte* sptep) {
    if (head == sptep) Base::Remove(head, sptep);
  }
};

// The walk starts at the sibling of the head. So write protection, unmapping and ageing miss the
// newest entry of every longer list. The bug of #7c8a4742c4ab had the same effect: only one of two
// lists was walked.
template <class L>
class SkippedHead : public SiblingMap<L> {
  using Base = SiblingMap<L>;

 public:
  using Base::Base;
  Spte* Next(Spte* const& head, Spte* cur) const {
    Spte* first = Base::Next(head, nullptr);
    if (cur != nullptr || first == nullptr) return Base::Next(head, cur);
    Spte* second = Base::Next(head, first);
    return second == nullptr ? first : second;
  }
};

// An entry is pushed twice, which makes its link point at itself.
template <class L>
class DoublePush : public SiblingMap<L> {
  using Base = SiblingMap<L>;

 public:
  using Base::Base;
  int Add(typename Base::Caches& caches, Spte*& head, Spte* sptep) {
    const int before = Base::Add(caches, head, sptep);
    if (before == 2) Base::Push(head, sptep);
    return before;
  }
};

// rmap_add forgets to count the newest entry (#c6c4f961cb87 is the same slip in the descriptors).
template <class L>
class UndercountingAdd : public SiblingMap<L> {
  using Base = SiblingMap<L>;

 public:
  using Base::Base;
  int Add(typename Base::Caches& caches, Spte*& head, Spte* sptep) {
    const int before = Base::Add(caches, head, sptep);
    return before > 1 ? before - 1 : before;
  }
};

// The exact count is one too many from the third entry on.
template <class L>
class OvercountingCount : public SiblingMap<L> {
  using Base = SiblingMap<L>;

 public:
  using Base::Base;
  int Count(Spte* const& head) const {
    const int count = Base::Count(head);
    return count > 2 ? count + 1 : count;
  }
};

// The length in the head of a counted list only ever grows.
template <class L>
class ForgottenDecrement : public CountedSiblingMap<L> {
  using Base = CountedSiblingMap<L>;

 public:
  using Base::Base;
  void Remove(typename Base::Head& head, Spte* sptep) {
    const int before = Base::Count(head);
    Base::Remove(head, sptep);
    head = {head.first(), head.first() == nullptr ? 0 : before};
  }
};

// A head whose length only ever grows, in a map that counts by walking. The map's own audit alone
// can tell.
template <class L>
class StaleLength : public ForgottenDecrement<L> {
  using Base = ForgottenDecrement<L>;

 public:
  using Base::Base;
  int Add(typename Base::Caches&, typename Base::Head& head, Spte* sptep) {
    const int before = Count(head);
    Spte* first = head.first();
    Base::Push(first, sptep);
    head = {first, head.length() + 1};
    return before;
  }
  int Count(const typename Base::Head& head) const { return SiblingMap<L>::Count(head.first()); }
};

// kvm_mmu_unlink_parents clears the slots but not the head: the page keeps parents that it has no
// more.
template <class L>
class KeptParents : public SiblingMap<L> {
  using Base = SiblingMap<L>;

 public:
  using Base::Base;
  template <class Store>
  void UnlinkParents(typename Base::Page& page, Store&& store) {
    this->ForEachParent(page, store);
  }
};

// kvm_mmu_unlink_parents stops one too early: the last parent's slot still points at the page.
template <class Map>
class LastParentForgotten : public Map {
 public:
  using Map::Map;
  template <class Store>
  void UnlinkParents(typename Map::Page& page, Store&& store) {
    std::vector<Spte*> parents;
    this->ForEachParent(page, [&](Spte* sptep) { parents.push_back(sptep); });
    for (Spte* sptep : parents) {
      this->RemoveParent(page, sptep);
      if (sptep != parents.back()) store(sptep);
    }
  }
};
template <class L>
using ForgottenLastParent = LastParentForgotten<SiblingMap<L>>;
template <class L>
using ForgottenLastInChain = LastParentForgotten<DescriptorMap<L>>;

// The links of a freed page are given back twice, so that two pages get the same memory.
template <class L>
class LinksFreedTwice : public SiblingMap<L> {
  using Base = SiblingMap<L>;

 public:
  using Base::Base;
  void FreeStorage(Pool& page_pool, typename Base::Page& page, bool direct) {
    page_pool.Release(page.sibling_pte);
    Base::FreeStorage(page_pool, page, direct);
  }
};

// The links of a freed page are never given back.
template <class L>
class LinksNeverFreed : public SiblingMap<L> {
  using Base = SiblingMap<L>;

 public:
  using Base::Base;
  void FreeStorage(Pool& page_pool, typename Base::Page& page, bool direct) {
    if (!direct && !Base::kSharedGfns) page_pool.Release(page.gfns);
  }
};

// The array of links is too short. Only AddressSanitizer can see it, as a page is longer.
template <class L, size_t kLinks>
class TooFewLinks : public SiblingMap<L> {
  using Base = SiblingMap<L>;

 public:
  using Base::Base;
  void AllocStorage(MemoryCache& pages, typename Base::Page& page, bool direct) {
    page.sibling_pte = static_cast<Spte**>(pages.Take(kLinks * sizeof(Spte*), Base::kLinkPattern));
    if (direct) return;
    page.gfns = static_cast<Gfn*>(pages.Take(kSptesPerPage<L> * sizeof(Gfn), Base::kGfnPattern));
  }
  // The gfns have a page of their own in 32-bit code, too, so that nothing else is wrong.
  void FreeStorage(Pool& page_pool, typename Base::Page& page, bool direct) {
    page_pool.Release(page.sibling_pte);
    if (!direct) page_pool.Release(page.gfns);
  }
};

template <class L>
class ShortLinks : public TooFewLinks<L, kSptesPerPage<L> - 1> {
  using TooFewLinks<L, kSptesPerPage<L> - 1>::TooFewLinks;
};

template <class L>
class OneLink : public TooFewLinks<L, 1> {
  using TooFewLinks<L, 1>::TooFewLinks;
};

// ---- Descriptors and chains ----

// Removing an entry moves the wrong one into its place: the last but one, and the last is lost.
template <class L>
class WrongEntryMoved : public DescriptorMap<L> {
  using Base = DescriptorMap<L>;

 public:
  using Base::Base;
  void Remove(uintptr_t& head, Spte* sptep) {
    if (!Base::IsMany(head)) return Base::Remove(head, sptep);
    typename Base::Descriptor* desc = Base::DescriptorOf(head);
    int used = 0;
    while (used < L::kDescriptorEntries && desc->sptes[used] != nullptr) ++used;
    for (int i = 0; i + 1 < used; ++i) {
      if (desc->sptes[i] != sptep) continue;
      desc->sptes[i] = desc->sptes[used - 2];
      desc->sptes[used - 1] = nullptr;
      return;
    }
    Base::Remove(head, sptep);
  }
};

// Removing an entry leaves a hole in the middle of a descriptor, where every walk stops.
template <class L>
class HoleLeft : public DescriptorMap<L> {
  using Base = DescriptorMap<L>;

 public:
  using Base::Base;
  void Remove(uintptr_t& head, Spte* sptep) {
    if (!Base::IsMany(head)) return Base::Remove(head, sptep);
    for (auto* desc = Base::DescriptorOf(head); desc != nullptr; desc = desc->more) {
      for (int i = 0; i + 1 < L::kDescriptorEntries; ++i) {
        if (desc->sptes[i] != sptep || desc->sptes[i + 1] == nullptr) continue;
        desc->sptes[i] = nullptr;
        return;
      }
    }
    Base::Remove(head, sptep);
  }
};

// A descriptor that has become empty is freed, but the one before still points at it.
template <class L>
class FreedDescriptorLinked : public DescriptorMap<L> {
  using Base = DescriptorMap<L>;

 public:
  using Base::Base;
  void Remove(uintptr_t& head, Spte* sptep) {
    if (!Base::IsMany(head)) return Base::Remove(head, sptep);
    WalkBound bound;
    for (auto* desc = Base::DescriptorOf(head)->more; desc != nullptr; desc = desc->more) {
      bound.Step();  // memory that is in use twice can make a circle
      if (desc->sptes[0] != sptep || desc->sptes[1] != nullptr) continue;
      desc->sptes[0] = nullptr;
      Base::descriptor_pool_.Release(desc);
      return;
    }
    Base::Remove(head, sptep);
  }
};

// When the first descriptor becomes empty the list ends: what `more` pointed at is lost.
template <class L>
class LostMore : public DescriptorMap<L> {
  using Base = DescriptorMap<L>;

 public:
  using Base::Base;
  void Remove(uintptr_t& head, Spte* sptep) {
    const uintptr_t before = head;
    Base::Remove(head, sptep);
    if (head != before) head = 0;
  }
};

// The same of a third descriptor: those behind it are lost.
template <class L>
class LostThirdMore : public DescriptorMap<L> {
  using Base = DescriptorMap<L>;

 public:
  using Base::Base;
  void Remove(uintptr_t& head, Spte* sptep) {
    if (!Base::IsMany(head)) return Base::Remove(head, sptep);
    auto* second = Base::DescriptorOf(head)->more;
    auto* third = second == nullptr ? nullptr : second->more;
    const bool emptied = third != nullptr && third->sptes[0] == sptep && third->sptes[1] == nullptr;
    Base::Remove(head, sptep);
    if (emptied) second->more = nullptr;
  }
};

// When the only descriptor becomes empty it stays: the list is empty, its memory is not given back.
template <class L>
class EmptyDescriptorKept : public DescriptorMap<L> {
  using Base = DescriptorMap<L>;

 public:
  using Base::Base;
  void Remove(uintptr_t& head, Spte* sptep) {
    if (!Base::IsMany(head)) return Base::Remove(head, sptep);
    typename Base::Descriptor* desc = Base::DescriptorOf(head);
    const bool last = desc->sptes[0] == sptep && desc->sptes[1] == nullptr && desc->more == nullptr;
    if (!last) return Base::Remove(head, sptep);
    desc->sptes[0] = nullptr;
  }
};

// A descriptor added to a full list is not linked: its spte is on no list.
template <class L>
class UnlinkedDescriptor : public DescriptorMap<L> {
  using Base = DescriptorMap<L>;

 public:
  using Base::Base;
  int Add(typename Base::Caches& caches, uintptr_t& head, Spte* sptep) {
    const int returned = Base::Add(caches, head, sptep);
    if (!Base::IsMany(head)) return returned;
    for (auto* desc = Base::DescriptorOf(head); desc->more != nullptr; desc = desc->more) {
      if (desc->more->sptes[0] == sptep) {
        desc->more = nullptr;
        break;
      }
    }
    return returned;
  }
};

// An entry is stored twice in a descriptor that has room for it.
template <class L>
class DoubleInsert : public DescriptorMap<L> {
  using Base = DescriptorMap<L>;

 public:
  using Base::Base;
  int Add(typename Base::Caches& caches, uintptr_t& head, Spte* sptep) {
    const int returned = Base::Add(caches, head, sptep);
    if (!Base::IsMany(head)) return returned;
    for (auto* desc = Base::DescriptorOf(head); desc != nullptr; desc = desc->more) {
      Spte*& last = desc->sptes[L::kDescriptorEntries - 1];
      if (last == nullptr && desc->sptes[L::kDescriptorEntries - 2] == sptep) last = sptep;
    }
    return returned;
  }
};

// Removing a parent leaves a hole in its chain instead of moving the others up.
template <class L>
class UnshiftedChain : public DescriptorMap<L> {
  using Base = DescriptorMap<L>;

 public:
  using Base::Base;
  void RemoveParent(typename Base::Page& page, Spte* sptep) {
    if (!page.multimapped) return Base::RemoveParent(page, sptep);
    for (auto* chain = page.parent_ptes; chain != nullptr; chain = chain->next) {
      for (int i = 0; i + 1 < L::kChainEntries; ++i) {
        if (chain->parent_ptes[i] != sptep || chain->parent_ptes[i + 1] == nullptr) continue;
        chain->parent_ptes[i] = nullptr;
        return;
      }
    }
    Base::RemoveParent(page, sptep);
  }
};

// The search for a parent to remove begins at the second chain, and so never looks into the newest.
template <class L>
class HeadChainNotSearched : public DescriptorMap<L> {
  using Base = DescriptorMap<L>;

 public:
  using Base::Base;
  void RemoveParent(typename Base::Page& page, Spte* sptep) {
    if (page.multimapped && page.parent_ptes->next != nullptr) {
      for (const Spte* parent : page.parent_ptes->parent_ptes) {
        if (parent != sptep) continue;
        RaiseBug(BugClass::kRemoveParent, "mmu_page_remove_parent_pte: BUG");
      }
    }
    Base::RemoveParent(page, sptep);
  }
};

// multimapped stays set when the last chain is freed. The next reader of the first chain follows
// null.
template <class L>
class MultimappedStays : public DescriptorMap<L> {
  using Base = DescriptorMap<L>;

 public:
  using Base::Base;
  void RemoveParent(typename Base::Page& page, Spte* sptep) {
    const bool multimapped = page.multimapped;
    Base::RemoveParent(page, sptep);
    page.multimapped = multimapped;
  }
  template <class Store>
  void UnlinkParents(typename Base::Page& page, Store&& store) {
    if (page.multimapped && page.parent_ptes == nullptr) {
      RaiseBug(BugClass::kWild, "kvm_mmu_unlink_parents: follows NULL");
    }
    Base::UnlinkParents(page, store);
  }
};

// The gfns of a freed page are never given back.
template <class L>
class GfnsNeverFreed : public DescriptorMap<L> {
  using Base = DescriptorMap<L>;

 public:
  using Base::Base;
  void FreeStorage(Pool&, typename Base::Page&, bool) {}
};

// The top-up leaves fewer descriptors than a fault may need. So the cache runs empty under the lock
// (#c41ef344de21).
template <class L>
class DescriptorsNotToppedUp : public DescriptorMap<L> {
  using Base = DescriptorMap<L>;

 public:
  using Base::Base;
  bool TopUp(typename Base::Caches& caches) {
    return caches.chains.TopUp(Base::chain_pool_, Base::kChainCacheMin);
  }
};

// After a removal the second chain believes that the head points at it. The next chain that is
// emptied may take others along. The map's own audit sees it before.
template <class L>
class StaleBackPointer : public DescriptorMap<L> {
  using Base = DescriptorMap<L>;

 public:
  using Base::Base;
  void RemoveParent(typename Base::Page& page, Spte* sptep) {
    Base::RemoveParent(page, sptep);
    if (!page.multimapped || page.parent_ptes->next == nullptr) return;
    page.parent_ptes->next->pprev = &page.parent_ptes;
  }
};

// ---- Not faulty: other orders, another shape ----

// New entries go to the end of the list instead of its front.
template <class L>
class PushBack : public SiblingMap<L> {
  using Base = SiblingMap<L>;

 public:
  using Base::Base;
  int Add(typename Base::Caches&, Spte*& head, Spte* sptep) {
    WalkBound bound;
    int before = 0;
    Spte** link = &head;
    for (; *link != nullptr; link = &Base::Sibling(*link)) {
      bound.Step();
      ++before;
    }
    Base::Push(*link, sptep);
    return before;
  }
  void AddParent(typename Base::Caches& caches, typename Base::Page& page, Spte* sptep) {
    if (sptep != nullptr) Add(caches, page.parent_pte, sptep);
  }
};

// Lists are kept in the order of (page id, index).
template <class L>
class SortedInsert : public SiblingMap<L> {
  using Base = SiblingMap<L>;

 public:
  using Base::Base;
  int Add(typename Base::Caches&, Spte*& head, Spte* sptep) {
    const int before = Base::Count(head);
    WalkBound bound;
    Spte** link = &head;
    while (*link != nullptr && Key(*link) < Key(sptep)) {
      bound.Step();
      link = &Base::Sibling(*link);
    }
    Base::Push(*link, sptep);
    return before;
  }

 private:
  static SpteRef Key(const Spte* sptep) {
    const ShadowPage* page = PageHeader(sptep);
    return {page->id, IndexOf(*page, sptep)};
  }
};

// A descriptor with one entry left is turned back into a single pointer.
template <class L>
class SingleAgain : public DescriptorMap<L> {
  using Base = DescriptorMap<L>;

 public:
  using Base::Base;
  void Remove(uintptr_t& head, Spte* sptep) {
    Base::Remove(head, sptep);
    if (!Base::IsMany(head) || Base::Count(head) != 1) return;
    typename Base::Descriptor* desc = Base::DescriptorOf(head);
    head = Base::Single(desc->sptes[0]);
    Base::descriptor_pool_.Release(desc);
  }
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_TESTS_POWER_FAULTY_MAPS_H_

// MmuVoice: what can be seen of the MMU, what the guest can get at, and the end. Included by
// mmu_voice.h, not on its own.
#ifndef RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_OBSERVE_H_
#define RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_OBSERVE_H_

#include "fuzzers/voices/mmu_voice.h"

namespace rmapdiff {

// Neither watched by UBSan nor counted, see graph_reader.h.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("coverage", "undefined"))), \
                             apply_to = function)
#endif

template <ReverseMap R>
std::vector<const typename MmuVoice<R>::Page*> MmuVoice<R>::PagesById() const {
  std::vector<const Page*> pages;
  for (const ShadowPage* page : mmu_.graph().active_pages()) {
    pages.push_back(static_cast<const Page*>(page));
  }
  std::sort(pages.begin(), pages.end(), [](const Page* a, const Page* b) { return a->id < b->id; });
  return pages;
}

// ---- Observation ----

// Which state an operation has touched is unknown; counters are cheap and move with nearly all.
template <ReverseMap R>
void MmuVoice<R>::ObserveTouched(const Touched&, Observation* out) {
  ObserveCommon(out);
  out->rmaps.clear();
  out->pages.clear();
}

template <ReverseMap R>
void MmuVoice<R>::ObserveAll(Observation* out) {
  ObserveCommon(out);
  reader_.Observe(PagesById(), Raw(), out);
  ObserveVcpus(&out->facts);
  ObserveMemory(&out->facts);
  std::sort(out->facts.begin(), out->facts.end(),
            [](const Fact& a, const Fact& b) { return a.id < b.id; });
}

template <ReverseMap R>
void MmuVoice<R>::ObserveCommon(Observation* out) const {
  reader_.ObserveCommon(outcome_, out);
  out->facts.clear();
  const MmuStats& stats = mmu_.stats();
  const uint64_t counters[] = {stats.pf_fixed,
                               stats.pte_write,
                               stats.pte_updated,
                               stats.pde_zapped,
                               stats.flooded,
                               stats.reclaimed,
                               stats.tlb_flush,
                               stats.invlpg,
                               stats.emulated,
                               stats.synced,
                               mmu_.notifier_seq(),
                               static_cast<uint64_t>(mmu_.notifier_count()),
                               static_cast<uint64_t>(mmu_.allocated_pages())};
  static_assert(std::size(counters) == std::size(kCounterNames));
  for (size_t i = 0; i < std::size(counters); ++i) {
    out->facts.push_back({{FactKind::kCounter, 0, i}, counters[i]});
  }
}

template <ReverseMap R>
void MmuVoice<R>::ObserveVcpus(std::vector<Fact>* facts) {
  for (int i = 0; i < mmu_.vcpus(); ++i) {
    const auto& vcpu = mmu_.vcpu(i);
    const auto who = static_cast<uint32_t>(i);
    const auto put = [&](FactKind kind, uint64_t what, uint64_t value) {
      facts->push_back({{kind, who, what}, value});
    };
    const GuestMode& mode = vcpu.mode;
    const VcpuRequests& requests = vcpu.requests;
    const uint64_t fields[] = {
        static_cast<uint64_t>(mode.paging) | uint64_t{mode.wp} << 8 | uint64_t{mode.nx} << 9 |
            uint64_t{mode.pse} << 10 | uint64_t{mode.smep} << 11 | uint64_t{mode.smap} << 12,
        uint64_t{vcpu.cr3},
        vcpu.pdptrs[0],
        vcpu.pdptrs[1],
        vcpu.pdptrs[2],
        vcpu.pdptrs[3],
        uint64_t{requests.reload} | uint64_t{requests.sync} << 1 | uint64_t{requests.flush} << 2,
        uint64_t{vcpu.root_valid}};
    static_assert(std::size(fields) == std::size(kVcpuFieldNames));
    for (size_t field = 0; field < std::size(fields); ++field) {
      put(FactKind::kVcpu, field, fields[field]);
    }
    if (vcpu.root_valid && vcpu.root != nullptr) put(FactKind::kRoot, 0, vcpu.root->id);
    for (size_t root = 0; root < 4 && vcpu.root_valid; ++root) {
      if (vcpu.pae_root[root] != nullptr) put(FactKind::kRoot, root, vcpu.pae_root[root]->id);
    }
    for (const auto& [key, entry] : vcpu.tlb.entries()) {
      const uint64_t what = key.second << 2 | static_cast<uint64_t>(key.first);
      put(FactKind::kTlb, what, entry.spte);
      put(FactKind::kTlbRights, what,
          uint64_t{entry.writable} | uint64_t{entry.user} << 1 | uint64_t{entry.executable} << 2);
    }
  }
}

template <ReverseMap R>
void MmuVoice<R>::ObserveMemory(std::vector<Fact>* facts) const {
  for (const auto& slot : mmu_.graph().slots().all()) {
    if (!slot.logged()) continue;
    for (Gfn i = 0; i < slot.npages(); ++i) {
      if (slot.dirty_bitmap()[i]) {
        facts->push_back({{FactKind::kDirtyBit, slot.id(), slot.base_gfn() + i}, 1});
      }
    }
  }
  for (const auto& [hva, words] : mmu_.host().contents()) {
    uint64_t hash = 0;
    for (size_t i = 0; i < words.size(); ++i) {
      if (words[i] != 0) hash = (hash ^ words[i] ^ uint64_t{i} << 48) * 0x9e3779b97f4a7c15ull;
    }
    facts->push_back({{FactKind::kMemory, 0, hva}, hash ^ hash >> 29});
  }
}

template <ReverseMap R>
const RawState& MmuVoice<R>::Raw() {
  RawState& raw = *raw_;
  if (raw_is_current_) return raw;
  const std::vector<const Page*> pages = PagesById();
  raw.header = header_;
  reader_.Read(pages, &raw);
  ReadHash(pages, &raw.hashed);
  raw.roots.clear();
  raw.tlb.clear();
  for (int i = 0; i < mmu_.vcpus(); ++i) ReadVcpu(i, &raw);
  raw.open_range = open_range_;
  raw_is_current_ = true;
  return raw;
}

// All that the hash table finds under the gfns of the pages.
template <ReverseMap R>
void MmuVoice<R>::ReadHash(const std::vector<const Page*>& pages,
                           std::vector<PageId>* hashed) const {
  std::vector<Gfn> gfns;
  for (const Page* page : pages) gfns.push_back(page->gfn);
  std::sort(gfns.begin(), gfns.end());
  gfns.erase(std::unique(gfns.begin(), gfns.end()), gfns.end());
  hashed->clear();
  for (const Gfn gfn : gfns) {
    for (const Page* page = mmu_.graph().FirstPageOf(gfn); page != nullptr;
         page = mmu_.graph().NextPageOf(*page)) {
      hashed->push_back(page->id);
    }
  }
  std::sort(hashed->begin(), hashed->end());
}

template <ReverseMap R>
void MmuVoice<R>::ReadVcpu(int index, RawState* raw) {
  const auto& vcpu = mmu_.vcpu(index);
  if (vcpu.root_valid) {
    if (vcpu.root != nullptr) raw->roots.push_back(vcpu.root->id);
    for (const Page* root : vcpu.pae_root) {
      if (root != nullptr) raw->roots.push_back(root->id);
    }
  }
  ReadTlb(index, &raw->tlb);
}

template <ReverseMap R>
void MmuVoice<R>::ReadTlb(int index, std::vector<RawTranslation>* tlb) {
  for (const auto& [key, entry] : mmu_.vcpu(index).tlb.entries()) {
    const Pfn pfn = PfnOf(entry.spte);
    const Gfn host_page = static_cast<Gfn>(pfn & LowBits(Host::kHvaBits));
    tlb->push_back({static_cast<uint32_t>(index), static_cast<uint32_t>(key.first), key.second, pfn,
                    host_page, entry.writable});
  }
}

// ---- What the guest can get at ----

template <ReverseMap R>
std::optional<Difference> MmuVoice<R>::Objection(bool everything) {
  if (truth_ != nullptr && everything && !objection_) {
    CompareLedger();
    CheckNumbers();
    for (int i = 0; i < mmu_.vcpus(); ++i) {
      SweepTlb(i);
      SweepTables(i);
    }
  }
  return std::exchange(objection_, std::nullopt);
}

template <ReverseMap R>
UsedLeaf MmuVoice<R>::AsUsed(Spte spte, int level) const {
  const Spte accessed = mmu_.graph().masks().accessed;
  return {.pfn = PfnOf(spte),
          .level = level,
          .accessed = accessed == 0 || (spte & accessed) != 0,
          .writable = IsWritable(spte)};
}

template <ReverseMap R>
void MmuVoice<R>::CompareLedger() {
  const SpteMasks& masks = mmu_.graph().masks();
  constexpr uint32_t kEntries = Mmu::kEntries;
  std::vector<UsedLeaf> leaves;
  for (const ShadowPage* page : mmu_.graph().active_pages()) {
    const int level = static_cast<int>(page->role.level);
    for (uint32_t i = NextWord(page->spt, 0, kEntries, masks.trap); i < kEntries;
         i = NextWord(page->spt, i + 1, kEntries, masks.trap)) {
      const Spte spte = page->spt[i];
      if (IsPresent(masks, spte) && IsLeaf(spte, level)) leaves.push_back(AsUsed(spte, level));
    }
  }
  Blame(ledger_->Compare(leaves));
}

// The leaf that the shadow tables have for an address now.
template <ReverseMap R>
std::optional<UsedLeaf> MmuVoice<R>::LeafAt(int vcpu, Gva gva) {
  int level = 0;
  const Page* page = mmu_.RootFor(mmu_.vcpu(vcpu), gva, &level);
  while (page != nullptr) {
    const Gva index = gva >> kPageShift >> GfnShift<Limits>(level) & (Mmu::kEntries - 1);
    const Spte spte = page->spt[index];
    if (!IsPresent(mmu_.graph().masks(), spte)) return std::nullopt;
    if (IsLeaf(spte, level)) return AsUsed(spte, level);
    page = static_cast<const Page*>(ChildOf(spte));
    --level;
  }
  return std::nullopt;
}

// Asks about the pages of 4 KiB of a translation. Of a large one it asks about a few, among them
// all that operations can name.
template <ReverseMap R>
void MmuVoice<R>::AskAll(int vcpu, Gva page, int level, const TruthRights& rights, Pfn pfn) {
  const Gva count = Gva{1} << GfnShift<Limits>(level);
  const Gva asked = std::min<Gva>(count, GuestLayout::kRegionIndexes);
  for (Gva i = 0; i < asked && !objection_; ++i) {
    Blame(truth_->Reachable(vcpu, page + i, level, rights, pfn + i));
  }
}

template <ReverseMap R>
void MmuVoice<R>::SweepTlb(int index) {
  for (const auto& [key, entry] : mmu_.vcpu(index).tlb.entries()) {
    AskAll(index, key.second, key.first, {entry.writable, entry.user, entry.executable},
           PfnOf(entry.spte));
  }
}

// Where a walk of the shadow tables has come to.
template <ReverseMap R>
struct MmuVoice<R>::Reach {
  int vcpu = 0;
  Gva page = 0;  // the first guest page below
  int level = 0;
  TruthRights rights{true, true, true};
};

// A vcpu that has requests acts upon them before it uses its roots.
template <ReverseMap R>
void MmuVoice<R>::SweepTables(int index) {
  constexpr size_t kMaxLeaves = 1024;
  const auto& vcpu = mmu_.vcpu(index);
  if (!vcpu.root_valid || !(vcpu.requests == VcpuRequests{})) return;
  sweep_left_ = kMaxLeaves;
  const bool one_root = vcpu.shadow_root_level == kRootLevel;
  for (Gva i = 0; i < (one_root ? 1 : 4); ++i) {
    const Gva first = i << GfnShift<Limits>(3);
    int level = 0;
    const Page* root = mmu_.RootFor(vcpu, first << kPageShift, &level);
    if (root != nullptr) SweepPage(*root, {.vcpu = index, .page = first, .level = level});
  }
}

template <ReverseMap R>
void MmuVoice<R>::SweepPage(const Page& page, const Reach& reach) {
  const SpteMasks& masks = mmu_.graph().masks();
  constexpr uint32_t kEntries = Mmu::kEntries;
  for (uint32_t i = NextWord(page.spt, 0, kEntries, masks.trap); i < kEntries;
       i = NextWord(page.spt, i + 1, kEntries, masks.trap)) {
    const Spte spte = page.spt[i];
    if (!IsPresent(masks, spte)) continue;
    if (objection_ || sweep_left_ == 0) return;
    Reach below = reach;
    below.page += Gva{i} << GfnShift<Limits>(reach.level);
    below.rights.writable &= IsWritable(spte);
    below.rights.user &= masks.user == 0 || (spte & masks.user) != 0;
    below.rights.executable &= masks.exec != 0 ? (spte & masks.exec) != 0 : (spte & masks.nx) == 0;
    if (IsLeaf(spte, reach.level)) {
      --sweep_left_;
      AskAll(reach.vcpu, below.page, reach.level, below.rights, PfnOf(spte));
      continue;
    }
    --below.level;
    SweepPage(static_cast<const Page&>(*ChildOf(spte)), below);
  }
}

#if defined(__clang__)
#pragma clang attribute pop
#endif

// ---- The end ----

template <ReverseMap R>
std::string MmuVoice<R>::Teardown() {
  try {
    mmu_.Teardown();
    return reader_.Leaks();
  } catch (const BugError& error) {
    return fmt::format("BUG {}: {}", BugName(error.bug()), error.what());
  }
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_VOICES_MMU_VOICE_OBSERVE_H_

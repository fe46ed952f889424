// The shadow MMU of Linux 2.6.36 on any reverse map, driven by a guest and a host.
//
//      Access, Invlpg, LoadCr3 ...        MovePage, AgePage, SetMemslot, Shrink ...
//               guest │                                     │ host
//   ┌───────────────────────────────────────────────────────────────────────────┐
//   │ hardware   fault   pte_write   sync   roots   notifiers  memslots  reclaim│  ShadowMmu<R>
//   └───────────────────────────────────────────────────────────────────────────┘
//        shadow pages, rmaps, write protection, zap: PageGraph<R>;  frames: Host
//
// The class plays three parts.
// - The guest's processors. Access looks into the TLB, walks the shadow tables, and sets accessed
//   bits in sptes. On a miss it calls the MMU, until the access is done or has failed.
// - The MMU. It has the functions of arch/x86/kvm/mmu.c and paging_tmpl.h, one by one, in their
//   order.
// - The host's kernel. It moves mappings, and calls the notifiers around that.
//
// Shadow paging and TDP. With TDP the MMU does not read the guest's own tables. Every address is a
// guest physical one, whatever the mode.
//
// Invariants, whenever no function is running (beside those of PageGraph)
//  1. A page that serves as a root of n vcpus has root_count n. Only roots are pinned.
//  2. If a frame has an indirect, valid page that is in sync, no spte maps the frame writable.
//  3. write_count of a large page is its static bias plus the indirect, valid pages of frames in
//     it.
//  4. Once vcpu() has looked, the vcpu's TLB holds nothing that a flush since should have removed.
//  5. While a slot is logged, no spte maps a frame of it writable whose dirty bit is clear.
//
// Locking. There is one thread. A function does in one go all that the kernel does under mmu_lock.
// The kernel drops the lock between looking something up and relying on it. There the code has a
// window (Window). Interleave sets an action that runs once, in the next window: so other vcpus and
// the host get in between.
//
// Memory. The vcpu's caches are topped up where the kernel does it, before the lock. If that fails,
// the function returns kNoMemory, and a retry finds nothing half done. BUGs are thrown as BugError;
// then the MMU may only be destroyed. All loops are bounded.
//
// This header declares. shadow_mmu_*.h define the functions, and shadow_mmu_functions.h includes
// those. A caller needs them to compile the MMU on a map of its own. On AnyMap the MMU is compiled
// already (any_mmu.h).
//
// Each function's comment names the kernel function that it restates. Quirks restore the kernel's
// latent bugs.
// Not covered: MMIO beyond its detection, nested guests, PCIDs, large page invlpg, NUMA, MTRRs.
#ifndef RMAPDIFF_MMU_SHADOW_SHADOW_MMU_H_
#define RMAPDIFF_MMU_SHADOW_SHADOW_MMU_H_

#include <array>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "mmu/graph/page_graph.h"
#include "mmu/shadow/guest.h"
#include "mmu/shadow/host.h"
#include "mmu/shadow/quirks.h"
#include "mmu/shadow/vcpu.h"

namespace rmapdiff {

struct MmuConfig {
  SpteMasks masks;  // kShadowMasks, kBypassMasks; kEptMasks with tdp
  RecyclePolicy recycle = RecyclePolicy::kExact;
  int vcpus = 1;  // 1..4
  bool tdp = false;
  int tdp_level = 4;  // 4 (EPT), or 3: four roots, as NPT on a 32-bit host
  bool oos_shadow = true;
  int max_large_level = 3;  // get_lpage_level: 1..3
  Quirks quirks;
  // Where notifier_seq, invlpg_counter and the graph's counters begin, cut to their bits; and the
  // generation of the host's first frames. A kernel that has run for long is anywhere.
  uint64_t first_count = 0;
  uint64_t first_generation = 1;
};

enum class MmuCode : uint8_t {
  kOk,                 // done; for an access: by the hardware
  kEmulated,           // an access was done by the emulator
  kGuestFault,         // #PF; error_code says why
  kGeneralProtection,  // #GP: this cr3 cannot be loaded
  kTripleFault,        // the root table has no memory: the guest is shut down
  kMmio,               // no memslot has the frame, or a store hit a read-only one
  kHostFault,          // -EFAULT: the host page is not mapped
  kNoMemory,           // -ENOMEM
  kInvalid,            // -EINVAL or -EEXIST: the request is not valid
  kRetryExhausted,     // the guest faulted kMaxExits times: a livelock, or an open notifier range
  kStaleFrame,         // the hardware reached a host frame that is gone, or wrote to a frame that
                       // is read-only in the host: never legal
};

enum class AccessType : uint8_t { kRead, kWrite, kFetch };

// For whom the processor makes an access. It matters to SMAP alone.
enum class AccessKind : uint8_t {
  kPlain,     // for an instruction, with EFLAGS.AC clear
  kAc,        // for an instruction, with EFLAGS.AC set: SMAP does not bind the supervisor
  kImplicit,  // for itself, to a system structure such as the GDT, with EFLAGS.AC set. That is an
              // access of the supervisor at any privilege level, and AC does not lift SMAP.
};

struct AccessRequest {
  Gva gva = 0;
  AccessType type = AccessType::kRead;
  bool user = false;
  uint64_t value = 0;  // to write
  int bytes = 8;       // to write: 1, 2, 4 or 8; the address is rounded down to a multiple of it
  AccessKind kind = AccessKind::kPlain;
};

struct AccessResult {
  MmuCode code = MmuCode::kOk;
  uint64_t value = 0;       // the whole word, as read or as after the write
  uint32_t error_code = 0;  // with kGuestFault
  int exits = 0;            // the number of faults that the MMU handled on the way
  Pfn pfn = 0;              // with kOk: the frame reached

  friend bool operator==(const AccessResult&, const AccessResult&) = default;
};

// The host's change of a page. It may stay, move to another frame, or go. It may move to a
// read-only frame, of its own (kProtect) or shared by equal pages (kMerge). Or its block of level 2
// or 3 becomes one large page.
enum class HostChange : uint8_t { kStay, kMove, kUnmap, kProtect, kMerge, kLarge, kHuge };
// The notifiers that tell the MMU.
enum class Notifier : uint8_t { kRange, kInvalidatePage, kChangePte };

// struct kvm_userspace_memory_region.
struct MemslotRequest {
  uint32_t id = 0;  // < kMemorySlots
  Gfn base_gfn = 0;
  Gfn npages = 0;  // 0: delete
  Hva hva = 0;     // first host page
  bool log_dirty = false;
  bool read_only = false;
};

// struct kvm_clear_dirty_log.
struct ClearLogRequest {
  uint32_t id = 0;
  Gfn first = 0;  // counted from the slot's first frame
  Gfn npages = 0;
  // Userspace's memory: Limits::kLogWordBits bits of each word, from the lowest. Bit 0 of the first
  // word stands for frame `first`.
  std::vector<uint64_t> bitmap;
};

struct MmuStats {
  uint32_t pf_fixed = 0;
  uint32_t pte_write = 0;
  uint32_t pte_updated = 0;
  uint32_t pde_zapped = 0;
  uint32_t flooded = 0;
  uint32_t reclaimed = 0;  // pages zapped to make room: mmu_recycled
  uint32_t tlb_flush = 0;  // of one vcpu
  uint32_t invlpg = 0;
  uint32_t emulated = 0;  // instructions
  uint32_t synced = 0;    // pages given to sync_page

  friend bool operator==(const MmuStats&, const MmuStats&) = default;
};

template <ReverseMap R>
class ShadowMmu {
 public:
  using Graph = PageGraph<R>;
  using Limits = typename R::Limits;
  using Page = typename Graph::Page;
  using Head = typename Graph::Head;
  using Slot = typename Graph::Slots::Slot;
  using Processor = Vcpu<R>;
  using Paging = GuestPaging<Limits>;

  static constexpr int kEntries = Graph::kEntries;
  static constexpr uint32_t kMemorySlots = 32;  // KVM_MEMORY_SLOTS
  static constexpr int kMaxExits = 12;          // of one access, then kRetryExhausted
  static constexpr int kMaxVcpus = 4;

  // `map_args`: see PageGraph.
  template <class... MapArgs>
  ShadowMmu(HostMemory& memory, const MmuConfig& config, const MapArgs&... map_args);
  ShadowMmu(const ShadowMmu&) = delete;
  ShadowMmu& operator=(const ShadowMmu&) = delete;

  // ---- State ----
  const MmuConfig& config() const { return config_; }
  Graph& graph() { return graph_; }
  const Graph& graph() const { return graph_; }
  Host& host() { return host_; }
  const Host& host() const { return host_; }
  const MmuStats& stats() const { return stats_; }
  int vcpus() const { return static_cast<int>(vcpus_.size()); }
  // The state of a vcpu, after its pending flushes and requests are brought up to date.
  const Processor& vcpu(int vcpu);
  // mmu_notifier_seq, mmu_notifier_count, n_alloc_mmu_pages, n_free_mmu_pages.
  uint64_t notifier_seq() const { return notifier_seq_; }
  int notifier_count() const { return notifier_count_; }
  int allocated_pages() const { return n_alloc_mmu_pages_; }
  int free_pages() const { return n_alloc_mmu_pages_ - graph_.pages(); }
  // The shadow page that the hardware walk of `gva` begins in; null if there is no root (yet).
  Page* RootFor(const Processor& vcpu, Gva gva, int* level) const;

  // ---- The guest ----
  // Enters the guest and performs one access.
  AccessResult Access(int vcpu, const AccessRequest& request);
  // One instruction that stores many values, from page to page (rep movs). Once a store is
  // emulated, all later ones are, and nothing is topped up between two stores (L1). It ends at the
  // first store that fails. The result is that of the last store.
  AccessResult StoreMany(int vcpu, const AccessRequest& first, const std::vector<uint64_t>& values);
  // kvm_mmu_invlpg.
  void Invlpg(int vcpu, Gva gva);
  // kvm_set_cr3. `others` are the bits of the value beside those of `cr3`. If it returns
  // kGeneralProtection, nothing has changed.
  MmuCode LoadCr3(int vcpu, Gfn cr3, uint64_t others = 0);
  // A write to CR0, CR4 or EFER, together with cr3: kvm_mmu_reset_context.
  MmuCode SetMode(int vcpu, const GuestMode& mode, Gfn cr3);
  // kvm_set_cr4 with other SMEP and SMAP bits. If it returns kGeneralProtection, nothing has
  // changed.
  MmuCode WriteCr4(int vcpu, bool smep, bool smap);
  // The part of vcpu_enter_guest before the guest runs: requests, kvm_mmu_reload. Access does it
  // too.
  MmuCode EnterGuest(int vcpu);
  // kvm_mmu_unload: the vcpu lets go of its roots.
  void Unload(int vcpu);
  // kvm_arch_async_page_ready: maps the page of the last access that failed since its host page was
  // away. False: none has, or the vcpu is elsewhere by now.
  bool AsyncPageReady(int vcpu);
  // kvm_mmu_destroy of the vcpu, then kvm_mmu_create and kvm_mmu_setup of a new one with its
  // number: without paging, without roots.
  void ReplaceVcpu(int vcpu);
  // kvm_pv_mmu_write: the hypercall with which a guest stores into its tables, by physical address.
  MmuCode PvMmuWrite(int vcpu, Gva gpa, uint64_t value, int bytes);
  // kvm_mmu_unprotect_page_virt. True if it zapped pages.
  bool UnprotectVirt(int vcpu, Gva gva);

  // ---- Guest memory, past all translation ----
  // kvm_read_guest of one word. Nothing if no slot has the frame or the host page is not mapped.
  std::optional<uint64_t> ReadGuest(Gfn gfn, unsigned word) const;
  // kvm_write_guest: breaks the copy on write and marks the frame dirty. False: no slot, or no host
  // page.
  bool WriteGuest(Gfn gfn, unsigned word, uint64_t value);
  // A store of userspace into guest memory, past the MMU: it marks no frame and updates no spte.
  bool HostWrite(Gfn gfn, unsigned word, uint64_t value);

  // ---- The host's mappings: mmu notifiers ----
  void InvalidateRangeStart(Hva begin, Hva end);
  void InvalidateRangeEnd();
  void InvalidatePage(Hva hva);
  void ChangePte(Hva hva, Pfn pfn, bool writable);
  // clear_flush_young.
  bool AgePage(Hva hva);
  bool TestYoung(Hva hva);
  // A change of a mapping with the notifiers around it, as the host's kernel makes it. MovePage
  // moves the page to a new frame.
  void MovePage(Hva hva);
  // MergePage moves it by change_pte to a read-only frame, which other pages may share (KSM).
  void MergePage(Hva hva);
  // UnmapPage unmaps it until MapPage.
  void UnmapPage(Hva hva);
  void MapPage(Hva hva);
  // SetBacking moves it into or out of a large block.
  void SetBacking(Hva hva, int level);
  // Any change with any notifier that can tell of it: kRange where the one that is asked for
  // cannot. With kStay the notifier comes alone. Nothing if the page is not mapped.
  void ChangePage(Hva hva, HostChange change, Notifier by);
  // The change alone; a block does not become large. REQUIRES: the page is in a range that is being
  // invalidated.
  void ChangeInRange(Hva hva, HostChange change);

  // ---- Memslots and the dirty log ----
  // __kvm_set_memory_region: creates, deletes, moves, or changes log_dirty.
  MmuCode SetMemslot(const MemslotRequest& request);
  // kvm_vm_ioctl_get_dirty_log: the frames written since the last call. It protects them again.
  // With manual protection it does neither: the frames stay dirty until ClearDirtyLog.
  MmuCode GetDirtyLog(uint32_t id, std::vector<Gfn>* dirty);
  // KVM_ENABLE_CAP of KVM_CAP_MANUAL_DIRTY_LOG_PROTECT, for all slots.
  void SetManualProtect(bool on) { manual_dirty_log_protect_ = on; }
  // kvm_clear_dirty_log_protect: the frames of the bitmap are clean again, and are protected.
  MmuCode ClearDirtyLog(const ClearLogRequest& request);
  // kvm_mmu_slot_remove_write_access.
  void SlotRemoveWriteAccess(uint32_t id);

  // ---- Reclaim ----
  // kvm_vm_ioctl_set_nr_mmu_pages.
  MmuCode SetQuota(int pages);
  // mmu_shrink: zaps one page from the tail. Returns how many pages there were before.
  int Shrink();
  // kvm_arch_flush_shadow: kvm_mmu_zap_all and a reload of all vcpus.
  void ZapAll();
  // kvm_mmu_unprotect_page. True if it zapped pages.
  bool UnprotectPage(Gfn gfn);
  // kvm_mmu_destroy of each vcpu, then zap_all. Afterwards no page is left, and the caches are
  // empty.
  void Teardown();

  // Runs `action` once, in the next window. The action may call anything for other vcpus or the
  // host, but it must not change memslots. It must not use the vcpu in whose operation the window
  // is.
  void Interleave(std::function<void()> action) { interleaved_ = std::move(action); }
  bool interleave_pending() const { return interleaved_ != nullptr; }

 private:
  struct Walker;
  struct ShadowWalk;
  struct MappingRequest;
  struct HostFrame;
  struct Hardware;
  struct Controls;
  enum class FaultResult : uint8_t { kRetry, kEmulate, kGuestFault, kNoMemory, kHostFault };

  // ---- Small things (shadow_mmu_requests.h) ----
  Paging paging(const Processor& vcpu) const { return {vcpu.mode.paging}; }
  bool Present(Spte spte) const { return IsPresent(graph_.masks(), spte); }
  Spte trap() const { return graph_.masks().trap; }
  void Refresh(Processor& vcpu);
  void FlushTlb(Processor& vcpu);
  void Window();
  // Whether an address is a guest physical one.
  bool IsDirect(const Processor& vcpu) const {
    return config_.tdp || vcpu.mode.paging == PagingMode::kNonPaging;
  }
  static bool IsShadowed(const Page& page) { return !page.role.direct && !page.role.invalid; }

  // ---- Guest memory and walk_addr (shadow_mmu_walk.h) ----
  std::optional<Hva> HvaOf(Gfn gfn) const;
  void MarkPageDirty(Gfn gfn);
  void BreakCow(Hva hva);
  HostFrame GfnToPfn(Gfn gfn, bool write);
  bool IsReadOnly(Gfn gfn) const;
  static bool IsMmio(const HostFrame& frame);
  std::optional<Gpte> ReadGpte(Gfn table, uint32_t index, bool pae) const;
  bool WriteGpte(Gfn table, uint32_t index, bool pae, Gpte gpte);
  unsigned GpteAccess(const Processor& vcpu, Gpte gpte) const;
  bool IsReserved(const Processor& vcpu, Gpte gpte, int level) const;
  bool WalkAddr(Processor& vcpu, const AccessRequest& request, Walker* walker);
  bool WalkStep(Processor& vcpu, const AccessRequest& request, Walker* walker, Gpte* gpte);
  static bool DeniesUserPage(const GuestMode& mode, const AccessRequest& request);
  uint32_t ErrorBitsOf(const Processor& vcpu, AccessType type, bool user) const;
  bool GpteChanged(const Processor& vcpu, const Walker& walker, int level) const;
  std::optional<Gva> GvaToGpa(Processor& vcpu, const AccessRequest& request, uint32_t* error_code);

  // ---- Shadow pages (shadow_mmu_page.h) ----
  Page& GetPage(Processor& vcpu, Gfn gfn, Gva gva, int level, bool direct, unsigned access,
                Spte* parent_pte);
  Page& NewPage(Processor& vcpu, Gfn gfn, Role role, bool need_sync, Spte* parent_pte);
  void PrefetchPage(Page& page);
  Role RoleFor(const Processor& vcpu, Gva gva, int level, bool direct, unsigned access) const;

  // ---- Faults (shadow_mmu_fault.h) ----
  FaultResult PageFault(Processor& vcpu, const AccessRequest& request, uint32_t* error_code,
                        bool prefault = false);
  FaultResult DirectPageFault(Processor& vcpu, const AccessRequest& request, bool prefault);
  FaultResult HandlePageFault(Processor& vcpu, const AccessRequest& request, Walker& walker,
                              bool prefault);
  FaultResult SetupAsyncFault(Processor& vcpu, Gva gva, Gfn gfn, bool prefault);
  bool Fetch(Processor& vcpu, Gva gva, const Walker& walker, MappingRequest& mapping);
  bool FetchIndirect(Processor& vcpu, const Walker& walker, ShadowWalk& it);
  void FetchDirect(Processor& vcpu, const Walker& walker, int target, ShadowWalk& it);
  void UnlinkUnexpectedChild(Spte* sptep, Gfn gfn, Role role);
  void ValidateDirectSpte(Spte* sptep, Gfn gfn, Role role);
  void DropLargeSpte(Spte* sptep);
  bool DirectMap(Processor& vcpu, MappingRequest& mapping);
  int MappingLevel(Gfn gfn) const;
  bool HasWriteProtectedPage(Gfn gfn, int level) const;
  bool MmuSetSpte(Processor& vcpu, Spte* sptep, MappingRequest& mapping);
  bool SetSpte(Processor& vcpu, Spte* sptep, MappingRequest& mapping);
  Spte BuildSpte(const MappingRequest& mapping) const;
  bool UsesNx(const Processor& vcpu) const;
  bool WasRmapped(Spte* sptep, const MappingRequest& mapping);
  bool NeedWriteProtect(Gfn gfn, bool can_unsync);
  void UnsyncPages(Gfn gfn);
  bool NotifierRetry(uint64_t mmu_seq) const;

  // ---- Writes to page tables (shadow_mmu_pte_write.h) ----
  void PteWriteLocked(Processor& vcpu, Gfn gfn, unsigned offset, std::optional<Gpte> value,
                      int bytes, bool guest_initiated);
  void GuessFrame(Processor& vcpu, Gpte gpte);
  bool DetectFlood(Processor& vcpu, Gfn gfn);
  bool PteWriteOne(Processor& vcpu, Page& page, unsigned offset, Gpte gpte, bool* remote_flush);
  void ZapPte(Page& page, Spte* sptep);
  void UpdatePte(Processor& vcpu, Page& page, Spte* sptep, Gpte gpte);
  bool NeedRemoteFlush(Spte old_spte, Spte new_spte) const;
  void AccessPage(Processor& vcpu, Gfn gfn, bool stored);

  // ---- Synchronisation (shadow_mmu_sync.h) ----
  bool SyncPage(Processor& vcpu, Page& page, bool clear_unsync);
  bool SyncPageOrZap(Processor& vcpu, Page& page, PageList& zapped, bool clear_unsync);
  bool SyncPageTransient(Processor& vcpu, Page& page);
  void SyncPages(Processor& vcpu, Gfn gfn);
  bool SyncSpte(Processor& vcpu, Page& page, uint32_t index, Gpte gpte, bool clear_unsync);
  void SyncChildren(Processor& vcpu, Page& root, bool can_yield);
  void SyncRoots(Processor& vcpu);

  // ---- Roots (shadow_mmu_roots.h) ----
  void InitContext(Processor& vcpu);
  void ResetContext(Processor& vcpu, const GuestMode& mode);
  static std::optional<Gfn> TableOfCr3(const Processor& vcpu, uint64_t value);
  MmuCode LoadRoots(Processor& vcpu);
  MmuCode AllocRoots(Processor& vcpu);
  MmuCode AllocPaeRoots(Processor& vcpu);
  Page* AllocRoot(Processor& vcpu, Gfn gfn, Gva gva, int level, bool direct);
  void FreeRoots(Processor& vcpu);
  void ReleaseRoot(Page*& root, PageList& zapped);
  bool LoadPdptrs(const GuestMode& mode, Gfn cr3, std::array<Gpte, 4>* pdptrs) const;
  void ReloadAll();

  // ---- Hardware (shadow_mmu_hardware.h) ----
  Gva PageNumber(const Processor& vcpu, Gva gva) const;
  static Gva Aligned(Gva gva, int bytes);
  AccessRequest Normalized(const Processor& vcpu, AccessRequest request) const;
  Controls ControlsOf(const Processor& vcpu) const;
  static bool Permits(const Controls& controls, const TlbEntry& entry,
                      const AccessRequest& request);
  Hardware HardwareWalk(const Processor& vcpu, const AccessRequest& request);
  Hardware Translate(Processor& vcpu, const AccessRequest& request);
  static unsigned WordOf(const AccessRequest& request);
  static uint64_t Store(uint64_t word, const AccessRequest& request);
  AccessResult TouchFrame(const AccessRequest& request, const Hardware& walk);
  AccessResult Emulate(Processor& vcpu, const AccessRequest& request);
  AccessResult EmulatePhysical(Processor& vcpu, Gfn gfn, const AccessRequest& request);
  std::optional<AccessResult> HandleExit(Processor& vcpu, const AccessRequest& request);

  // ---- Notifiers (shadow_mmu_host.h) ----
  template <class Handler>
  bool HandleHva(Hva begin, Hva end, Handler&& handler);
  void UnmapRange(Hva begin, Hva end);
  template <class Change>
  void ChangeMapping(Hva hva, int level, Change&& change);
  void SplitBacking(Hva hva);

  // ---- Memslots (shadow_mmu_slots.h) ----
  bool Overlaps(const MemslotRequest& request) const;
  MmuCode ChangeSlot(const MemslotRequest& request, Slot& slot);
  static bool MayClear(const Slot& slot, const ClearLogRequest& request);
  void CommitMemslots(uint32_t id);

  // ---- Reclaim (shadow_mmu_reclaim.h) ----
  void FreeSomePages();
  void ChangeMmuPages(int pages);
  int ZapFromTail(int wanted);

  const MmuConfig config_;
  Graph graph_;
  Host host_;
  std::deque<Processor> vcpus_;
  MmuStats stats_;
  PageId next_page_ = 0;
  int n_alloc_mmu_pages_ = Limits::kMinAllocPages;
  int n_requested_mmu_pages_ = 0;
  uint64_t notifier_seq_ = config_.first_count;
  int notifier_count_ = 0;
  uint64_t invlpg_counter_ = config_.first_count;
  bool manual_dirty_log_protect_ = false;
  std::function<void()> interleaved_;
};

template <ReverseMap R>
template <class... MapArgs>
ShadowMmu<R>::ShadowMmu(HostMemory& memory, const MmuConfig& config, const MapArgs&... map_args)
    : config_(config),
      graph_(memory, config.masks, config.recycle, map_args...),
      host_(kEntries, Limits::kLevelBits, config.first_generation) {
  graph_.CountFrom(config.first_count);
  for (int i = 0; i < config.vcpus; ++i) {
    Processor& vcpu = vcpus_.emplace_back(i);
    Refresh(vcpu);
    vcpu.requests = {};
    InitContext(vcpu);
  }
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_SHADOW_SHADOW_MMU_H_

// A guest in long mode to measure: address spaces, the pages in them, and the actions of processes.
//
// Guest memory is one memslot. Its first frames are data, and the guest's tables come after them.
// BenchGuest writes the tables past the MMU, as a guest's own kernel has done before the
// measurement begins. A caller that measures allocations sets `watch`. BenchGuest calls it after
// each action of the guest.
#ifndef RMAPDIFF_BENCH_BENCH_GUEST_H_
#define RMAPDIFF_BENCH_BENCH_GUEST_H_

#include <functional>
#include <vector>

#include "mmu/shadow/shadow_mmu_functions.h"

namespace rmapdiff {

// The size of a guest.
struct GuestSize {
  Gfn data = 0;    // frames
  Gfn tables = 0;  // frames for tables
  int quota = 0;   // shadow pages; 0: as many as it needs
  bool logged = false;
  bool oos_shadow = true;
};

template <ReverseMap R>
class BenchGuest {
 public:
  using Mmu = ShadowMmu<R>;
  static constexpr Gpte kFlags = kGptePresent | kGpteUser | kGpteAccessed;
  static constexpr int kEntries = Mmu::kEntries;

  explicit BenchGuest(const GuestSize& size)
      : mmu_(memory_, ConfigOf(size)), size_(size), next_table_(size.data) {
    mmu_.SetQuota(size.quota != 0 ? size.quota : 1 << 20);
    mmu_.SetMemslot({0, 0, size.data + size.tables, 0, size.logged});
  }
  BenchGuest(const BenchGuest&) = delete;
  BenchGuest& operator=(const BenchGuest&) = delete;

  Mmu& mmu() { return mmu_; }
  std::function<void(const char* what)> watch;

  // ---- Tables, past the MMU ----
  Gfn NewTable() { return next_table_++; }
  // Makes a new address space, and returns the gfn of its root.
  Gfn NewSpace() { return NewTable(); }
  // Maps page `number` of an address space.
  void Map(Gfn root, Gva number, Gfn gfn, bool writable) {
    const Gpte rights = writable ? kFlags | kGpteWritable | kGpteDirty : kFlags;
    mmu_.HostWrite(LeafTable(root, number), static_cast<unsigned>(number % kEntries),
                   Gpte{gfn} << kPageShift | rights);
  }
  // The table of level 1 that maps page `number`. It and the tables above are made as needed.
  Gfn LeafTable(Gfn root, Gva number) {
    Gfn table = root;
    for (int level = kRootLevel; level > kPageTableLevel; --level) {
      const Gva above = number >> (static_cast<unsigned>(Mmu::Limits::kLevelBits) *
                                   static_cast<unsigned>(level - 1));
      const auto index = static_cast<unsigned>(above % kEntries);
      Gpte gpte = mmu_.ReadGuest(table, index).value_or(0);
      if (gpte == 0) {
        gpte = Gpte{NewTable()} << kPageShift | kFlags | kGpteWritable;
        mmu_.HostWrite(table, index, gpte);
      }
      table = static_cast<Gfn>(gpte >> kPageShift);
    }
    return table;
  }

  // Lets two address spaces share the tables above this page: all tables below one entry of the
  // root. Processes share their kernel's half in this way.
  void ShareTop(Gfn root, Gfn with, Gva number) {
    const auto index =
        static_cast<unsigned>(number >> (3 * static_cast<unsigned>(Mmu::Limits::kLevelBits)));
    mmu_.HostWrite(root, index, mmu_.ReadGuest(with, index).value_or(0));
  }
  // The tables through which an address space maps a page, the lowest first.
  std::vector<Gfn> TablesOf(Gfn root, Gva number) {
    std::vector<Gfn> tables{root};
    for (int level = kRootLevel; level > kPageTableLevel; --level) {
      const Gva above = number >> (static_cast<unsigned>(Mmu::Limits::kLevelBits) *
                                   static_cast<unsigned>(level - 1));
      const Gpte gpte =
          mmu_.ReadGuest(tables.back(), static_cast<unsigned>(above % kEntries)).value_or(0);
      tables.push_back(static_cast<Gfn>(gpte >> kPageShift));
    }
    return {tables.rbegin(), tables.rend()};
  }

  // ---- Actions of the guest. False: the MMU did not do what it should. ----
  bool Boot(Gfn root) {
    const bool done = mmu_.SetMode(0, {PagingMode::kLong, true, false, true}, root) == MmuCode::kOk;
    return Done("boot", done);
  }
  bool Switch(Gfn root) { return Done("load_cr3", mmu_.LoadCr3(0, root) == MmuCode::kOk); }
  bool Read(Gva number) {
    const AccessRequest request{number << kPageShift, AccessType::kRead, true, 0, 8};
    return Done("read", mmu_.Access(0, request).code == MmuCode::kOk);
  }
  bool Write(Gva number, uint64_t value) {
    const AccessRequest request{number << kPageShift, AccessType::kWrite, true, value, 8};
    return Done("write", mmu_.Access(0, request).code == MmuCode::kOk);
  }
  bool FetchDirtyLog() {
    return Done("get_dirty_log", mmu_.GetDirtyLog(0, &dirty_) == MmuCode::kOk);
  }
  // A process ends, and the guest uses its tables for something else.
  bool FreeTable(Gfn table) { return Done("free_table", mmu_.UnprotectPage(table)); }
  // The host unmaps a page and maps it again.
  bool Swap(Gfn gfn) {
    mmu_.UnmapPage(static_cast<Hva>(gfn));
    mmu_.MapPage(static_cast<Hva>(gfn));
    return Done("swap", true);
  }
  void ZapAll() {
    mmu_.ZapAll();
    Done("zap_all", true);
  }

  int RmapLength(Gfn gfn) {
    return mmu_.graph().map().Count(mmu_.graph().slots().Rmap(gfn, kPageTableLevel));
  }

 private:
  static MmuConfig ConfigOf(const GuestSize& size) {
    MmuConfig config;
    config.recycle = RecyclePolicy::kNative;
    config.oos_shadow = size.oos_shadow;
    return config;
  }
  bool Done(const char* what, bool done) {
    mmu_.graph().events().Clear();
    if (watch) watch(what);
    return done;
  }

  HostMemory memory_{HostMemory::Reuse::kLifo};
  Mmu mmu_;
  const GuestSize size_;
  Gfn next_table_;
  std::vector<Gfn> dirty_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_BENCH_BENCH_GUEST_H_

// Whole guests at work, on ShadowMmu. They show the share of a reverse map in the cost of page
// faults, walks and flushes.
//
//   fault_single    2048 pages are touched for the first time, each mapped once: both maps do the
//   same boot            rmaps of the lengths of a real guest (histogram.h, one frame in 32); all
//   their
//                   mappings fault in, in no order, in 8 address spaces
//   fork_storm      500 processes, one after the other, map the same 32 frames by tables of their
//                   own, and 4 frames by tables that all share
//   exit_storm      all of them end and free their tables, the oldest first
//   exit_newest     the same, the newest first
//   dirty_log       8 rounds: 256 logged frames, mapped in 8 address spaces, are written, and the
//                   log is fetched
//   shrink          16 processes of 12 tables each share a quota of 128 shadow pages
//   swap            the host takes 32 frames, each mapped 64 times, away
#ifndef RMAPDIFF_BENCH_GUEST_CASES_H_
#define RMAPDIFF_BENCH_GUEST_CASES_H_

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "bench/bench_guest.h"
#include "bench/histogram.h"
#include "bench/prepared.h"

namespace rmapdiff {

// Workloads derive from this class. Begin makes the guest anew, so every Run finds the same guest.
template <ReverseMap R>
class GuestWork : public Prepared {
 public:
  using Guest = BenchGuest<R>;
  using Watch = std::function<void(const char* what)>;

  // Called at the beginning, and to begin anew.
  virtual void Begin() = 0;
  virtual bool Work() = 0;

  void Run() override { well_ = Work() && well_; }
  void Restore() override {
    Begin();
    guest().watch = watch_;
  }
  int operations() const override { return operations_; }
  std::string Check() const override { return well_ ? "" : "the guest met what it should not"; }

  Guest& guest() { return *guest_; }
  void WatchBy(Watch watch) {
    watch_ = std::move(watch);
    guest().watch = watch_;
  }

 protected:
  void NewGuest(const GuestSize& size) { guest_.emplace(size); }
  void SetOperations(size_t operations) { operations_ = static_cast<int>(operations); }

 private:
  std::optional<Guest> guest_;
  Watch watch_;
  int operations_ = 1;
  bool well_ = true;
};

template <ReverseMap R>
class FaultSingle : public GuestWork<R> {
 public:
  void Begin() override {
    this->NewGuest({.data = kPages, .tables = 16});
    root_ = this->guest().NewSpace();
    for (Gva i = 0; i < kPages; ++i) this->guest().Map(root_, i, static_cast<Gfn>(i), true);
    this->guest().Boot(root_);
    this->SetOperations(kPages);
  }
  bool Work() override {
    bool well = true;
    for (Gva i = 0; i < kPages; ++i) well = this->guest().Read(i) && well;
    return well;
  }

 private:
  static constexpr Gfn kPages = 2048;
  Gfn root_ = 0;
};

// Each mapping is one page of some address space. The pages of a space lie in runs of 32. So its
// tables are about as full as those of real guests.
template <ReverseMap R>
class BootWork : public GuestWork<R> {
 public:
  void Begin() override {
    const std::vector<int> lengths = RmapLengths(kScale);
    this->NewGuest({.data = static_cast<Gfn>(lengths.size()), .tables = 4096});
    std::mt19937 random(1);
    spaces_.assign(kSpaces, {});
    for (Space& space : spaces_) space.root = this->guest().NewSpace();
    size_t mappings = 0;
    for (size_t gfn = 0; gfn < lengths.size(); ++gfn) {
      for (int i = 0; i < lengths[gfn]; ++i, ++mappings) {
        Space& space = spaces_[random() % kSpaces];
        const Gva page = space.pages.size();
        const Gva number = page / kRun * kStride + page % kRun;
        this->guest().Map(space.root, number, static_cast<Gfn>(gfn), false);
        space.pages.push_back(number);
      }
    }
    for (Space& space : spaces_) std::shuffle(space.pages.begin(), space.pages.end(), random);
    this->guest().Boot(spaces_[0].root);
    this->SetOperations(mappings);
  }
  bool Work() override {
    bool well = true;
    for (const Space& space : spaces_) {
      well = this->guest().Switch(space.root) && well;
      for (const Gva number : space.pages) well = this->guest().Read(number) && well;
    }
    return well;
  }

 private:
  static constexpr int kScale = 32;
  static constexpr size_t kSpaces = 8;
  static constexpr Gva kRun = 32;
  static constexpr Gva kStride = 128;

  struct Space {
    Gfn root = 0;
    std::vector<Gva> pages;
  };

  std::vector<Space> spaces_;
};

// Processes that map the same frames, each by tables of its own.
template <ReverseMap R>
class ForkStorm : public GuestWork<R> {
 public:
  void Begin() override {
    this->NewGuest({.data = kShared + kKernel, .tables = kChildren * 4 + 8});
    children_.clear();
    const Gfn idle = this->guest().NewSpace();
    for (Gva page = 0; page < kKernel; ++page) {
      this->guest().Map(idle, kKernelHalf + page, static_cast<Gfn>(kShared + page), false);
    }
    for (Gfn i = 0; i < kChildren; ++i) {
      const Gfn root = this->guest().NewSpace();
      for (Gva page = 0; page < kShared; ++page) {
        this->guest().Map(root, page, static_cast<Gfn>(page), false);
      }
      this->guest().ShareTop(root, idle, kKernelHalf);
      children_.push_back(root);
    }
    idle_ = idle;
    this->guest().Boot(idle);
    this->SetOperations(kChildren);
  }
  bool Work() override { return Fork(); }

 protected:
  bool Fork() {
    bool well = true;
    for (const Gfn root : children_) {
      well = this->guest().Switch(root) && well;
      for (Gva page = 0; page < kShared; ++page) well = this->guest().Read(page) && well;
      for (Gva page = 0; page < kKernel; ++page) {
        well = this->guest().Read(kKernelHalf + page) && well;
      }
    }
    return this->guest().Switch(idle_) && well;
  }
  bool Exit(bool newest_first) {
    bool well = true;
    for (size_t i = 0; i < kChildren; ++i) {
      const Gfn root = children_[newest_first ? kChildren - 1 - i : i];
      for (const Gfn table : this->guest().TablesOf(root, 0)) {
        well = this->guest().FreeTable(table) && well;
      }
    }
    return well;
  }

 private:
  static constexpr Gfn kChildren = 500;
  static constexpr Gfn kShared = 32;
  static constexpr Gfn kKernel = 4;
  static constexpr Gva kKernelHalf = Gva{1} << 35;

  Gfn idle_ = 0;
  std::vector<Gfn> children_;
};

template <ReverseMap R, bool kNewestFirst>
class ExitStorm : public ForkStorm<R> {
 public:
  void Begin() override {
    ForkStorm<R>::Begin();
    this->Fork();
  }
  bool Work() override { return this->Exit(kNewestFirst); }
};

template <ReverseMap R>
class DirtyLog : public GuestWork<R> {
 public:
  void Begin() override {
    this->NewGuest({.data = kPages, .tables = 64, .logged = true});
    spaces_.clear();
    for (int i = 0; i < kSpaces; ++i) {
      spaces_.push_back(this->guest().NewSpace());
      for (Gva page = 0; page < kPages; ++page) {
        this->guest().Map(spaces_.back(), page, static_cast<Gfn>(page), true);
      }
    }
    this->guest().Boot(spaces_[0]);
    this->SetOperations(kRounds);
  }
  bool Work() override {
    bool well = true;
    for (int round = 0; round < kRounds; ++round) {
      for (const Gfn root : spaces_) {
        well = this->guest().Switch(root) && well;
        for (Gva page = 0; page < kPages; ++page) {
          well = this->guest().Write(page, page + root + static_cast<Gva>(round)) && well;
        }
      }
      well = this->guest().FetchDirtyLog() && well;
    }
    return well;
  }

 private:
  static constexpr int kSpaces = 8;
  static constexpr int kRounds = 8;
  static constexpr Gva kPages = 256;

  std::vector<Gfn> spaces_;
};

template <ReverseMap R>
class ShrinkWork : public GuestWork<R> {
 public:
  void Begin() override {
    this->NewGuest({.data = kShared, .tables = 512, .quota = kQuota});
    spaces_.clear();
    for (int i = 0; i < kSpaces; ++i) {
      spaces_.push_back(this->guest().NewSpace());
      for (Gva table = 0; table < kTables; ++table) {
        for (Gva page = 0; page < kTouched; ++page) {
          this->guest().Map(spaces_.back(), PageOf(table, page), GfnOf(table, page), false);
        }
      }
    }
    this->guest().Boot(spaces_[0]);
    this->SetOperations(kRounds * kSpaces * kTables * kTouched);
  }
  bool Work() override {
    bool well = true;
    for (int round = 0; round < kRounds; ++round) {
      for (const Gfn root : spaces_) {
        well = this->guest().Switch(root) && well;
        for (Gva table = 0; table < kTables; ++table) {
          for (Gva page = 0; page < kTouched; ++page) {
            well = this->guest().Read(PageOf(table, page)) && well;
          }
        }
      }
    }
    return well;
  }

 private:
  static constexpr int kRounds = 2;
  static constexpr int kSpaces = 16;
  static constexpr int kQuota = 128;
  static constexpr Gva kTables = 12;
  static constexpr Gva kTouched = 16;
  static constexpr Gfn kShared = 64;

  static Gva PageOf(Gva table, Gva page) { return table * GuestWork<R>::Guest::kEntries + page; }
  static Gfn GfnOf(Gva table, Gva page) {
    return static_cast<Gfn>((table * kTouched + page) % kShared);
  }

  std::vector<Gfn> spaces_;
};

template <ReverseMap R>
class SwapWork : public GuestWork<R> {
 public:
  void Begin() override {
    this->NewGuest({.data = kFrames, .tables = 5 * kSpaces});
    for (int i = 0; i < kSpaces; ++i) {
      const Gfn root = this->guest().NewSpace();
      for (Gva page = 0; page < kFrames; ++page) {
        this->guest().Map(root, page, static_cast<Gfn>(page), false);
      }
      i == 0 ? this->guest().Boot(root) : this->guest().Switch(root);
      for (Gva page = 0; page < kFrames; ++page) this->guest().Read(page);
    }
    this->SetOperations(kFrames);
  }
  bool Work() override {
    bool well = this->guest().RmapLength(0) == kSpaces;
    for (Gfn gfn = 0; gfn < kFrames; ++gfn) well = this->guest().Swap(gfn) && well;
    return well && this->guest().RmapLength(0) == 0;
  }

 private:
  static constexpr int kSpaces = 64;
  static constexpr Gfn kFrames = 32;
};

template <ReverseMap R>
struct GuestCase {
  const char* name;
  std::unique_ptr<GuestWork<R>> (*make)();
};

template <ReverseMap R, class Work>
std::unique_ptr<GuestWork<R>> MakeWork() {
  auto work = std::make_unique<Work>();
  work->Begin();
  return work;
}

template <ReverseMap R>
std::vector<GuestCase<R>> GuestCases() {
  return {
      {"fault_single", MakeWork<R, FaultSingle<R>>},
      {"boot", MakeWork<R, BootWork<R>>},
      {"fork_storm", MakeWork<R, ForkStorm<R>>},
      {"exit_storm", MakeWork<R, ExitStorm<R, false>>},
      {"exit_newest", MakeWork<R, ExitStorm<R, true>>},
      {"dirty_log", MakeWork<R, DirtyLog<R>>},
      {"shrink", MakeWork<R, ShrinkWork<R>>},
      {"swap", MakeWork<R, SwapWork<R>>},
  };
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_BENCH_GUEST_CASES_H_

// Random programs: SplitMix64 and integer arithmetic, so the same on every platform.
//
// Blind draws hardly ever name a page that exists, so the generator keeps a plan: which pages and
// filled slots there would be had every operation applied. Most operations aim at the plan; the
// rest are blind, for the sake of everything that does not apply. The plan is a guess and may be
// wrong.
#include <algorithm>
#include <array>
#include <optional>

#include "fuzzers/program.h"
#include "fuzzers/program_fields.h"

namespace rmapdiff {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014). The bias of `%` is far below what a test could see.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // A number below `limit`, which is not 0.
  uint32_t Below(uint32_t limit) { return static_cast<uint32_t>(Next() % limit); }

 private:
  uint64_t state_;
};

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

// The guest of a program on a whole MMU, as far as its boot tables go (guest_boot.h): what a table
// is for, and which addresses lead to the entry that was written last.
class GuestPlan {
 public:
  GuestPlan(Random& random, const Header& header) : random_(random), header_(header) {}

  template <typename AnyOp>
  void Aim(AnyOp& op) {
    if constexpr (requires { op.va; }) {
      if (random_.Below(2) == 0) op.va.path = last_va_;
    }
    if constexpr (requires { op.hva; }) {
      if (random_.Below(2) == 0) op.hva.index = last_page_;
    }
    if constexpr (requires { op.slot; }) {
      // A guest whose tables have no memory does nothing any more.
      if (random_.Below(8) != 0) op.slot.slot = static_cast<uint8_t>(1 + random_.Below(3));
    }
  }
  void Aim(ops::Access& op) {
    if (random_.Below(2) == 0) op.va.path = last_va_;
    last_va_ = op.va.path;
    if ((op.va.path & 0xe8u) == 0) last_page_ = static_cast<uint8_t>(16 + op.va.table());
  }
  // An entry that fits its table: a data page in one of the last level, else a table below.
  void Aim(ops::SetGpte& op) {
    const int level = LevelOf(op.table.index);
    if (level == 1) {
      if (op.gfn.index < TableArg::kCount && random_.Below(8) != 0) op.gfn.index = DataPage();
      last_page_ = op.gfn.index;
      op.flags.bits = static_cast<uint8_t>(op.flags.bits & ~0x20u);
    } else if (level > 2 || random_.Below(2) != 0) {
      if (random_.Below(8) != 0) op.gfn.index = TableOf(level - 1);
      op.flags.bits = static_cast<uint8_t>((op.flags.bits & ~0xe0u) | 1u);
      if (random_.Below(4) != 0) op.flags.bits |= 6u;
    } else {
      op.gfn.index = random_.Below(2) != 0 ? 32 : 40;  // a large page
      op.flags.bits |= 0x21;
    }
    if (random_.Below(6) == 0) op.via.value = ViaArg::kHost;
    // The window stays where it is, mostly: without it no table can be written.
    const bool window = op.table.index == 2 || op.table.index == 0 || op.table.index == 7;
    if (level == 2 && window && (op.entry.index & 6u) == 2 && random_.Below(16) != 0) {
      op.entry.index = static_cast<uint16_t>(op.entry.index & ~6u);
    }
    if (level > 2 && random_.Below(8) != 0) op.entry.index |= 1;
    last_va_ = VaOf(op.table.index, op.entry.index);
  }
  void Aim(ops::LoadCr3& op) { op.table.index = Root(); }
  void Aim(ops::SetMode& op) {
    op.table.index = Root();
    if (random_.Below(4) != 0) op.paging.value = PagingArg::kOn;
  }
  void Aim(ops::ClearTable& op) { op.table.index = TableOf(1); }
  void Aim(ops::Fork& op) {
    op.from.index = TableOf(1);
    op.to.index = TableOf(1);
    last_va_ = VaOf(op.to.index, 0);
  }
  void Aim(ops::RepStore& op) {
    op.table.index = TableOf(1);
    last_va_ = VaOf(op.table.index, op.entry.index);
  }
  void Aim(ops::Burst& op) {
    op.table.index = random_.Below(2) != 0 ? TableOf(1) : TableOf(2);
    last_va_ = VaOf(op.table.index, op.entry.index);
  }
  void Aim(ops::Share& op) {
    op.table.index = TableOf(1);
    op.va.path = VaOf(op.table.index, 0);
    op.count.count = static_cast<uint8_t>(op.count.count % 4 + 1);
  }
  void Aim(ops::SelfMap& op) { op.va.path = VaOf(op.table.index, op.entry.index); }
  void Aim(ops::MoveMemslot& op) { AimSlot(&op.slot, &op.gfn); }
  void Aim(ops::Memslot& op) {
    AimSlot(&op.slot, &op.gfn);
    op.hva.index = static_cast<uint8_t>(random_.Below(2) != 0 ? op.gfn.index : DataPage());
  }
  void Aim(ops::RangeStart& op) { op.count.count = static_cast<uint8_t>(op.count.count % 4 + 1); }

  // An operation that has to come soon, if there is one: a range that is open stops everything.
  std::optional<Op> Due() {
    if (!range_open_ || random_.Below(3) != 0) return std::nullopt;
    range_open_ = false;
    return Op(ops::RangeEnd{});
  }
  template <typename AnyOp>
  void Follow(const AnyOp&) {}
  void Follow(const ops::RangeStart&) { range_open_ = true; }

 private:
  uint8_t Root() {
    if (random_.Below(16) == 0) return 14;
    return random_.Below(3) == 0 ? 7 : 0;
  }
  uint8_t DataPage() {
    const uint8_t alias = header_.limits == LimitsMode::kTiny ? 60 : 96;
    const uint8_t first[] = {16, 16, 32, alias};
    return static_cast<uint8_t>(first[random_.Below(4)] + random_.Below(4));
  }
  void AimSlot(SlotArg* slot, GfnArg* gfn) {
    if (random_.Below(8) == 0) return;
    slot->slot = static_cast<uint8_t>(1 + random_.Below(3));
    gfn->index = static_cast<uint8_t>(64 + random_.Below(64));
  }
  // By paging mode, the level of the table; of the root, the mode's own.
  int LevelOf(uint32_t table) const {
    static constexpr int kLevels[TableArg::kCount] = {4, 3, 2, 1, 1, 1, 1, 4,
                                                      1, 1, 1, 1, 2, 3, 4, 1};
    const int top = header_.mode == MmuMode::k32Bit ? 2 : header_.mode == MmuMode::kPae ? 3 : 4;
    return std::min(kLevels[table], top);
  }
  uint8_t TableOf(int level) {
    static constexpr uint8_t kTables[3][4] = {{3, 4, 8, 9}, {2, 2, 12, 12}, {1, 13, 1, 13}};
    return kTables[level - 1][random_.Below(4)];
  }
  // An address that led through that entry when the program began.
  static uint8_t VaOf(uint32_t table, uint32_t entry) {
    switch (table) {
      case 3:
        return static_cast<uint8_t>(entry & 15u);
      case 4:
        return static_cast<uint8_t>(0x10 | (entry & 15u));
      case 8:
      case 9:
        return static_cast<uint8_t>(0x60 | (entry & 15u));
      case 12:
        return static_cast<uint8_t>(0x40 | (entry & 3u) << 4 | (entry >> 2 & 3u));
      case 1:
        return static_cast<uint8_t>((entry & 1u) << 6);
      case 13:
        return static_cast<uint8_t>(0x80 | (entry & 1u) << 6);
      default:
        return static_cast<uint8_t>((entry & 3u) << 4);
    }
  }

  Random& random_;
  const Header& header_;
  uint8_t last_va_ = 0;
  uint8_t last_page_ = 16;
  bool range_open_ = false;
};

// What there would be had every operation so far applied.
class Plan {
 public:
  explicit Plan(Random& random) : random_(random) {}

  // True if there is so little that most operations could not apply.
  bool sparse() const { return by_age_.size() < 4; }

  // Makes the arguments of `op` fit the plan as far as it has something that fits.
  template <typename AnyOp>
  void Aim(AnyOp& op) {
    if constexpr (requires { op.page; }) PickPage(1, kRootLevel, &op.page.id);
  }
  void Aim(ops::AllocPage& op) {
    PickFree(&op.page.id);
    if (op.parent.none()) return;
    if (PickPage(kDirectoryLevel, kRootLevel, &op.parent.id)) {
      op.level.level = static_cast<uint8_t>(levels_[op.parent.id] - 1);
    } else {
      op.parent = {};
    }
  }
  void Aim(ops::Map& op) { PickPage(1, kRmapLevels, &op.page.id); }
  void Aim(ops::MapMany& op) { PickPage(1, kRmapLevels, &op.page.id); }
  void Aim(ops::Link& op) {
    if (!PickPage(kDirectoryLevel, kRootLevel, &op.parent.id)) return;
    const int below = levels_[op.parent.id] - 1;
    PickPage(below, below, &op.page.id);
  }
  void Aim(ops::Unpin& op) { op.page.id = last_pinned_; }
  void Aim(ops::Unsync& op) { PickPage(1, 1, &op.page.id); }
  void Aim(ops::Sync& op) { op.page.id = last_unsync_; }
  void Aim(ops::SyncChildren& op) { PickPage(kDirectoryLevel, kRootLevel, &op.page.id); }
  void Aim(ops::Shrink& op) { op.count.count = static_cast<uint8_t>(1 + op.count.count % 2); }
  void Aim(ops::Unlink& op) { PickSlot(links_, &op.parent.id, &op.index.index); }
  void Aim(ops::Drop& op) { PickSlot(leaves_, &op.page.id, &op.index.index); }
  void Aim(ops::Touch& op) { PickSlot(leaves_, &op.page.id, &op.index.index); }
  void Aim(ops::Recycle& op) { PickSlot(leaves_, &op.page.id, &op.index.index); }
  void Aim(ops::MisuseAddTwice& op) { PickSlot(leaves_, &op.page.id, &op.index.index); }
  void Aim(ops::MisuseWrongGfn& op) { PickSlot(leaves_, &op.page.id, &op.index.index); }

  // Follows an operation.
  template <typename AnyOp>
  void Follow(const AnyOp&) {}
  void Follow(const ops::AllocPage& op) {
    levels_[op.page.id] = op.level.level;
    Forget(op.page.id);
    by_age_.push_back(op.page.id);
    if (!op.parent.none()) links_.push_back({op.parent.id, op.index.index});
  }
  void Follow(const ops::Map& op) { leaves_.push_back({op.page.id, op.index.index}); }
  void Follow(const ops::Link& op) {
    if (op.keep.on) links_.push_back({op.parent.id, op.index.index});
  }
  void Follow(const ops::Pin& op) { last_pinned_ = op.page.id; }
  void Follow(const ops::Unsync& op) { last_unsync_ = op.page.id; }
  void Follow(const ops::Zap& op) { Forget(op.page.id); }
  void Follow(const ops::Shrink& op) {
    for (int i = 0; i < op.count.count && !by_age_.empty(); ++i) Forget(by_age_.front());
  }

 private:
  struct Slot {
    uint8_t page;
    uint16_t index;
  };

  // A page that is not planned; ids are used again and again, so that few slots are busy forever.
  void PickFree(uint8_t* id) {
    for (int tries = 0; tries < 8; ++tries) {
      const auto drawn = static_cast<uint8_t>(random_.Below(12));
      if (std::find(by_age_.begin(), by_age_.end(), drawn) != by_age_.end()) continue;
      *id = drawn;
      return;
    }
  }

  bool PickPage(int min_level, int max_level, uint8_t* id) {
    if (by_age_.empty()) return false;
    const uint32_t start = random_.Below(static_cast<uint32_t>(by_age_.size()));
    for (size_t i = 0; i < by_age_.size(); ++i) {
      const uint8_t page = by_age_[(start + i) % by_age_.size()];
      if (levels_[page] < min_level || levels_[page] > max_level) continue;
      *id = page;
      return true;
    }
    return false;
  }

  void PickSlot(const std::vector<Slot>& slots, uint8_t* page, uint16_t* index) {
    if (slots.empty()) {
      PickPage(1, kRootLevel, page);
      return;
    }
    const Slot& slot = slots[random_.Below(static_cast<uint32_t>(slots.size()))];
    *page = slot.page;
    *index = slot.index;
  }

  void Forget(uint8_t page) {
    const auto of_page = [page](const Slot& slot) { return slot.page == page; };
    by_age_.erase(std::remove(by_age_.begin(), by_age_.end(), page), by_age_.end());
    leaves_.erase(std::remove_if(leaves_.begin(), leaves_.end(), of_page), leaves_.end());
    links_.erase(std::remove_if(links_.begin(), links_.end(), of_page), links_.end());
  }

  Random& random_;
  std::array<int, PageArg::kCount> levels_{};
  std::vector<uint8_t> by_age_;  // planned pages, the oldest first
  std::vector<Slot> leaves_;
  std::vector<Slot> links_;
  uint8_t last_pinned_ = 0;
  uint8_t last_unsync_ = 0;
};

// The weights of a stretch of a program. Each draw leaves some kinds out: what one operation always
// undoes can then grow (swarm testing; Groce and others, 2012).
class Weights {
 public:
  Weights(Random& random, const Header& header) {
    for (size_t kind = 0; kind < kOpKinds; ++kind) {
      const OpInfo& info = OpTable()[kind];
      weights_[kind] = 0;
      if (!FitsHeader(info, header)) continue;
      const bool off = info.group == OpGroup::kMisuse ? !header.misuse : random.Below(4) == 0;
      const bool first = kind == OpcodesOf(header.whole_mmu()).first;
      if (!off || first) weights_[kind] = static_cast<uint32_t>(info.weight);
      total_ += weights_[kind];
    }
  }

  size_t DrawKind(Random& random) const {
    uint32_t ticket = random.Below(total_);
    size_t kind = 0;
    while (ticket >= weights_[kind]) ticket -= weights_[kind++];
    return kind;
  }

 private:
  std::array<uint32_t, kOpKinds> weights_;
  uint32_t total_ = 0;
};

constexpr size_t kStretch = 256;  // operations

template <typename AnyPlan>
void Steer(AnyPlan& plan, bool blind, Op& op) {
  std::visit(
      [&](auto& one) {
        if (!blind) plan.Aim(one);
        plan.Follow(one);
      },
      op);
}

}  // namespace

Program RandomProgram(const Header& header, size_t count, uint64_t seed) {
  Program program{.header = header, .ops = {}};
  program.ops.reserve(count);
  Random random(seed);
  FieldDrawer drawer(random, header);
  Plan plan(random);
  GuestPlan guest(random, header);
  Weights weights(random, header);
  while (program.ops.size() < count) {
    const bool grow = !header.whole_mmu() && plan.sparse() && random.Below(2) == 0;
    Op op = grow ? Op(ops::AllocPage{}) : kDefaultOps[weights.DrawKind(random)];
    ForEachField(op, drawer);
    const bool blind = random.Below(8) == 0;
    if (header.whole_mmu()) {
      op = guest.Due().value_or(op);
      Steer(guest, blind, op);
    } else {
      Steer(plan, blind, op);
    }
    program.ops.push_back(op);
    if (program.ops.size() % kStretch == 0) weights = Weights(random, header);
  }
  return program;
}

}  // namespace rmapdiff

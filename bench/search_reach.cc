// The things that random programs on a whole MMU reach: of each, the share of programs.
//
//   bazel run //bench:search_reach -- tiny_mmu_fuzzer 10000 [FIRST_SEED]
//
// The programs are those of tests/mutants/hunt.cc. One engine runs them, and only outcomes count. A
// program counts once for each thing, and only if the operation was carried out.
#include <fmt/core.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <variant>

#include "fuzzers/program/fields.h"
#include "fuzzers/program/program.h"
#include "fuzzers/program/target_kinds.h"
#include "fuzzers/search/random_program.h"
#include "fuzzers/state/outcome.h"
#include "fuzzers/voices/voice.h"

namespace rmapdiff {
namespace {

constexpr size_t kOps = 128;

enum Thing : size_t {
  kNearWrap,
  kSecondTables,
  kOtherMode,
  kUsedInOtherMode,
  kUsedInTwoModes,
  kPlacedSlot,
  kSlotAtAnEnd,
  kSlotChanged,
  kMappedPlace,
  kTouchedPlace,
  kToldByPage,
  kToldByChangePte,
  kChangedInRange,
  kThings,
};
constexpr std::string_view kNames[] = {
    "counters near their wrap",
    "tables of a second mode",
    "a vcpu is in another paging mode than at first",
    "... and reaches a page by its tables",
    "... while another one does so in the first mode",
    "a slot beside boundaries is made",
    "... at an end of an address space",
    "... and moved, deleted or logged",
    "an entry beside boundaries leads to memory",
    "an address beside boundaries leads to memory",
    "invalidate_page comes with a change",
    "change_pte comes with a change",
    "pages of an open range change",
};
static_assert(std::size(kNames) == kThings);

// One program, followed by its outcomes.
class Reach {
 public:
  explicit Reach(const Header& header) : header_(header) {
    modes_.fill(PagingArg::kOn);
    Set(kNearWrap, header.counters != CountersMode::kZero);
    Set(kSecondTables, header.second != SecondMode::kNone);
  }

  void Follow(const Op& op, const Outcome& outcome) {
    const bool reached = outcome.code == OutcomeCode::kOk || outcome.code == OutcomeCode::kEmulated;
    if (reached) std::visit([&](const auto& one) { Note(one, outcome); }, op);
  }
  const std::array<bool, kThings>& things() const { return things_; }

 private:
  void Set(Thing thing, bool on = true) { things_[thing] = things_[thing] || on; }
  bool InOtherMode(VcpuArg vcpu) const {
    const uint8_t mode = modes_[vcpu.value];
    return mode != PagingArg::kOn && mode != PagingArg::kOff;
  }

  template <typename AnyOp>
  void Note(const AnyOp&, const Outcome&) {}
  void Note(const ops::SetMode& op, const Outcome&) {
    modes_[op.vcpu.value] = op.paging.value;
    const auto word = PagingArg::kWords[op.paging.value];
    if (word == kModeWords[static_cast<size_t>(header_.mode)]) {
      modes_[op.vcpu.value] = PagingArg::kOn;
    }
    Set(kOtherMode, InOtherMode(op.vcpu));
  }
  void Note(const ops::Access& op, const Outcome&) {
    const bool other = InOtherMode(op.vcpu);
    if (header_.tdp()) return;
    Set(kUsedInOtherMode, other);
    used_[other] = true;
    Set(kUsedInTwoModes, used_[0] && used_[1]);
    Set(kMappedPlace, placed_entry_);
    placed_entry_ = false;
  }
  void Note(const ops::SetPlace&, const Outcome&) { placed_entry_ = true; }
  void Note(const ops::TouchPlace&, const Outcome&) { Set(kTouchedPlace); }
  void Note(const ops::PlaceMemslot& op, const Outcome&) {
    Set(kSlotChanged, made_[op.slot.value]);
    made_[op.slot.value] = true;
    Set(kPlacedSlot);
    const auto number = [&](const auto& arg) {
      return uint64_t{ListedNumber(arg.kDomain, header_, arg.value)};
    };
    const uint64_t end = number(op.gfn) + number(op.pages);
    const uint64_t host_end = number(op.hva) + number(op.pages);
    Set(kSlotAtAnEnd, end >> 22 != 0 || host_end >> 22 != 0);
  }
  void Note(const ops::Notify& op, const Outcome&) {
    if (op.change.value == ChangeArg::kStay) return;
    Set(kToldByPage, op.by.value == NotifierArg::kInvalidatePage);
    Set(kToldByChangePte, op.by.value == NotifierArg::kChangePte);
  }
  void Note(const ops::ChangeRange& op, const Outcome& outcome) {
    Set(kChangedInRange, outcome.value != 0 && op.change.value != ChangeArg::kStay);
  }

  const Header& header_;
  std::array<uint8_t, VcpuArg::kMax> modes_;
  std::array<bool, AnySlotArg::kCount> made_{};
  bool used_[2] = {};
  bool placed_entry_ = false;
  std::array<bool, kThings> things_{};
};

int Measure(std::string_view target, uint64_t programs, uint64_t first) {
  const TargetKind* kind = FindTargetKind(target);
  if (kind == nullptr) return 2;
  std::array<uint64_t, kThings> counts{};
  for (uint64_t i = 0; i < programs; ++i) {
    Random random(first + i);
    const Program program = RandomProgram(DrawHeader(*kind, random), kOps, first + i);
    if (!program.header.whole_mmu()) return 2;
    const std::unique_ptr<Voice> voice = AllEngines().front().make(program.header);
    Reach reach(program.header);
    for (const Op& op : program.ops) {
      const Outcome outcome = voice->Apply(op);
      if (outcome.is_bug()) break;
      reach.Follow(op, outcome);
    }
    for (size_t thing = 0; thing < kThings; ++thing) counts[thing] += reach.things()[thing];
  }
  fmt::print("{}: {} programs of {} operations\n", target, programs, kOps);
  for (size_t thing = 0; thing < kThings; ++thing) {
    const double share = 100.0 * static_cast<double>(counts[thing]) / static_cast<double>(programs);
    fmt::print("  {:5.1f} %  {}\n", share, kNames[thing]);
  }
  return 0;
}

}  // namespace
}  // namespace rmapdiff

int main(int argc, char** argv) {
  const uint64_t programs = argc >= 3 ? std::strtoull(argv[2], nullptr, 10) : 0;
  const uint64_t first = argc >= 4 ? std::strtoull(argv[3], nullptr, 10) : 1;
  const int code = programs == 0 ? 2 : rmapdiff::Measure(argv[1], programs, first);
  if (code == 2) fmt::print(stderr, "usage: search_reach TARGET_OF_A_WHOLE_MMU PROGRAMS [FIRST]\n");
  return code;
}

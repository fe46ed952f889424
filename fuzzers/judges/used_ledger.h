// The ledger of the accessed and dirty bits: what a host hears of the use of its frames.
//
// Its caller reports what guests and processors do, and what the host is told. At times it reports
// all leaves of the shadow tables. The ledger answers with a line on the fault, if there is one. It
// trusts raw leaves, the host, and the frames that GuestTruth's own walks lead to. It never takes
// the MMU's word for the reason of a bit.
//
//  1. No accessed bit is lost. A leaf had the bit, and no leaf of that frame and size has it now.
//     Then the host was told, or it has aged the page and heard that it was young.
//  2. No accessed bit comes from nowhere. An access led to a frame of the leaf since the host aged
//     it last. The same holds for a frame that the host is told about.
//  3. No write is lost. Either the host was told that a written frame is dirty, or a leaf still
//     maps it writable. When that leaf goes, kvm_set_pfn_dirty tells the host.
//  4. The host is never told that a frame is dirty which it has read-only.
//
// EPT has no accessed bit. There the host is told that a frame was accessed whenever a leaf goes.
// So every leaf counts as accessed, and rule 2 claims nothing.
//
// Cost: a report takes logarithmic time; Compare is linear in the leaves.
//
// Invariants: a key is the first frame of a leaf, and the leaf's level. Everything that Compare
// finds accessed is both pending and explained afterwards.
//
// Not covered: a bit that is lost while another leaf of the frame has it. The single stores of a
// rep_store. Dirty bits of leaves, which 2.6.36 sets beforehand. Two pages on one shared frame are
// one.
#ifndef RMAPDIFF_FUZZERS_JUDGES_USED_LEDGER_H_
#define RMAPDIFF_FUZZERS_JUDGES_USED_LEDGER_H_

#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mmu/base/types.h"
#include "mmu/shadow/host.h"

namespace rmapdiff {

// A leaf of the shadow tables, as its word says.
struct UsedLeaf {
  Pfn pfn = 0;  // the first frame
  int level = 1;
  bool accessed = false;
  bool writable = false;
};

class UsedLedger {
 public:
  using Wrong = std::optional<std::string>;

  // `has_bit`: whether the format has an accessed bit.
  UsedLedger(const Host& host, unsigned level_bits, bool has_bit)
      : host_(host), level_bits_(level_bits), has_bit_(has_bit) {}

  // ---- What guests and processors do ----
  // An access may have led to the frame; nothing: to any.
  void Reached(std::optional<Pfn> frame);
  // The leaf that the processor has just used.
  void Used(const UsedLeaf& leaf);
  // The processor has written into the frame.
  void Written(Pfn frame) { written_.insert(frame); }

  // ---- What the host does and hears ----
  // In this order, since the last call. `certain`: all accesses that may explain it were reported.
  Wrong Told(std::span<const Pfn> accessed, std::span<const Pfn> dirtied, bool certain);
  // The host has aged the page on this frame, and heard whether it was young.
  void Aged(Pfn frame, bool young);

  // ---- All leaves that there are ----
  Wrong Compare(const std::vector<UsedLeaf>& leaves);

 private:
  using Key = std::pair<Pfn, int>;

  Pfn Span(int level) const { return Pfn{1} << level_bits_ * static_cast<unsigned>(level - 1); }
  Pfn First(Pfn frame, int level) const { return frame / Span(level) * Span(level); }
  bool IsExplained(Pfn first, int level) const;
  Wrong ToldAccessed(Pfn pfn, bool certain);
  Wrong ToldDirty(Pfn pfn);
  Wrong LostWrite(const std::vector<UsedLeaf>& leaves) const;

  const Host& host_;
  const unsigned level_bits_;
  const bool has_bit_;
  std::set<Key> pending_;   // leaves with the accessed bit, and the host has not been told
  std::set<Key> accessed_;  // leaves that had it when Compare looked last
  std::set<Pfn> reached_;   // since then
  bool reached_any_ = false;
  std::set<Pfn> written_;  // and the host has not been told
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_JUDGES_USED_LEDGER_H_

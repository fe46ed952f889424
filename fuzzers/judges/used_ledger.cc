#include "fuzzers/judges/used_ledger.h"

#include "fmt/format.h"

namespace rmapdiff {

namespace {
constexpr int kLevels = 3;  // at which leaves can be
}  // namespace

void UsedLedger::Reached(std::optional<Pfn> frame) {
  if (frame) {
    reached_.insert(*frame);
  } else {
    reached_any_ = true;
  }
}

void UsedLedger::Used(const UsedLeaf& leaf) {
  if (leaf.accessed) pending_.insert({leaf.pfn, leaf.level});
}

bool UsedLedger::IsExplained(Pfn first, int level) const {
  if (!has_bit_ || reached_any_ || accessed_.count({first, level}) != 0) return true;
  const auto found = reached_.lower_bound(first);
  return found != reached_.end() && *found < first + Span(level);
}

UsedLedger::Wrong UsedLedger::Told(std::span<const Pfn> accessed, std::span<const Pfn> dirtied,
                                   bool certain) {
  Wrong wrong;
  for (const Pfn pfn : accessed) {
    Wrong one = ToldAccessed(pfn, certain);
    if (!wrong) wrong = std::move(one);
  }
  for (const Pfn pfn : dirtied) {
    Wrong one = ToldDirty(pfn);
    if (!wrong) wrong = std::move(one);
  }
  return wrong;
}

// Of a large leaf the host is told the first frame.
UsedLedger::Wrong UsedLedger::ToldAccessed(Pfn pfn, bool certain) {
  bool explained = !certain;
  for (int level = 1; level <= kLevels && First(pfn, level) == pfn; ++level) {
    explained |= IsExplained(pfn, level);
    pending_.erase({pfn, level});
  }
  if (explained) return std::nullopt;
  return fmt::format("the host is told that frame {:#x} was accessed, and no access led there",
                     pfn);
}

// A page that becomes read-only, or writable, gets a new frame.
UsedLedger::Wrong UsedLedger::ToldDirty(Pfn pfn) {
  int level = kLevels;
  while (First(pfn, level) != pfn) --level;
  written_.erase(written_.lower_bound(pfn), written_.lower_bound(pfn + Span(level)));
  const std::optional<Hva> page = host_.PageOn(pfn);
  if (!page || host_.Writable(*page)) return std::nullopt;
  return fmt::format("the host is told that frame {:#x} is dirty, which it has read-only", pfn);
}

// Leaves of another page on a shared frame keep their bits. Shared frames are read-only.
void UsedLedger::Aged(Pfn frame, bool young) {
  const std::optional<Hva> page = host_.PageOn(frame);
  const bool shared = page && !host_.Writable(*page);
  if (!shared) reached_.erase(frame);
  for (int level = 1; level <= kLevels; ++level) {
    const Key key{First(frame, level), level};
    if (young) pending_.erase(key);
    if (!shared) accessed_.erase(key);
  }
}

UsedLedger::Wrong UsedLedger::Compare(const std::vector<UsedLeaf>& leaves) {
  std::set<Key> accessed;
  Wrong wrong;
  for (const UsedLeaf& leaf : leaves) {
    if (!leaf.accessed) continue;
    accessed.insert({leaf.pfn, leaf.level});
    if (wrong || IsExplained(leaf.pfn, leaf.level)) continue;
    wrong = fmt::format(
        "a leaf (level {}) says that frame {:#x} was accessed, and no access has led there",
        leaf.level, leaf.pfn);
  }
  for (const Key& key : pending_) {
    if (wrong || accessed.count(key) != 0) continue;
    wrong = fmt::format(
        "frame {:#x} was accessed (level {}), no leaf says so any more, and the host does not know",
        key.first, key.second);
  }
  if (!wrong) wrong = LostWrite(leaves);
  pending_ = accessed;
  accessed_ = std::move(accessed);
  reached_.clear();
  reached_any_ = false;
  return wrong;
}

UsedLedger::Wrong UsedLedger::LostWrite(const std::vector<UsedLeaf>& leaves) const {
  std::set<Pfn> lost = written_;
  for (const UsedLeaf& leaf : leaves) {
    if (!leaf.writable) continue;
    if (lost.empty()) break;
    lost.erase(lost.lower_bound(leaf.pfn), lost.lower_bound(leaf.pfn + Span(leaf.level)));
  }
  if (lost.empty()) return std::nullopt;
  return fmt::format(
      "frame {:#x} was written, nothing maps it writable any more, and the host does not know that "
      "it is dirty",
      *lost.begin());
}

}  // namespace rmapdiff

#include "fuzzers/feedback.h"

#include <algorithm>
#include <bit>

namespace rmapdiff {
namespace {

// FNV-1a on whole words, then a finalizer that lets every bit reach the low ones.
class Hash64 {
 public:
  void Add(uint64_t word) { hash_ = (hash_ ^ word) * 0x100000001b3; }
  uint64_t Get() const {
    const uint64_t mixed = (hash_ ^ hash_ >> 32) * 0xd6e8feb86659fd93;
    return mixed ^ mixed >> 32;
  }

 private:
  uint64_t hash_ = 0xcbf29ce484222325;
};

enum EffectKind : uint64_t { kLength, kPage, kMoved, kNext };

// One effect of operations that ended like this.
uint64_t Effect(uint64_t ending, EffectKind kind, uint64_t what) {
  Hash64 hash;
  hash.Add(ending);
  hash.Add(kind);
  hash.Add(what);
  return hash.Get();
}

uint64_t StateOf(const PageObservation& page) {
  Hash64 hash;
  hash.Add(page.role.level);
  hash.Add(page.zapped ? 1 : 0);
  hash.Add(page.unsync ? 1 : 0);
  hash.Add(page.role.direct ? 1 : 0);
  hash.Add(page.root_count != 0 ? 1 : 0);
  hash.Add(LengthClass(page.parents.size()));
  hash.Add(page.unsync_children.empty() ? 0 : 1);
  return hash.Get();
}

}  // namespace

unsigned LengthClass(size_t length) {
  if (length <= 8) return static_cast<unsigned>(length);
  if (length <= 16) return 9 + static_cast<unsigned>((length - 9) / 2);
  return 13 + static_cast<unsigned>(std::bit_width(length) - 5);
}

void Feedback::Begin() {
  last_ = 0;
  before_.fill(0);
}

void Feedback::Count(uint64_t behaviour) { counters_[behaviour & (counters_.size() - 1)] = 1; }

// Each effect by itself: all of an operation's together are new nearly every time, and a program
// that is kept for every new combination makes a corpus of thousands that shows nothing more.
void Feedback::CountEffects(uint64_t ending, const Observation& observation) {
  for (const RmapObservation& rmap : observation.rmaps) {
    Count(Effect(ending, kLength, LengthClass(rmap.entries.size())));
  }
  for (const PageObservation& page : observation.pages) Count(Effect(ending, kPage, StateOf(page)));
  const Stats& stats = observation.stats;
  const uint64_t counters[] = {stats.cache_miss, stats.zapped, stats.recycled,
                               stats.reloads,    stats.unsync, static_cast<uint64_t>(stats.lpages),
                               stats.live_pages};
  size_t at = 0;
  const auto compare = [&](uint64_t now) {
    if (at >= before_.size()) return;
    if (before_[at] != now) Count(Effect(ending, kMoved, at));
    before_[at++] = now;
  };
  for (const uint64_t counter : counters) compare(counter);
  for (const Fact& fact : observation.facts) compare(fact.value);
}

void Feedback::Saw(const Op& op, const Observation& observation, bool touched) {
  Hash64 hash;
  hash.Add(op.index());
  hash.Add(static_cast<uint64_t>(observation.outcome.code));
  const uint64_t ending = hash.Get();
  if (touched) CountEffects(ending, observation);
  Count(Effect(last_, kNext, ending));
  last_ = ending;
}

}  // namespace rmapdiff

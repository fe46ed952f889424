// GuestTruth: the frames that a dirty log must have.
#include <algorithm>

#include "fmt/format.h"
#include "fuzzers/judges/guest_truth.h"

namespace rmapdiff {

// A write was done by one of the ways.
void GuestTruth::WriteDone() {
  if (!any_logged_ || anything_) return;
  std::vector<Gfn> candidates;
  for (const Way& way : ways_) candidates.push_back(way.gfn);
  Pend(std::move(candidates));
}

// One of these frames was written. It may be one that no slot logs, or one that was fetched in a
// window of the write: then nothing is claimed.
void GuestTruth::Pend(std::vector<Gfn> candidates) {
  if (interleaved_ && last_fetch_ && *last_fetch_ >= interleaved_from_) return;
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  for (const Gfn gfn : candidates) {
    const Slot* slot = SlotOf(gfn);
    if (slot == nullptr || !slot->logged) return;
  }
  if (candidates.empty()) return;
  if (candidates.size() == 1) {
    written_.emplace(candidates.front(), event_);
    return;
  }
  const auto same = [&](const Written& one) { return one.candidates == candidates; };
  if (std::any_of(written_one_of_.begin(), written_one_of_.end(), same)) return;
  if (written_one_of_.size() < kMaxWays) written_one_of_.push_back({std::move(candidates), event_});
}

// Whether one of the candidates is in the slot.
bool GuestTruth::SlotHas(const Slot& slot, const Written& written) const {
  return std::any_of(written.candidates.begin(), written.candidates.end(),
                     [&](Gfn gfn) { return slot.Contains(gfn); });
}

// A log has frames of its slot, each once, in order.
GuestTruth::Wrong GuestTruth::StrangeFrame(const Slot& slot, const std::vector<Gfn>& dirty) {
  for (size_t i = 0; i < dirty.size(); ++i) {
    if (slot.Contains(dirty[i]) && (i == 0 || dirty[i - 1] < dirty[i])) continue;
    return fmt::format("gfn {:#x} is in the dirty log of slot {}, out of place", dirty[i], slot.id);
  }
  return std::nullopt;
}

// A write in a window of the fetch may be in this log or the next one; and what a fetch in a window
// lacks may be in that of a fetch around it.
GuestTruth::Wrong GuestTruth::LogFetched(uint32_t id, const std::vector<Gfn>& dirty) {
  Drain(false);
  const auto found =
      std::find_if(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.id == id; });
  Wrong wrong;
  if (found == slots_.end() || !found->logged) {
    EndEvent();
    return fmt::format("the dirty log of slot {} was fetched, which has none", id);
  }
  const Slot& slot = *found;
  const bool alone = outer_.empty() && !interleaved_;
  if (alone && last_fetched_ == id && event_ == *last_fetch_ + 1 + quiet_events_ &&
      !dirty.empty()) {
    wrong = fmt::format("gfn {:#x} is in the dirty log of slot {}, and nothing could write since",
                        dirty.front(), id);
  }
  if (!wrong) wrong = StrangeFrame(slot, dirty);
  last_fetch_ = event_;
  quiet_events_ = 0;
  last_fetched_ = alone ? std::optional(id) : std::nullopt;
  const auto logged = [&](Gfn gfn) { return std::binary_search(dirty.begin(), dirty.end(), gfn); };
  const auto late = [&](uint64_t event) {
    return !outer_.empty() || (interleaved_ && event >= interleaved_from_);
  };
  std::optional<Gfn> missing;
  std::erase_if(written_, [&](const auto& one) {
    if (!slot.Contains(one.first)) return false;
    if (logged(one.first)) return true;
    if (late(one.second)) return false;
    if (!missing || one.first < *missing) missing = one.first;
    return true;
  });
  std::erase_if(written_one_of_, [&](const Written& one) {
    if (!SlotHas(slot, one)) return false;
    if (std::any_of(one.candidates.begin(), one.candidates.end(), logged)) return true;
    if (late(one.event)) return false;
    const bool all_here = std::all_of(one.candidates.begin(), one.candidates.end(),
                                      [&](Gfn gfn) { return slot.Contains(gfn); });
    if (all_here && !missing) missing = one.candidates.front();
    return true;
  });
  if (missing) {
    wrong = fmt::format("gfn {:#x} of slot {} was written, and its dirty log does not have it",
                        *missing, id);
  }
  EndEvent();
  return wrong;
}

// KVM_GET_DIRTY_LOG with manual protection. Between two of them, with nothing else but clears, the
// log changes by what was cleared.
GuestTruth::Wrong GuestTruth::LogShown(uint32_t id, const std::vector<Gfn>& dirty) {
  const bool alone = outer_.empty() && !interleaved_;
  const bool known = alone && shown_ && shown_->id == id && shown_->event + 1 == event_;
  Wrong wrong;
  if (known && shown_->dirty != dirty) {
    wrong = fmt::format(
        "the dirty log of slot {} has {} frames now instead of {}, and nothing "
        "happened to the others",
        id, dirty.size(), shown_->dirty.size());
  }
  const auto written = written_;
  const auto written_one_of = written_one_of_;
  const auto last_fetch = last_fetch_;
  const bool quiet = last_fetch && event_ == *last_fetch + 1 + quiet_events_;
  const uint64_t quiet_events = quiet_events_ + (quiet ? 1 : 0);
  const auto last_fetched = last_fetched_;
  shown_ = alone ? std::optional(Shown{id, event_, dirty}) : std::nullopt;
  const Wrong missing = LogFetched(id, dirty);
  if (!wrong) wrong = missing;
  written_ = written;
  written_one_of_ = written_one_of;
  last_fetch_ = last_fetch;
  last_fetched_ = last_fetched;
  quiet_events_ = quiet_events;
  return wrong;
}

// A write that is going on may have been before or after: nothing is claimed of it.
void GuestTruth::LogCleared(uint32_t id, const std::vector<Gfn>& frames) {
  Drain(false);
  const auto found =
      std::find_if(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.id == id; });
  if (found == slots_.end() || frames.empty()) return EndEvent();
  const auto cleared = [&](Gfn gfn) {
    return found->Contains(gfn) &&
           std::binary_search(frames.begin(), frames.end(), gfn - found->base);
  };
  std::erase_if(written_, [&](const auto& one) { return cleared(one.first); });
  std::erase_if(written_one_of_, [&](const Written& one) {
    return std::any_of(one.candidates.begin(), one.candidates.end(), cleared);
  });
  const bool alone = outer_.empty() && !interleaved_;
  if (alone && shown_ && shown_->id == id && shown_->event + 1 == event_) {
    std::erase_if(shown_->dirty, cleared);
    shown_->event = event_;
  }
  last_fetch_ = event_;
  last_fetched_ = std::nullopt;
  quiet_events_ = 0;
  EndEvent();
}

}  // namespace rmapdiff

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

bool GuestTruth::NothingSinceFetch() const {
  return last_fetch_ && event_ == *last_fetch_ + 1 + quiet_events_;
}

// A write in a window of the fetch may be in this log or the next one; and what a fetch in a window
// lacks may be in that of a fetch around it.
bool GuestTruth::MayBeLater(uint64_t event) const {
  return !outer_.empty() || (interleaved_ && event >= interleaved_from_);
}

// A frame of the slot that was written, and is not in its log.
std::optional<Gfn> GuestTruth::MissingFrame(const Slot& slot, const std::vector<Gfn>& dirty) const {
  const auto logged = [&](Gfn gfn) { return std::binary_search(dirty.begin(), dirty.end(), gfn); };
  const auto here = [&](Gfn gfn) { return slot.Contains(gfn); };
  std::optional<Gfn> missing;
  for (const auto& [gfn, event] : written_) {
    if (!here(gfn) || logged(gfn) || MayBeLater(event)) continue;
    if (!missing || gfn < *missing) missing = gfn;
  }
  if (missing) return missing;
  for (const Written& one : written_one_of_) {
    const std::vector<Gfn>& gfns = one.candidates;
    const bool may_be_logged = std::any_of(gfns.begin(), gfns.end(), logged);
    if (may_be_logged || MayBeLater(one.event)) continue;
    if (std::all_of(gfns.begin(), gfns.end(), here)) return gfns.front();
  }
  return std::nullopt;
}

GuestTruth::Wrong GuestTruth::WrongLog(uint32_t id, const std::vector<Gfn>& dirty) const {
  const Slot* slot = SlotWithId(id);
  if (slot == nullptr || !slot->logged) {
    return fmt::format("the dirty log of slot {} was fetched, which has none", id);
  }
  if (const std::optional<Gfn> missing = MissingFrame(*slot, dirty)) {
    return fmt::format("gfn {:#x} of slot {} was written, and its dirty log does not have it",
                       *missing, id);
  }
  const bool alone = outer_.empty() && !interleaved_;
  if (alone && last_fetched_ == id && NothingSinceFetch() && !dirty.empty()) {
    return fmt::format("gfn {:#x} is in the dirty log of slot {}, and nothing could write since",
                       dirty.front(), id);
  }
  return StrangeFrame(*slot, dirty);
}

GuestTruth::Wrong GuestTruth::LogFetched(uint32_t id, const std::vector<Gfn>& dirty) {
  Drain(false);
  Wrong wrong = WrongLog(id, dirty);
  const Slot* slot = SlotWithId(id);
  if (slot == nullptr || !slot->logged) {
    EndEvent();
    return wrong;
  }
  const bool alone = outer_.empty() && !interleaved_;
  last_fetch_ = event_;
  quiet_events_ = 0;
  last_fetched_ = alone ? std::optional(id) : std::nullopt;
  const auto logged = [&](Gfn gfn) { return std::binary_search(dirty.begin(), dirty.end(), gfn); };
  std::erase_if(written_, [&](const auto& one) {
    return slot->Contains(one.first) && (logged(one.first) || !MayBeLater(one.second));
  });
  std::erase_if(written_one_of_, [&](const Written& one) {
    return SlotHas(*slot, one) &&
           (std::any_of(one.candidates.begin(), one.candidates.end(), logged) ||
            !MayBeLater(one.event));
  });
  EndEvent();
  return wrong;
}

// KVM_GET_DIRTY_LOG with manual protection. Between two of them, with nothing else but clears, the
// log changes by what was cleared.
GuestTruth::Wrong GuestTruth::LogShown(uint32_t id, const std::vector<Gfn>& dirty) {
  Drain(false);
  const bool alone = outer_.empty() && !interleaved_;
  const bool known = alone && shown_ && shown_->id == id && shown_->event + 1 == event_;
  Wrong wrong;
  if (known && shown_->dirty != dirty) {
    wrong = fmt::format(
        "the dirty log of slot {} has {} frames now instead of {}, and nothing "
        "happened to the others",
        id, dirty.size(), shown_->dirty.size());
  } else {
    wrong = WrongLog(id, dirty);
  }
  if (NothingSinceFetch()) ++quiet_events_;
  shown_ = alone ? std::optional(Shown{id, event_, dirty}) : std::nullopt;
  EndEvent();
  return wrong;
}

// A write that is going on may have been before or after: nothing is claimed of it.
void GuestTruth::LogCleared(uint32_t id, const std::vector<Gfn>& frames) {
  Drain(false);
  const Slot* slot = SlotWithId(id);
  if (slot == nullptr || frames.empty()) return EndEvent();
  const auto cleared = [&](Gfn gfn) {
    return slot->Contains(gfn) &&
           std::binary_search(frames.begin(), frames.end(), gfn - slot->base);
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

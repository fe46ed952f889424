#include "fuzzers/judges/guest_slots.h"

#include <algorithm>
#include <limits>

#include "fmt/format.h"

namespace rmapdiff {

const GuestSlots::Slot* GuestSlots::Of(uint32_t id) const {
  const auto found =
      std::find_if(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.id == id; });
  return found == slots_.end() ? nullptr : &*found;
}

const GuestSlots::Slot* GuestSlots::With(Gfn gfn) const {
  const auto found = std::find_if(slots_.begin(), slots_.end(),
                                  [&](const Slot& slot) { return slot.Contains(gfn); });
  return found == slots_.end() ? nullptr : &*found;
}

const char* GuestSlots::Refusal(const Slot& request) const {
  if (request.id >= kSlots) return "there is no such id";
  if (request.npages > std::numeric_limits<Gfn>::max() - request.base) {
    return "its frames do not exist";
  }
  constexpr uint64_t kHostPages = uint64_t{1} << Host::kHvaBits;
  if (request.npages >= kHostPages || request.hva + uint64_t{request.npages} >= kHostPages) {
    return "its host pages do not exist";
  }
  const Slot* old = Of(request.id);
  if (request.npages == 0) return old == nullptr ? "there is no such slot" : nullptr;
  const auto overlaps = [&](const Slot& slot) {
    if (slot.id == request.id) return false;
    return slot.Contains(request.base) || request.Contains(slot.base);
  };
  if (std::any_of(slots_.begin(), slots_.end(), overlaps)) return "another slot has its frames";
  if (old == nullptr) return nullptr;
  if (old->npages != request.npages) return "a slot keeps its size";
  if (old->hva != request.hva) return "a slot keeps its host pages";
  if (old->read_only != request.read_only) return "a slot stays read-only or writable";
  return nullptr;
}

GuestSlots::Wrong GuestSlots::Answered(const Slot& request, bool done) {
  const char* refusal = Refusal(request);
  const auto describe = [&] {
    return fmt::format("memslot {}: {:#x} frames from gfn {:#x}, host page {:#x}, {}", request.id,
                       request.npages, request.base, request.hva,
                       request.logged ? "logged" : "not logged") +
           (request.read_only ? ", read-only" : "");
  };
  if (refusal != nullptr) {
    if (!done) return std::nullopt;
    return fmt::format("{}: the request was done, and had to be refused: {}", describe(), refusal);
  }
  std::erase_if(slots_, [&](const Slot& slot) { return slot.id == request.id; });
  if (request.npages != 0) slots_.push_back(request);
  if (done) return std::nullopt;
  return describe() + ": the request was refused, and had to be done";
}

GuestSlots::Wrong GuestSlots::FetchAnswered(uint32_t id, bool done) const {
  const Slot* slot = Of(id);
  const bool logged = slot != nullptr && slot->logged;
  if (done == logged) return std::nullopt;
  const char* state = slot == nullptr ? "does not exist" : logged ? "is logged" : "is not logged";
  return fmt::format("the dirty log of slot {} was {}, and the slot {}", id,
                     done ? "fetched" : "refused", state);
}

// KVM_CLEAR_DIRTY_LOG of Linux 5.1: the range begins at a word of the bitmap, and ends at one or
// with the slot.
GuestSlots::Wrong GuestSlots::ClearAnswered(uint32_t id, Gfn first, Gfn npages, Gfn word,
                                            bool done) const {
  const Slot* slot = Of(id);
  const char* refusal = nullptr;
  if (slot == nullptr || !slot->logged) {
    refusal = "it has no log";
  } else if (uint64_t{first} + npages > slot->npages) {
    refusal = "it does not have those frames";
  } else if (first % word != 0 || (npages % word != 0 && first + npages != slot->npages)) {
    refusal = "the range does not consist of words";
  }
  if (done == (refusal == nullptr)) return std::nullopt;
  return fmt::format("a clear of {:#x} frames from frame {:#x} of slot {}'s dirty log was {}, {}",
                     npages, first, id, done ? "done" : "refused",
                     done ? refusal : "and had to be done");
}

GuestSlots::Wrong GuestSlots::QuotaFollowed(int permille, int least, int allocated) const {
  uint64_t frames = 0;
  for (const Slot& slot : slots_) frames += slot.npages;
  const uint64_t due = std::max<uint64_t>(frames * static_cast<uint64_t>(permille) / 1000,
                                          static_cast<uint64_t>(least));
  if (static_cast<uint64_t>(allocated) == due) return std::nullopt;
  return fmt::format("the quota is {} pages instead of {}, for {:#x} frames in the memslots",
                     allocated, due, frames);
}

}  // namespace rmapdiff

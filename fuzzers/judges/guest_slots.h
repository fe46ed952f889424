// The memslots of a guest, by the requests of userspace alone, and the answer to each request.
//
// The record follows __kvm_set_memory_region of Linux 2.6.36. A request is refused if
//   - its id is not one of a memory slot, its frames or host pages do not exist, or
//   - it deletes a slot that does not exist, or
//   - one of its frames belongs to another slot, or
//   - it gives a slot that exists another size or another place in the host, or
//   - it makes a slot that exists read-only, or writable (Linux 3.9).
// All other requests are done. The record never asks an MMU what became of a request.
//
// Invariants: no two slots have a frame in common; each slot has at least one frame.
// Not covered: the contents of dirty logs (guest_dirty_log.cc).
#ifndef RMAPDIFF_FUZZERS_JUDGES_GUEST_SLOTS_H_
#define RMAPDIFF_FUZZERS_JUDGES_GUEST_SLOTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mmu/base/types.h"
#include "mmu/shadow/host.h"

namespace rmapdiff {

class GuestSlots {
 public:
  using Wrong = std::optional<std::string>;

  static constexpr uint32_t kSlots = 32;

  // A slot, or the request for one; npages 0: the slot shall go.
  struct Slot {
    uint32_t id = 0;
    Gfn base = 0;
    Gfn npages = 0;
    Hva hva = 0;
    bool logged = false;
    bool read_only = false;

    bool Contains(Gfn gfn) const { return gfn >= base && gfn - base < npages; }
    // The host page behind a frame. REQUIRES: the slot contains it.
    Hva PageOf(Gfn gfn) const { return hva + static_cast<Hva>(gfn - base); }
  };

  // Null if there is none.
  const Slot* Of(uint32_t id) const;
  const Slot* With(Gfn gfn) const;
  const std::vector<Slot>& all() const { return slots_; }  // in the order of their creation

  // A request was done, or refused: keeps the record, and says what is wrong with the answer. After
  // a wrong answer the record is as the request demands.
  Wrong Answered(const Slot& request, bool done);
  // The dirty log of a slot was fetched, or the fetch was refused.
  Wrong FetchAnswered(uint32_t id, bool done) const;
  // A request to clear frames [first, first + npages) of a slot's dirty log was done, or refused.
  // `word` is the granularity of ranges.
  Wrong ClearAnswered(uint32_t id, Gfn first, Gfn npages, Gfn word, bool done) const;

  // After a request that was done. Until userspace sets the quota, it follows the frames. It is
  // `permille` shadow pages for a thousand of them, and at least `least`.
  Wrong QuotaFollowed(int permille, int least, int allocated) const;

  // Why the request must be refused; null: it must be done.
  const char* Refusal(const Slot& request) const;

 private:
  std::vector<Slot> slots_;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_JUDGES_GUEST_SLOTS_H_

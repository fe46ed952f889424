// The result of an operation, as a value: every voice returns one, and they must agree.
//
// The voices also execute an operation that does not apply. Each finds out on its own state why it
// does not apply, and says so.
#ifndef RMAPDIFF_FUZZERS_STATE_OUTCOME_H_
#define RMAPDIFF_FUZZERS_STATE_OUTCOME_H_

#include <cstdint>
#include <string_view>

#include "mmu/base/bug.h"

namespace rmapdiff {

enum class OutcomeCode : uint8_t {
  kOk,
  kPageExists,     // the page id is taken
  kNoSuchPage,     // no live page has the id
  kPageZapped,     // the page is on the list of zapped pages, or an invalid root where none may be
  kWrongLevel,     // the page's level or kind does not allow it
  kNoSlot,         // no memslot covers the gfn
  kSlotBusy,       // the spte slot is in use
  kNotPresent,     // the spte slot holds no leaf (or, for unlink, no link)
  kNotUnsync,      // the page is in sync
  kAlreadyUnsync,  // the page is unsync
  kNotPinned,      // root_count is zero
  kPinLimit,       // root_count is at its limit
  kNoMemory,       // topping up the caches failed; nothing was changed
  kMisuseOff,      // a misuse operation in a program whose header does not allow it
  kBug,            // the MMU raised BUG(); the program ends here

  // Of a whole MMU, see MmuCode (mmu/shadow/shadow_mmu.h).
  kEmulated,           // the emulator has done it
  kGuestFault,         // the guest gets a #PF
  kGeneralProtection,  // the guest gets a #GP
  kTripleFault,        // the guest is shut down
  kMmio,               // no memslot there
  kHostFault,          // the host page is not mapped
  kInvalid,            // the request makes no sense
  kRetryExhausted,     // the guest faults again and again
  kStaleFrame,         // the hardware reached a frame that is gone: never legal
  kPending,            // a race is being prepared: the operation will happen with the next one
  kWrongProgram,       // the operation is of another kind of program
};

// The stable name: "ok", "no_such_page" ...
std::string_view OutcomeName(OutcomeCode code);

struct Outcome {
  OutcomeCode code = OutcomeCode::kOk;
  BugClass bug = BugClass::kNone;  // set iff code is kBug
  uint64_t value = 0;              // the operation's result, see ops.h
  bool of_access = false;          // value is exits | error code << 8 | word << 32, see mmu_ops.h

  bool is_bug() const { return code == OutcomeCode::kBug; }

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

}  // namespace rmapdiff

#endif  // RMAPDIFF_FUZZERS_STATE_OUTCOME_H_

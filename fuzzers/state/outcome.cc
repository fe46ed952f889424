#include "fuzzers/state/outcome.h"

namespace rmapdiff {

std::string_view OutcomeName(OutcomeCode code) {
  switch (code) {
    case OutcomeCode::kOk:
      return "ok";
    case OutcomeCode::kPageExists:
      return "page_exists";
    case OutcomeCode::kNoSuchPage:
      return "no_such_page";
    case OutcomeCode::kPageZapped:
      return "page_zapped";
    case OutcomeCode::kWrongLevel:
      return "wrong_level";
    case OutcomeCode::kNoSlot:
      return "no_slot";
    case OutcomeCode::kSlotBusy:
      return "slot_busy";
    case OutcomeCode::kNotPresent:
      return "not_present";
    case OutcomeCode::kNotUnsync:
      return "not_unsync";
    case OutcomeCode::kAlreadyUnsync:
      return "already_unsync";
    case OutcomeCode::kNotPinned:
      return "not_pinned";
    case OutcomeCode::kPinLimit:
      return "pin_limit";
    case OutcomeCode::kNoMemory:
      return "no_memory";
    case OutcomeCode::kMisuseOff:
      return "misuse_off";
    case OutcomeCode::kBug:
      return "bug";
    case OutcomeCode::kEmulated:
      return "emulated";
    case OutcomeCode::kGuestFault:
      return "guest_fault";
    case OutcomeCode::kGeneralProtection:
      return "general_protection";
    case OutcomeCode::kTripleFault:
      return "triple_fault";
    case OutcomeCode::kMmio:
      return "mmio";
    case OutcomeCode::kHostFault:
      return "host_fault";
    case OutcomeCode::kInvalid:
      return "invalid";
    case OutcomeCode::kRetryExhausted:
      return "retry_exhausted";
    case OutcomeCode::kStaleFrame:
      return "stale_frame";
    case OutcomeCode::kPending:
      return "pending";
    case OutcomeCode::kWrongProgram:
      return "wrong_program";
  }
  return "?";
}

}  // namespace rmapdiff

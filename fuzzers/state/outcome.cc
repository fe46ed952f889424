#include "fuzzers/state/outcome.h"

#include <iterator>

namespace rmapdiff {

std::string_view OutcomeName(OutcomeCode code) {
  // In the order of OutcomeCode.
  static constexpr std::string_view kNames[] = {
      "ok",           "page_exists", "no_such_page",       "page_zapped",  "wrong_level",
      "no_slot",      "slot_busy",   "not_present",        "not_unsync",   "already_unsync",
      "not_pinned",   "pin_limit",   "no_memory",          "misuse_off",   "bug",
      "emulated",     "guest_fault", "general_protection", "triple_fault", "mmio",
      "host_fault",   "invalid",     "retry_exhausted",    "stale_frame",  "pending",
      "wrong_program"};
  static_assert(std::size(kNames) == static_cast<size_t>(OutcomeCode::kWrongProgram) + 1);
  const auto place = static_cast<size_t>(code);
  return place < std::size(kNames) ? kNames[place] : "?";
}

}  // namespace rmapdiff

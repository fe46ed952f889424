// A fault on demand, in every instrumented program. It shows that the program's sanitizers end it,
// with the settings and the environment of the real runs.
//
// RMAPDIFF_SELF_TEST=address reads memory that was freed, =undefined overflows an int. If the
// sanitizers do not end the program, it says so and ends with 0. The fault happens before main, so
// it does not depend on the program or on its arguments.

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

// `volatile`, or an optimiser would see through it.
void UseAfterFree() {
  int* volatile memory = new int(1);
  delete memory;
  volatile int seen = *memory;
  static_cast<void>(seen);
}

void Overflow() {
  volatile int most = INT_MAX;
  volatile int more = most + 1;
  static_cast<void>(more);
}

__attribute__((constructor)) void SelfTest() {
  const char* kind = std::getenv("RMAPDIFF_SELF_TEST");
  if (kind == nullptr || *kind == '\0') return;
  if (std::strcmp(kind, "address") == 0) {
    UseAfterFree();
  } else if (std::strcmp(kind, "undefined") == 0) {
    Overflow();
  } else {
    std::fprintf(stderr, "RMAPDIFF_SELF_TEST: '%s', expected address or undefined\n", kind);
    std::_Exit(2);
  }
  std::fprintf(stderr, "RMAPDIFF_SELF_TEST: %s has ended nothing\n", kind);
  std::_Exit(0);
}

}  // namespace

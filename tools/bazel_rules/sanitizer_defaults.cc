// Defaults of the sanitizers' runtimes, linked into every instrumented program.
//
// An environment variable would be lost as soon as someone runs the program by hand, so the program
// brings its own defaults; ASAN_OPTIONS and UBSAN_OPTIONS still override them one by one.
//
// Two of them are for speed: a fuzz target runs a seventh more operations when it does not keep 30
// frames of each allocation, and half as many again when frames that have returned are not watched.
// Tests do both (.bazelrc).
//
// The runtimes look for a program named exactly `llvm-symbolizer`, but Debian's name ends in the
// version. A path that does not exist would switch symbols off, hence the look before it is named.

#include <unistd.h>

#define RMAPDIFF_COMMON "print_stacktrace=1:halt_on_error=1:dedup_token_length=3"
#define RMAPDIFF_ASAN                                                                    \
  ":detect_stack_use_after_return=0:strict_string_checks=1:check_initialization_order=1" \
  ":malloc_context_size=6:print_legend=0"
#define RMAPDIFF_SYMBOLIZER "/usr/bin/llvm-symbolizer-19"

namespace {

bool HaveSymbolizer() { return access(RMAPDIFF_SYMBOLIZER, X_OK) == 0; }

}  // namespace

// The runtimes call these before anything else runs: no allocation and no instrumentation here.
extern "C" {

__attribute__((no_sanitize("address", "undefined"), visibility("default"))) const char*
__asan_default_options() {
  return HaveSymbolizer() ? RMAPDIFF_COMMON RMAPDIFF_ASAN
             ":external_symbolizer_path=" RMAPDIFF_SYMBOLIZER
                          : RMAPDIFF_COMMON RMAPDIFF_ASAN;
}

__attribute__((no_sanitize("address", "undefined"), visibility("default"))) const char*
__ubsan_default_options() {
  return HaveSymbolizer() ? RMAPDIFF_COMMON ":external_symbolizer_path=" RMAPDIFF_SYMBOLIZER
                          : RMAPDIFF_COMMON;
}

}  // extern "C"

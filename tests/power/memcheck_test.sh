#!/usr/bin/env bash
# Seeds and regressions under valgrind's memcheck. Unlike ASan, it sees values that depend on memory
# that was never written. It must find such a value in the canary.
#
# Usage: memcheck_test.sh REPLAY CANARY SEED...

set -euo pipefail

readonly replay="$1" canary="$2"
readonly seeds=("${@:3}")
readonly found=42

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# memcheck OUTPUT PROGRAM ARGUMENT...: its exit code is $found if valgrind has found something.
memcheck() {
  local status=0
  valgrind --quiet --error-exitcode="${found}" --leak-check=full --errors-for-leak-kinds=definite \
    "${@:2}" >"$1" 2>&1 || status=$?
  return "${status}"
}

command -v valgrind >/dev/null || fail "there is no valgrind: tools/setup --for=engines"
scratch="${TEST_TMPDIR:-$(mktemp -d)}"
output="${scratch}/output"
: >"${scratch}/harmless"
echo harmful >"${scratch}/harmful"

memcheck "${output}" "${canary}" "${scratch}/harmless" || fail "harmless: $(<"${output}")"
status=0
memcheck "${output}" "${canary}" "${scratch}/harmful" || status=$?
[[ "${status}" -eq "${found}" ]] || fail "memcheck does not see the canary: $(<"${output}")"
grep -q 'depends on uninitialised value' "${output}" || fail "another finding: $(<"${output}")"
grep -q 'uninitialised_canary.cc:11' "${output}" || fail "without its line: $(<"${output}")"

memcheck "${output}" "${replay}" "${seeds[@]}" || fail "exit code $?: $(tail -n 60 "${output}")"
total="replayed ${#seeds[@]} of ${#seeds[@]} files: "
grep "^${total}[1-9]" "${output}" || fail "not all were replayed: $(tail -n 3 "${output}")"

#!/usr/bin/env bash
# Replay without a fuzzing engine: its output and its exit codes.
#
# Usage: replay_engine_test.sh REPLAY FAULTY_REPLAY

set -euo pipefail

replay="${PWD}/$1"
faulty="${PWD}/$2"
cd "${TEST_TMPDIR:-$(mktemp -d)}"
rm -rf in
mkdir -p in/deep in/none

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# expect EXIT_CODE OUTPUT COMMAND...: any time in the output counts as the same.
expect() {
  local code=0 output
  output="$("${@:3}" 2>&1 | sed 's/ in [0-9]* ms$/ in N ms/'; exit "${PIPESTATUS[0]}")" || code=$?
  [[ "${code}" == "$1" ]] || fail "exit code ${code}, not $1, of: ${*:3}"$'\n'"${output}"
  [[ "${output}" == "$2" ]] || fail "output of: ${*:3}"$'\n'"${output}"
}

printf 'program version=2 limits=tiny\nzap page=5\n' >in/deep/zap.ops
printf '\1\1\0\0\0\0\0\0\25\5\0\0\0\0\0\0' >in/bytes
printf 'program version=2 limits=tiny mode=pae quirk=drop_absent_spte\n' >in/for_no_target.ops
printf 'program version=2\nzap\n' >lacks.ops
{
  echo 'program version=2 limits=tiny'
  for page in 3 5; do
    echo "alloc_page page=${page} level=1 direct=no gfn=0x${page} parent=none index=0"
  done
  echo 'map page=5 index=0 gfn=0x12 write=yes speculative=no'
  echo 'map page=3 index=1 gfn=0x12 write=yes speculative=no'
  echo 'drop page=3 index=1 notrap=no'
} >lost.ops

# Files and folders, in the order of their names; text and bytes; flags of libFuzzer are ignored.
engines='ENGINES: legacy=legacy_mmu/descriptor_map.h sibling=mmu/sibling_map.h'
expect 0 "Running: in/bytes
${engines}
Executed in/bytes in N ms
Running: in/deep/zap.ops
Executed in/deep/zap.ops in N ms
Running: in/for_no_target.ops
Executed in/for_no_target.ops in N ms
Running: lost.ops
Executed lost.ops in N ms
replayed 4 of 4 files: 3 passed, 1 for other targets, 0 failed" \
  "${replay}" -max_len=64 -- in lost.ops

# The same on faulty MMUs: it ends at the first finding, and names the file.
code=0
"${faulty}" lost.ops in/bytes >output 2>&1 || code=$?
[[ "${code}" == 1 ]] || fail "exit code ${code} of a finding: $(<output)"
grep -q '^DIVERGENCE at op ' output || fail "no report: $(<output)"
[[ "$(tail -n 2 output)" == 'FAILED: lost.ops
replayed 1 of 2 files: 0 passed, 1 failed' ]] || fail "no total: $(<output)"

# Bad input is reported, and hides nothing.
expect 2 "usage: ${replay} FILE|FOLDER..." "${replay}"
expect 2 '--unknown: unknown option, expected files and folders' "${replay}" --unknown
expect 2 "lacks.ops:2:4: zap lacks 'page', expected a page id from 0 to 31
none: cannot be read, expected a file that holds a program
Running: in/bytes
${engines}
Executed in/bytes in N ms
replayed 1 of 3 files: 1 passed, 0 for other targets, 0 failed" \
  "${replay}" lacks.ops none in/bytes
expect 2 'in/none: holds no file, expected one at least' "${replay}" in/none
expect 2 "Running: in/for_no_target.ops
${engines}
Executed in/for_no_target.ops in N ms
replayed 1 of 1 files: 0 passed, 1 for other targets, 0 failed
no file is for this target, expected one at least" "${replay}" in/for_no_target.ops

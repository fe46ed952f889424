#!/usr/bin/env bash
# The output of //fuzzers:assemble, and its messages about bad seeds.
set -euo pipefail

assemble="$PWD/$1"
cd "${TEST_TMPDIR:-$(mktemp -d)}"
rm -rf in out
mkdir -p in/deep

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# expect EXIT_CODE STDERR ARGUMENT...
expect() {
  local code=0 stderr
  stderr="$("$assemble" "${@:3}" 2>&1)" || code=$?
  [[ $code == "$1" ]] || fail "exit code $code, not $1, of: assemble ${*:3}"
  [[ $stderr == "$2" ]] || fail "stderr of: assemble ${*:3}"$'\n'"$stderr"
}

printf 'program version=2 limits=tiny\nzap page=5\n' > in/deep/zap.ops
printf '\0any\nthing' > in/raw.txt
printf 'program version=2\nzap\n' > in/lacks.ops
printf 'zap\n' > in/headless.ops
cp in/deep/zap.ops in/deep-zap.ops

expect 2 'usage: assemble OUTDIR FILE...'

# An .ops file becomes bytes, and another file is copied. A file may be named twice.
expect 0 '' out/dir in/deep/zap.ops in/raw.txt in/raw.txt
names="$(find out/dir -type f -printf '%f\n' | sort | tr '\n' ' ')"
[[ "${names}" == 'in-deep-zap.ops.bin in-raw.txt ' ]] || fail "names"
printf '\2\1\0\0\0\35\0\0\25\5\0\0\0\0\0\0' | cmp - out/dir/in-deep-zap.ops.bin || fail "bytes"
cmp in/raw.txt out/dir/in-raw.txt || fail "copy"

# A text under another name is a program, or an error. Only program_fuzzer takes it as it is.
mkdir -p in/program_fuzzer
cp in/deep/zap.ops in/zap.txt
printf 'some words\n' | tee in/README.md in/program_fuzzer/words.txt > "in/crash-1"
printf '\357\273\277program version=2 limits=tiny\nzap page=5\n' > in/marked.ops
expect 0 '' out/texts in/zap.txt in/program_fuzzer/words.txt in/crash-1 in/marked.ops
for name in in-zap.txt.bin in-marked.ops.bin; do
  cmp out/dir/in-deep-zap.ops.bin "out/texts/${name}" || fail "${name}"
done
cmp in/README.md out/texts/in-program_fuzzer-words.txt || fail "words.txt"
cmp in/README.md out/texts/in-crash-1 || fail "crash-1"
expect 2 "in/README.md:1:1: the program begins with 'some', expected 'program version=2'" \
  out/bad in/README.md

# Every bad file is reported, and nothing is written.
expect 2 "in/lacks.ops:2:4: zap lacks 'page', expected a page id from 0 to 31
in/headless.ops:1:1: the program begins with 'zap', expected 'program version=2'" \
  out/bad in/lacks.ops in/raw.txt in/headless.ops
[[ ! -e out/bad ]] || fail "something was written"

taken='becomes in-deep-zap.ops.bin as in/deep/zap.ops does'
expect 2 "in/deep-zap.ops:1:1: $taken, expected another name" \
  out/bad in/deep/zap.ops in/deep-zap.ops
expect 3 'in/none.ops: cannot be read' out/bad in/none.ops
expect 3 'in: cannot be read' out/bad in
expect 3 'in/raw.txt/out: cannot be made a directory' in/raw.txt/out in/raw.txt

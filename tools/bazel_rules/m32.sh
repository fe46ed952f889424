#!/usr/bin/env bash
# Runs 32-bit programs: by the kernel where it starts them, else by qemu-i386 (Debian's qemu-user).
#
#   NAME ARGUMENT...                  a copy of this script beside the program NAME.elf: runs it
#   m32.sh --how                      prints "kernel", "qemu" or "none": how they run here
#   m32.sh --need                     nothing, or why they do not run here
#   m32.sh --test COMMAND ARGUMENT... runs a test of them, or skips it if they do not run at all
#
# $RMAPDIFF_M32, set to one of the three words, stands for the look at the machine: "qemu" on a
# kernel that would start them, or "none" to see what is skipped then. "kernel" and "qemu" skip
# nothing: where that way does not work, the test fails.
#
# AddressSanitizer works under qemu-i386, but LeakSanitizer stops its own process from a thread that
# qemu-i386 cannot imitate, and waits for ever. So leaks are not looked for there.
#
# Exit code: the program's; 2 wrong usage, 3 32-bit programs do not run here.

set -euo pipefail

# A program itself, and one that every 32-bit program needs.
readonly LOADER=/lib/ld-linux.so.2

how() {
  case "${RMAPDIFF_M32:-}" in
    kernel | qemu | none) echo "${RMAPDIFF_M32}" ;;
    "") look ;;
    *)
      echo "m32: RMAPDIFF_M32=${RMAPDIFF_M32}, expected kernel, qemu or none" >&2
      exit 2
      ;;
  esac
}

look() {
  if "${LOADER}" --version >/dev/null 2>&1; then
    echo kernel
  elif qemu-i386 "${LOADER}" --version >/dev/null 2>&1; then
    echo qemu
  else
    echo none
  fi
}

# Becomes the program; for itself the program bears the name of its launcher, so that it can start
# itself once more.
launch() {
  local launcher="$1" way
  shift
  way="$(how)" || exit
  case "${way}" in
    kernel) exec -a "${launcher}" "${launcher}.elf" "$@" ;;
    qemu)
      export ASAN_OPTIONS="${ASAN_OPTIONS:+${ASAN_OPTIONS}:}detect_leaks=0"
      exec qemu-i386 -0 "${launcher}" "${launcher}.elf" "$@"
      ;;
  esac
  refuse
}

refuse() {
  echo "m32: the kernel starts no 32-bit program, expected one that does, or qemu-i386" \
    "(Debian package qemu-user)" >&2
  exit 3
}

need() {
  local way
  way="$(how)" || exit
  [[ "${way}" != none ]] || refuse
}

# Tests start in the root of their tree.
run_test() {
  local way
  way="$(how)" || exit
  [[ "${way}" != none ]] ||
    exec tools/bazel_rules/run_module.sh tools.bazel_rules.skip no-32-bit-programs
  exec "$@"
}

main() {
  local self="${BASH_SOURCE[0]}"
  if [[ -e "${self}.elf" ]]; then
    launch "${self}" "$@"
  fi
  case "${1:-}" in
    --how) how ;;
    --need) need ;;
    --test) run_test "${@:2}" ;;
    *)
      echo "usage: m32.sh --how | --need | --test COMMAND ARGUMENT..." >&2
      exit 2
      ;;
  esac
}

main "$@"

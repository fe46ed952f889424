#!/usr/bin/env bash
# Builds targets without a word, unless that fails: build.sh [--apart=CONFIG] PRODUCT TARGET...
# PRODUCT is a file, as seen from bazel-bin, that the build makes; if it is not there yet, a line
# says that this will take a while.
#
# --apart=CONFIG is for a configuration of .bazelrc with another compiler, for which Bazel would
# build everything anew each time it comes and goes. It gets an output base of its own, and
# bazel-CONFIG-bin instead of bazel-bin.
#
# Exit code: 0 all is built, 3 it cannot be.

set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)"
readonly root

# Bazel keeps its output below the home folder; without a writable one it gets a folder of its own.
startup_flags() {
  local home="${HOME:-/nonexistent}"
  if [[ ! -w "${home}" ]]; then
    echo "--output_user_root=${TMPDIR:-/tmp}/rmapdiff-bazel-$(id -u)"
  fi
}

main() {
  local config="" links="bazel-"
  if [[ "$1" == --apart=* ]]; then
    config="${1#--apart=}"
    links="bazel-${config}-"
    shift
  fi
  local product="$1"
  shift
  cd "${root}"
  tools/setup --check >/dev/null 2>&1 || tools/setup || exit 3
  [[ -e "${links}bin/${product}" ]] || echo "building $*, which takes minutes the first time" >&2
  local startup flags=() base log
  mapfile -t startup < <(startup_flags)
  if [[ -n "${config}" ]]; then
    base="$(bazel "${startup[@]}" info --ui_event_filters=-info output_base)" || exit 3
    startup+=("--output_base=${base}_${config}")
    flags=("--config=${config}" "--symlink_prefix=${links}")
  fi
  log="$(mktemp)" || exit 3
  # shellcheck disable=SC2064  # The file's name is needed now: it is local to this function.
  trap "rm -f '${log}'" EXIT
  if ! bazel "${startup[@]}" build --noshow_progress "${flags[@]}" "$@" >"${log}" 2>&1; then
    cat "${log}" >&2
    echo "cannot be built: $*" >&2
    exit 3
  fi
}

main "$@"

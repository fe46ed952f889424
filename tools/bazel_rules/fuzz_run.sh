#!/usr/bin/env bash
# Fuzzes one target. Bazel passes the first flags, and the user may add
#   --clean                    forget what earlier runs found
#   --fuzzing_output_root=DIR  where findings and the grown corpus go (default: out/fuzz/<target>)
#   --timeout_secs=N           stop after N seconds (default: never)
#   --regression               only run every seed once
# and, after these, any flag of libFuzzer. Findings are kept in DIR/artifacts. With some flags
# libFuzzer starts a shell and gives it all its words. This script then accepts only paths without
# characters that a shell interprets.

set -euo pipefail

name='' binary='' corpus='' options=''
output_root='' timeout_secs=0 clean=false regression=false
engine_args=()

die() {
  echo "$0: $*" >&2
  exit 2
}

parse_args() {
  local arg
  for arg in "$@"; do
    case "${arg}" in
      --name=*) name="${arg#*=}" ;;
      --binary=*) binary="${PWD}/${arg#*=}" ;;
      --corpus=*) corpus="${PWD}/${arg#*=}" ;;
      --options=*) options="${arg#*=}" ;;
      --fuzzing_output_root=*) output_root="${arg#*=}" ;;
      --timeout_secs=*) timeout_secs="${arg#*=}" ;;
      --clean) clean=true ;;
      --regression) regression=true ;;
      --*) die "unknown flag ${arg}; flags of libFuzzer have one dash" ;;
      *) engine_args+=("${arg}") ;;
    esac
  done
  [[ -n "${name}" ]] || die "run it with 'bazel run'"
}

add_options() {
  local line
  while IFS= read -r line; do
    [[ "${line}" == *=* ]] && engine_args=("-${line}" "${engine_args[@]}")
  done <"${options}"
  return 0
}

prepare_output() {
  # `bazel run` starts in a folder that the next build may remove.
  local workspace="${BUILD_WORKSPACE_DIRECTORY:-${PWD}}"
  output_root="${output_root:-${workspace}/out/fuzz/${name}}"
  [[ "${output_root}" == /* ]] || output_root="${BUILD_WORKING_DIRECTORY:-${PWD}}/${output_root}"
  if "${clean}"; then
    rm -rf "${output_root}/corpus" "${output_root}/artifacts"
  fi
  mkdir -p "${output_root}/corpus" "${output_root}/artifacts"
}

# Ends with an error if libFuzzer would give a shell a word that the shell interprets.
check_words() {
  local arg starts_shell=''
  for arg in "${engine_args[@]}"; do
    case "${arg}" in
      -fork=* | -jobs=* | -merge=* | -set_cover_merge=* | -minimize_crash=* | -cleanse_crash=* | \
        -collect_data_flow=*) starts_shell="${arg}" ;;
    esac
  done
  [[ -n "${starts_shell}" ]] || return 0
  for arg in "${binary}" "${output_root}" "${corpus}" "${engine_args[@]}"; do
    [[ "${arg}" != *[!A-Za-z0-9_./=:,@%+-]* ]] || die "${starts_shell}: libFuzzer gives its words" \
      "to a shell, expected only letters, digits and _./=:,@%+- in $(printf %q "${arg}")"
  done
}

main() {
  parse_args "$@"
  add_options
  prepare_output
  check_words
  printf 'findings: %q\n' "${output_root}/artifacts" >&2
  if "${regression}"; then
    exec "${binary}" -runs=0 -artifact_prefix="${output_root}/artifacts/" "${engine_args[@]}" \
      "${corpus}"
  fi
  exec "${binary}" -max_total_time="${timeout_secs}" \
    -artifact_prefix="${output_root}/artifacts/" "${engine_args[@]}" \
    "${output_root}/corpus" "${corpus}"
}

main "$@"

#!/usr/bin/env bash
# Builds every fuzz target in the build image of OSS-Fuzz or ClusterFuzzLite, or in any environment
# with the same variables (as tools/check_oss_fuzz makes). For each target $OUT gets the program,
# its seeds and its options.
#
#   $SRC/rmapdiff               this tree; $WORK is scratch, $OUT takes the targets
#   $CXX                        compiles and links: there is no source but C++
#   $CFLAGS $CXXFLAGS           sanitizer, coverage, word size, C++ library: all as they are
#   $LIB_FUZZING_ENGINE         is linked
#   $FUZZING_ENGINE $ARCHITECTURE are in the flags already
#   $SANITIZER                  only "coverage" matters here, see below
#   $BAZEL_EXTRA_BUILD_FLAGS    optional: further flags for Bazel
#   $FUZZ_TARGETS               optional: these targets alone
#
# Bazel reads the flags in tools/offline/oss_fuzz.bzl, and --config=oss-fuzz of .bazelrc uses them.

set -euo pipefail

readonly project="${SRC}/rmapdiff"
readonly links="${WORK}/bazel-"

run_bazel() {
  # Without a server: no process may outlive the build.
  local command="$1"
  shift
  bazel --batch --output_user_root="${WORK}/bazel" "${command}" --config=oss-fuzz \
    --symlink_prefix="${links}" "$@"
}

# Flags for Bazel that follow from the environment and are not compiler flags.
environment_flags() {
  echo "--repo_env=CC=${CXX}"
  # Stack traces and coverage name the sources where they are in the image, so that reports can
  # show them.
  echo "--copt=-ffile-compilation-dir=${project}"
  # AFL++'s compiler takes its settings from variables.
  local name
  for name in $(compgen -e AFL_ || true); do
    echo "--action_env=${name}"
  done
}

build() {
  local flags extra packages
  mapfile -t flags < <(environment_flags)
  read -r -a extra <<<"${BAZEL_EXTRA_BUILD_FLAGS:-}"
  packages=(//fuzzers:fuzz_targets_oss_fuzz)
  if [[ -n "${FUZZ_TARGETS:-}" ]]; then
    read -r -a packages <<<"${FUZZ_TARGETS}"
    packages=("${packages[@]/#///fuzzers:}")
    packages=(//fuzzers:fuzz_targets_list "${packages[@]/%/_oss_fuzz}")
  fi
  run_bazel build "${flags[@]}" "${extra[@]}" "${packages[@]}"
}

unpack() {
  local target
  for target in ${FUZZ_TARGETS:-$(<"${links}bin/fuzzers/fuzz_targets.txt")}; do
    tar --extract --no-same-owner --file="${links}bin/fuzzers/${target}_oss_fuzz.tar" \
      --directory="${OUT}"
  done
}

# For a coverage report the image copies all of $SRC and $WORK into $OUT, and follows every link.
remove_scratch() {
  chmod -R u+w "${WORK}/bazel"
  rm -rf "${WORK}/bazel" "${links}"* "${project}/bazel-out"
}

main() {
  cd "${project}"
  build
  unpack
  if [[ "${SANITIZER}" == coverage ]]; then
    remove_scratch
  fi
}

main "$@"

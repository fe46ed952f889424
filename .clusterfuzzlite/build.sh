#!/usr/bin/env bash
# ClusterFuzzLite builds in the image of OSS-Fuzz, with the same variables.

set -euo pipefail

exec "${SRC}/rmapdiff/oss-fuzz/build.sh"

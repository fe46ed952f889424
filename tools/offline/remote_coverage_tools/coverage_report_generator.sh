#!/usr/bin/env bash
set -euo pipefail
echo "'bazel coverage' is not supported: build with --config=coverage instead" >&2
exit 1

#!/usr/bin/env bash
# Runs a module as a test of Bazel, whose working directory is the root of what the test declares:
# run_module.sh MODULE WORD...
#
# Exit code: that of the module.

set -euo pipefail

exec python3 -B tools/scripts/start.py "$@"

#!/usr/bin/env bash
# Builds targets without a word, unless that fails or takes long, and prints the folder of what was
# built: build.sh [--apart=CONFIG] PRODUCT TARGET... (tools/scripts/build/building.py).
#
# Exit code: 0 all is built, 2 wrong usage, 3 it cannot be.

set -euo pipefail

tools="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
exec "${tools}/scripts/start.sh" tools.scripts.build.building "$@"

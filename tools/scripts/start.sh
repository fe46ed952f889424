#!/usr/bin/env bash
# Runs a script of this tree that is written in Python: start.sh SCRIPT WORD...
#
# Exit code: that of the script, or 3 if there is no Python and tools/setup cannot install it.

set -euo pipefail

if ! command -v python3 >/dev/null; then
  "$(dirname "${BASH_SOURCE[0]}")/../setup" || exit 3
  hash -r
  if ! command -v python3 >/dev/null; then
    echo "python3: not found, expected it in a folder of PATH" >&2
    exit 3
  fi
fi
# Without packages of other people, which take longer to look for than all else.
exec python3 -B -S "$@"

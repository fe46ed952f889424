#!/usr/bin/env bash
# Runs a module of this tree as a program: start.sh MODULE WORD..., tools.scripts.gate.command say.
#
# Exit code: that of the module, or 3 if there is no Python and tools/setup cannot install it.

set -euo pipefail

scripts="$(dirname "${BASH_SOURCE[0]}")"
if ! command -v python3 >/dev/null; then
  "${scripts}/../setup" || exit 3
  hash -r
  if ! command -v python3 >/dev/null; then
    echo "python3: not found, expected it in a folder of PATH" >&2
    exit 3
  fi
fi
# Without packages of other people, which take longer to look for than all else.
exec python3 -B -S "${scripts}/start.py" "$@"

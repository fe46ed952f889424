#!/usr/bin/env python3
"""Checks dictionaries of libFuzzer and writes their entries into one file.

Usage: merge_dictionaries.py OUT DICTIONARY...

libFuzzer itself reads a dictionary only when it fuzzes, and a bad line stops it then; here a bad
line stops the build.
"""

import re
import sys

ENTRY = re.compile(r'^[\w.]*\s*(?:@\d+\s*)?=?\s*"((?:[ !#-\[\]-~]|\\\\|\\"|\\x[0-9a-fA-F]{2})+)"$')


def entries(path):
    """The entries of one dictionary; raises ValueError on a line that is none."""
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            if not ENTRY.match(line):
                raise ValueError(f'{path}:{number}: bad entry, expected name="value": {line}')
            yield line


def main(out, dictionaries):
    seen = {}
    try:
        for path in dictionaries:
            for entry in entries(path):
                seen.setdefault(entry)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    with open(out, "w", encoding="utf-8") as merged:
        merged.writelines(entry + "\n" for entry in seen)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

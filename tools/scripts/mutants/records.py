"""Records of trials, a line of JSON each, read from a file that may be damaged.

A line that is no record is said and left out: what it recorded is tried once more.
"""

import json
import os
import sys

from tools.scripts.common import script

# What a field of this name holds, in a record of any kind.
TYPES = {"arm": str, "mutant": str, "target": str, "seed": (int, str), "seconds": (int, float),
         "execs": int, "found": bool, "by": str, "signature": str, "guilty": str}


def _is(value, types):
    if types is bool or isinstance(value, bool):
        return types is bool and isinstance(value, bool)
    return isinstance(value, types) and (isinstance(value, str) or abs(value) < 2 ** 63)


def parse(line, kind):
    """A namedtuple `kind`; ValueError says what is wrong with the line."""
    try:
        values = json.loads(line)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(values, dict) or set(values) != set(kind._fields):
        raise ValueError("expected an object with " + ", ".join(kind._fields))
    for name, value in values.items():
        if name in TYPES and not _is(value, TYPES[name]):
            raise ValueError(f"'{name}' is of another type")
    return kind(**values)


def read(path, kind):
    """The records of a file, none if there is no file; a last line that was cut off is left out."""
    if not os.path.lexists(path):
        return []
    if not os.path.isfile(path):  # a pipe would be waited for
        raise script.Failure(script.USAGE, f"{path}: expected a file with records of trials")
    records = []
    with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith("\n"):
                break
            try:
                records.append(parse(line, kind))
            except ValueError as error:
                print(f"{path}:{number}: left out, expected a record of a trial: {error}",
                      file=sys.stderr)
    return records

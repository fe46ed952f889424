#!/usr/bin/env python3
"""Reads mutants, `*.patch` files with a heading, and makes the sources that they ask for.

Usage: mutants.py PATCH OUTDIR TARGET_SOURCE FILE...

Copies each FILE to the same path below OUTDIR, changed as PATCH says, and the source of the fuzz
target that is to catch it to TARGET_SOURCE. A hunk is found by its text, never by its line number:
what it replaces must stand in the file exactly once. Exit code 1: the patch does not fit.
"""

import collections
import os
import re
import sys

FIELDS = ("Subject", "Breaks", "Stands-for", "Target", "Guilty", "Equivalent")

# What the mutants of an area, the first word of their names, may change. Nothing else is compiled
# anew for them, so anything else would give two parts of one program different ideas of it.
AREAS = {
    "base": r"mmu/base/host_memory\.cc",
    "graph": r"mmu/graph/\w+\.h",
    "legacy": r"legacy_mmu/descriptor_map\.h",
    "shadow": r"mmu/shadow/(?:quirks|vcpu|shadow_mmu\w*)\.h",
    "sibling": r"mmu/sibling_map\.h",
}

# By fuzz target, which programs it runs, in the words of fuzzers/voices/built_for.h: a mutant is
# compiled for nothing else.
BUILT_FOR = {
    "direct_fuzzer": ("Mmus", "Production", "Tiny"),
    "dirty_log_fuzzer": ("Mmus", "Production", "Tiny"),
    "mmu_fuzzer": ("Mmus", "Production"),
    "oom_fuzzer": ("Mmus", "Production", "Tiny"),
    "rmap_fuzzer": ("Graphs", "Production"),
    "tiny_mmu_fuzzer": ("Mmus", "Tiny"),
    "tiny_rmap_fuzzer": ("Graphs", "Tiny"),
}
BUILT_FOR_FILE = "fuzzers/voices/built_for.h"

Mutant = collections.namedtuple("Mutant", "name fields changes")
Hunk = collections.namedtuple("Hunk", "before after")


class Malformed(Exception):
    """What is wrong with a patch, in one line."""


def read_fields(lines):
    """The heading: `Key: text` lines, continued by lines that begin with a space."""
    fields = {}
    for line in lines:
        if line.startswith(" ") and fields:
            fields[list(fields)[-1]] += " " + line.strip()
            continue
        key, colon, value = line.partition(": ")
        if not colon or key in fields:
            raise Malformed(f"heading: {line!r}")
        fields[key] = value.strip()
    return fields


def read_changes(lines):
    """The diff: for each file its hunks."""
    changes = {}
    hunks = None
    for line in lines:
        if line.startswith("--- a/"):
            hunks = changes.setdefault(line[len("--- a/"):], [])
        elif line.startswith("+++ b/"):
            if line[len("+++ b/"):] != list(changes or [""])[-1]:
                raise Malformed(f"two names of one file: {line!r}")
        elif line.startswith("@@ ") and hunks is not None:
            hunks.append(Hunk([], []))
        elif line[:1] in (" ", "-", "+") and hunks:
            if line[0] != "+":
                hunks[-1].before.append(line[1:])
            if line[0] != "-":
                hunks[-1].after.append(line[1:])
        else:
            raise Malformed(f"diff: {line!r}")
    if not changes or not all(changes.values()):
        raise Malformed("nothing is changed")
    return changes


def read(path):
    """A mutant by its file; raises Malformed."""
    with open(path, encoding="utf-8") as file:
        heading, blank, diff = file.read().partition("\n\n")
    if not blank:
        raise Malformed("no blank line behind the heading")
    name = os.path.splitext(os.path.basename(path))[0]
    changes = read_changes(diff.rstrip("\n").split("\n"))
    return Mutant(name, read_fields(heading.split("\n")), changes)


def apply_hunks(text, hunks):
    """The text after the hunks; raises Malformed."""
    lines = text.split("\n")
    for hunk in hunks:
        size = len(hunk.before)
        places = [at for at in range(len(lines) - size + 1) if lines[at:at + size] == hunk.before]
        if len(places) != 1:
            raise Malformed(
                f"found {len(places)} times, expected once: {hunk.before[0].strip()!r} ...")
        lines[places[0]:places[0] + size] = hunk.after
    return "\n".join(lines)


def check_area(mutant):
    """Raises Malformed where a mutant changes what its area does not cover."""
    area = AREAS.get(mutant.name.split("_")[0])
    if area is None:
        raise Malformed(f"the name does not begin with one of {', '.join(sorted(AREAS))}")
    for path in mutant.changes:
        if not re.fullmatch(area, path):
            raise Malformed(f"{path} is not of the area that the name begins with")


def narrow(text, target):
    """The text of BUILT_FOR_FILE for the programs of one fuzz target."""
    words = re.findall(r"bool kBuiltFor(\w+) = true;", text)
    if target not in BUILT_FOR or not set(BUILT_FOR[target]) <= set(words):
        raise Malformed(f"no fuzz target {target!r}, or {BUILT_FOR_FILE} has other words for it")
    for word in set(words) - set(BUILT_FOR[target]):
        text = text.replace(f"kBuiltFor{word} = true;", f"kBuiltFor{word} = false;")
    return text


def _write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def make_sources(mutant, out_dir, target_source, paths):
    """Writes the changed copies; raises Malformed."""
    check_area(mutant)
    missing = sorted(set(mutant.changes) - set(paths))
    if missing:
        raise Malformed(f"{missing[0]} is not compiled anew")
    target = f"fuzzers/{mutant.fields.get('Target')}.cc"
    if target not in paths:
        raise Malformed(f"no fuzz target {mutant.fields.get('Target')!r}")
    for path in paths:
        with open(path, encoding="utf-8") as file:
            text = apply_hunks(file.read(), mutant.changes.get(path, ()))
        if path == BUILT_FOR_FILE:
            text = narrow(text, mutant.fields["Target"])
        _write(target_source if path == target else os.path.join(out_dir, path), text)


def main(arguments):
    if len(arguments) < 4:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    patch, out_dir, target_source, *paths = arguments
    try:
        make_sources(read(patch), out_dir, target_source, paths)
    except Malformed as problem:
        print(f"{patch}: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

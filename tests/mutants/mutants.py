#!/usr/bin/env python3
"""Reads mutants, `*.patch` files with a heading, and makes the sources that they ask for.

Usage: mutants.py PATCH OUTDIR TARGET_SOURCE FILE...

Copies each FILE to the same path below OUTDIR, changed as PATCH says, and the source of the fuzz
target that is to catch it to TARGET_SOURCE. A hunk is found by its text, never by its line number:
what it replaces must stand in the file exactly once. A source of which the fault changes nothing
becomes an empty copy, so that the ordinary object is linked. Exit code 1: the patch does not fit.
"""

import collections
import os
import re
import sys

FIELDS = ("Subject", "Breaks", "Stands-for", "Target", "Guilty", "Equivalent")

# The files that mutants of an area may change. (The area is the first word of a mutant's name.)
# Only the sources of that area are compiled anew. A change elsewhere would reach only one part of a
# program.
AREAS = {
    "base": r"mmu/base/host_memory\.cc",
    "graph": r"mmu/graph/\w+\.h",
    "legacy": r"legacy_mmu/descriptor_map\.h",
    "shadow": r"mmu/shadow/(?:quirks|vcpu|shadow_mmu\w*)\.h",
    "sibling": r"mmu/sibling_map\.h",
}

# The programs of each fuzz target: on page graphs or whole MMUs, with which limits. A source that
# no such program reaches is not compiled anew.
PROGRAMS = {
    "direct_fuzzer": ("mmu", "production", "tiny"),
    "dirty_log_fuzzer": ("mmu", "production", "tiny"),
    "mmu_fuzzer": ("mmu", "production"),
    "oom_fuzzer": ("mmu", "production", "tiny"),
    "rmap_fuzzer": ("graph", "production"),
    "tiny_mmu_fuzzer": ("mmu", "tiny"),
    "tiny_rmap_fuzzer": ("graph", "tiny"),
}

# Sources that are compiled once for each limits, and the programs that they run.
UNIT = re.compile(r"fuzzers/voices/(?P<kind>graph|mmu)_voice_(?P<limits>\w+)\.cc"
                  r"|(?:fuzzers/voices|mmu/shadow)"
                  r"/(?:any_mmu|plain_mmu|reference)_(?P<of_any>\w+)\.cc")
UNITS_OF_MMUS = ("fuzzers/voices/plain_mmu_", "fuzzers/voices/reference_")

# Everything includes the quirks, but a fault there changes their defaults, which one file knows.
QUIRKS_FILE = "mmu/shadow/quirks.h"
DEFAULTS_FILE = "fuzzers/voices/mmu_config.cc"
DEFAULT = re.compile(r"  bool \w+ = (?:true|false);")

# The beginning of the path of a generated file.
GENERATED = re.compile(r"^bazel-out/[^/]+/bin/")

INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
UNCHANGED = "// The fault of this program changes nothing here: the ordinary object is linked.\n"

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


def check_defaults(mutant):
    """Raises Malformed where a mutant changes more of the quirks than their defaults."""
    for hunk in mutant.changes.get(QUIRKS_FILE, ()):
        changed = zip(hunk.before, hunk.after)
        lines = [line for pair in changed if pair[0] != pair[1] for line in pair]
        if len(hunk.before) != len(hunk.after) or not all(map(DEFAULT.fullmatch, lines)):
            raise Malformed(f"{QUIRKS_FILE}: only defaults may be changed")


def reached(path, texts):
    """A file and all that it includes, of the files whose texts are given."""
    seen, todo = set(), [path]
    while todo:
        file = todo.pop()
        if file in texts and file not in seen:
            seen.add(file)
            todo.extend(INCLUDE.findall(texts[file]))
    return seen


def runs(target, path):
    """Whether programs of the fuzz target run what a source compiles."""
    unit = UNIT.fullmatch(path)
    if unit is None:
        return True
    if (unit["limits"] or unit["of_any"]) not in PROGRAMS[target]:
        return False
    kind = "mmu" if path.startswith(UNITS_OF_MMUS) else unit["kind"]
    return kind is None or kind in PROGRAMS[target]


def is_changed(mutant, path, texts):
    """Whether a source has to be compiled anew: what it compiles is another for the target's
    programs."""
    changed = set(mutant.changes)
    if QUIRKS_FILE in changed:
        changed.remove(QUIRKS_FILE)
        if path == DEFAULTS_FILE:
            return True
    return runs(mutant.fields["Target"], path) and not changed.isdisjoint(reached(path, texts))


def _write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def make_sources(mutant, out_dir, target_source, paths):
    """Writes the changed copies, empty ones of the sources that are the same; raises Malformed."""
    check_area(mutant)
    check_defaults(mutant)
    files = {GENERATED.sub("", path): path for path in paths}
    missing = sorted(set(mutant.changes) - set(files))
    if missing:
        raise Malformed(f"{missing[0]} is not compiled anew")
    target = f"fuzzers/{mutant.fields.get('Target')}.cc"
    if target not in files or mutant.fields["Target"] not in PROGRAMS:
        raise Malformed(f"no fuzz target {mutant.fields.get('Target')!r}")
    texts = {}
    for path, place in files.items():
        with open(place, encoding="utf-8") as file:
            texts[path] = apply_hunks(file.read(), mutant.changes.get(path, ()))
    for path, text in texts.items():
        same = path.endswith(".cc") and path != target and not is_changed(mutant, path, texts)
        _write(target_source if path == target else os.path.join(out_dir, path),
               UNCHANGED if same else text)


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

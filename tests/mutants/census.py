#!/usr/bin/env python3
"""The census of public fixes of KVM's shadow MMU, docs/finding-power/census.md: what it adds up to.

Usage: tests/mutants/census.py

Prints the one sentence that docs quote, then the fixes whose faults are not found. Each fix is a
row of the table, which names the faults that make its mistake. How often a fault was found is in
docs/finding-power/all_faults.md, or in the second table of the census. Exit code 1: the table
cannot be read.
"""

import collections
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "..", "..", "docs", "finding-power")
CENSUS = os.path.join(FOLDER, "census.md")
ALL_FAULTS = os.path.join(FOLDER, "all_faults.md")

# The letters of a row, in the order of the legend, which says what each means.
LETTERS = "FEMRKNX"
SEEDED = "FE"
FOUND = 0.95  # of the trials: a fault counts as found within a minute

# fix: an id, or "-" if it is not known for certain. faults: the names of patches. missing: what
# stands in their place. found, programs: as the table has them, "-" if nothing was measured.
Row = collections.namedtuple("Row", "fix year area what letter faults missing found programs")

# How often a fault was found, in how many trials; programs: the median, None if it never was.
Figure = collections.namedtuple("Figure", "found trials programs")

NAME = re.compile(r"`(\w+)`")


class Malformed(Exception):
    """What is wrong with the table, in one line."""


def _cells(text):
    return [[cell.strip() for cell in line.strip().strip("|").split(" | ")]
            for line in text.splitlines() if line.startswith("| ")]


def read(text):
    """The rows of the census; raises Malformed."""
    rows = []
    for cells in _cells(text):
        if len(cells) < 2 or not re.fullmatch(r"\d{4}", cells[1]):
            continue
        if len(cells) != 8 or cells[4] not in LETTERS:
            raise Malformed(f"expected eight cells and a letter of {LETTERS}: {cells}")
        fix, year, area, what, letter, seeds, found, programs = cells
        faults = tuple(NAME.findall(seeds))
        if bool(faults) != (letter in SEEDED):
            raise Malformed(f"expected faults exactly for {' and '.join(SEEDED)}: {cells}")
        rows.append(Row(fix, year, area, what, letter, faults, "" if faults else seeds, found,
                        programs))
    return rows


def figures(*texts):
    """{fault: Figure} of tables whose rows are `fault`, found/trials ... programs ... .

    Equivalent patches are left out.
    """
    known = {}
    for text in texts:
        for cells in _cells(text):
            ratio = re.fullmatch(r"(\d+)/(\d+)", cells[1]) if len(cells) in (4, 7) else None
            if not ratio or not NAME.fullmatch(cells[0]) or cells[-1].startswith("equivalent"):
                continue
            programs = cells[5] if len(cells) == 7 else cells[2]
            known[NAME.fullmatch(cells[0])[1]] = Figure(
                int(ratio[1]), int(ratio[2]),
                int(programs.replace(",", "")) if programs != "-" else None)
    return known


def slowest(row, known):
    """The Figure of the fault of a fix that is hardest to find; None if none was measured."""
    measured = [known[fault] for fault in row.faults if fault in known]
    if row.letter != "F" or not measured:
        return None
    never = float("inf")
    return max(measured,
               key=lambda one: (-one.found / one.trials,
                                never if one.programs is None else one.programs))


def cells_of(figure):
    """(found, programs) as the table has them."""
    if figure is None:
        return "-", "-"
    return (f"{figure.found}/{figure.trials}",
            "-" if figure.programs is None else f"{figure.programs:,}")


def is_found(figure):
    return figure is not None and figure.found >= FOUND * figure.trials


def sentence(rows, known):
    shown = [row for row in rows if row.letter == "F"]
    found = [row for row in shown if is_found(slowest(row, known))]
    return (f"Of {len(rows)} public fixes of KVM's shadow MMU, seeded faults show {len(shown)}. "
            f"Of these, {len(found)} are found within a minute.")


def main():
    with open(CENSUS, encoding="utf-8") as file:
        census = file.read()
    with open(ALL_FAULTS, encoding="utf-8") as file:
        known = figures(file.read(), census)
    try:
        rows = read(census)
    except Malformed as problem:
        print(f"{CENSUS}: {problem}", file=sys.stderr)
        return 1
    print(sentence(rows, known))
    for row in rows:
        if row.letter == "F" and not is_found(slowest(row, known)):
            print(f"{row.fix} {row.year} not found: {row.what} ({', '.join(row.faults)})")
    return 0


if __name__ == "__main__":
    sys.exit(main())

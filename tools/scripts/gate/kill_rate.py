"""The faults that this gate is known to see: the measurement in docs/finding-power/gate.json.

`tools/rmapdiff mutants --as-gate` makes the file. It says with which budget and seed, what each
target needs, and of each fault whether the gate's own steps see it:

  seen       "seed", "fuzzing", or "" if they do not
  seed       the seed that sees it, corpus/TARGET/NAME.ops
  made_for   whether that seed was made for this fault: a line of it says "# Made for NAME."
  programs   that fuzzing ran until it was found, or all of its share
  median     programs that a fuzzer needs from an empty corpus, of docs/finding-power/all_faults.md
  drawn      whether it was drawn at random; others are there because they are slow to be found

tests/scripts/as_gate_test keeps it true.
"""

import collections
import json
import os
import re

PATH = os.path.join("docs", "finding-power", "gate.json")
MEDIANS = os.path.join("docs", "finding-power", "all_faults.md")

MADE_FOR = re.compile(r"^# Made for (\w+(?:,\s+\w+)*)\.?$", re.MULTILINE)

Fault = collections.namedtuple(
    "Fault", "name target median drawn seen seed made_for programs signature")

# programs, seed: the gate's usual ones. slow: faults whose median is above are all in the list.
# draw: how the others were drawn. needs: {target: programs}, see shares.py.
KillRate = collections.namedtuple("KillRate", "programs seed slow draw needs faults")


def read(root):
    with open(os.path.join(root, PATH), encoding="utf-8") as file:
        content = json.load(file)
    faults = [Fault(**fault) for fault in content.pop("faults")]
    return KillRate(**content, faults=faults)


def text_of(rate):
    """The file."""
    faults = [fault._asdict() for fault in rate.faults]
    return json.dumps(rate._replace(faults=faults)._asdict(), indent=1) + "\n"


def sentence(rate):
    """The kill rate, for the gate's last line and docs/ci.md."""
    seen = [fault for fault in rate.faults if fault.seen]
    made = sum(fault.made_for for fault in seen)
    return (f"of {len(rate.faults)} seeded faults this gate sees {len(seen)}, "
            f"{made} of them by a seed made for it")


def known_of(rate, options):
    """The kill rate of a run with these options; it was measured with the usual ones alone.

    "" if nothing was measured.
    """
    if not rate.faults:
        return ""
    usual = (options.seed == rate.seed and not options.corpus
             and options.budget >= rate.programs)
    return ("" if usual else "with its usual options, ") + sentence(rate)


def made_for(text):
    """The faults that a seed, as a text, says it was made for."""
    return {name for names in MADE_FOR.findall(text) for name in re.split(r",\s+", names)}


def medians(text):
    """{mutant: programs} of a table as docs/finding-power/all_faults.md has it."""
    rows = [[cell.strip() for cell in line.split("|")] for line in text.splitlines()
            if line.startswith("| `")]
    return {row[1].strip("`"): int(row[6]) for row in rows if row[6].isdigit()}


def needs(programs, targets):
    """{target: what its slowest fault needs}. programs, targets: {mutant: ...}, of faults alone."""
    slowest = {}
    for name, target in targets.items():
        if name in programs:
            slowest[target] = max(slowest.get(target, 0), programs[name])
    return dict(sorted(slowest.items()))

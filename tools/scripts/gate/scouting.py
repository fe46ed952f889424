"""The part of a target's fuzzing that its scout does, without sanitizers (fuzzers/scout_main.cc).

The budget of a target counts programs under sanitizers. Of these the target itself runs a share,
the same as in `tools/fuzz`. In the time of each of the others, its scout runs several programs. It
runs a fixed number from a fixed seed, so the programs are the same on every machine.

A finding of the scout counts when the target shows one for the same input, or else the scout does
so once more. One that does not come again is a problem: the same program must do the same.
"""

import collections
import os
import re

from tools.scripts.common import processor
from tools.scripts.gate.outcome import Artifact
from tools.scripts.mutants import finding, trial

# A scout runs so many programs in the time of one under sanitizers; rather too few than too many
# (docs/finding-power.md).
PROGRAMS_FOR_ONE = 4

EXECUTED = re.compile(r"^stat::number_of_executed_units: (\d+)", re.MULTILINE)
WRITTEN = re.compile(r"Test unit written to (\S+)")

# ran: programs. seconds: of the processor. artifacts: {raw: Artifact}. problem: why this proves
# nothing, "" if it does.
Scouted = collections.namedtuple("Scouted", "ran seconds artifacts problem text")
NOTHING = Scouted(0, 0.0, {}, "", "")


def split(target, programs):
    """(programs of the target itself, programs of its scout) of a budget."""
    if not target.scout:
        return programs, 0
    own = max(1, programs * trial.SANITIZED_PERCENT // 100)
    return own, (programs - own) * PROGRAMS_FOR_ONE


def _confirmed(target, path):
    """The signature by which an input of the scout is a finding, "" if it does not come again."""
    for command in ([target.binary], [target.scout, target.name]):
        signature = trial.shows([*command, *target.options], path)
        if signature:
            return signature
    return ""


def scout(target, programs, limit, starts, seed, folder):
    """Scouted: so many programs at most, in so many seconds and starts."""
    ran, seconds, artifacts, text = 0, 0.0, {}, ""
    os.makedirs(folder)
    for number in range(starts):
        log = os.path.join(folder, f"log-{number}")
        code, used = processor.run(
            [target.scout, target.name, *target.options, f"-seed={seed + number}",
             f"-runs={programs - ran}", f"-artifact_prefix={folder}/"],
            max(1, round(limit - seconds)), log)
        seconds += used
        with open(log, encoding="utf-8", errors="replace") as file:
            text = file.read()
        executed = EXECUTED.search(text)
        ran += int(executed[1]) if executed else 0
        written = WRITTEN.search(text)
        if code in processor.OUT_OF_TIME or code == 0:
            break
        if not written:
            return Scouted(ran, seconds, artifacts, f"its scout: exit code {code} without an "
                           "artifact", text)
        raw = _confirmed(target, written[1])
        if not raw:
            return Scouted(ran, seconds, artifacts, "its scout has a finding that does not come "
                           f"again: {finding.signature_of(code, text)}", text)
        artifacts.setdefault(raw, Artifact(target.name, written[1], raw))
        if ran >= programs:
            break
    if ran >= programs:
        return Scouted(ran, seconds, artifacts, "", "")
    return Scouted(ran, seconds, artifacts,
                   f"its scout could run only {ran:,} of {programs:,} programs", text)

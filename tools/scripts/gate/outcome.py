"""The values that the steps of the gate hand on: cases, each passed or not, and findings."""

import collections
import dataclasses
import os
import shlex

# suite: the step or the fuzz target. name: what was tried. seconds: by the clock. problem: one
# line, "" if it passed. text: what there is to read about it. finding: whether the problem is one
# of the MMUs; else the gate itself proves nothing, which makes it fail as well. again: the command
# that shows it again, "" if there is none.
Case = collections.namedtuple("Case", "suite name seconds problem text finding again",
                              defaults=(0.0, "", "", False, ""))


@dataclasses.dataclass
class Artifact:
    """An input that has made a fuzz target fail."""

    target: str
    path: str
    raw: str  # signature as the fuzz target's own output has it
    seed: str = ""  # the seed's name; "" if fuzzing has found it


@dataclasses.dataclass
class Finding:
    """A bug, as the artifacts of one signature show it."""

    signature: str
    target: str
    artifact: str
    raw: str
    seed: str = ""
    count: int = 1
    folder: str = ""
    minimal: str = ""  # the path of the simplest program, "" if there is none
    program: str = ""  # its text
    repro: dict = dataclasses.field(default_factory=dict)  # repro --json of the simplest program
    in_base: bool = False  # the base revision shows the same
    base_note: str = ""  # why that is not known
    kept_note: str = ""  # why there is no folder for it

    @property
    def blocks(self):
        """A seed of the tree has to pass, whatever the base did with it."""
        return bool(self.seed) or not self.in_base

    @property
    def shown(self):
        """The path of what to look at, from the current folder."""
        return os.path.relpath(self.minimal or self.artifact)


def repro_command(path):
    """The command that a reader copies to see a finding again."""
    return "tools/rmapdiff repro " + shlex.quote(path)


def count_of(number, noun):
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

"""Fuzzes one target with so many programs, from a fixed seed.

It begins with the target's seeds, and with what long runs have found if a corpus of theirs is
given. The budget counts programs beyond these, so the same programs run on every machine, however
busy: inputs are named in a fixed order, nothing is read again by the clock, and where the system
allows it addresses are the same, because some counters of coverage depend on them. The limit is of
the processor; a target that reaches it has proved nothing.

libFuzzer ends with the first input that fails. It is started again, with the next seed and what it
has learnt, as long as programs are left, so that a bug that the base has as well hides no new one.

A scout does most of it, without sanitizers (scouting.py).

libFuzzer runs in a folder of its own and sees relative names alone: it would take a comma in a name
for the end of it.
"""

import collections
import functools
import os
import re
import shutil
import subprocess

from tools.bazel_rules import replay
from tools.scripts.common import processor
from tools.scripts.gate import build, scouting
from tools.scripts.gate.outcome import Artifact
from tools.scripts.mutants import finding, trial

MAX_STARTS = 20

ARTIFACT = re.compile(r"Test unit written to (\S+)")
EXECUTED = re.compile(r"^stat::number_of_executed_units: (\d+)", re.MULTILINE)
COUNTERS = re.compile(r"\((\d+) inline 8-bit counters\)")

INPUTS, LEARNT, ARTIFACTS, LIST, STATS = "in", "learnt", "artifacts", "list", "stats"

# programs, limit: of the budget, and seconds of the processor for it. starts: at most, of the
# target and of its scout.
Budget = collections.namedtuple("Budget", "programs limit starts", defaults=(MAX_STARTS,))

# execs: programs that the target has run, by its own count. ran: inputs beyond those it began with.
# scouted: programs that its scout has run. seconds: of the processor. problem: why this proves
# nothing, "" if it does. seed: of the first start.
Fuzzed = collections.namedtuple(
    "Fuzzed", "target execs ran scouted seconds seed starts artifacts problem text")


@functools.lru_cache(maxsize=None)
def _same_addresses():
    """The first words of a command that gets the same addresses each time, none if forbidden."""
    try:
        done = subprocess.run(["setarch", "-R", "true"], stdin=subprocess.DEVNULL,
                              capture_output=True, check=False)
    except OSError:
        return []
    return ["setarch", "-R"] if done.returncode == 0 else []


class _Search:
    """The folder of one target, and what its starts have come to."""

    def __init__(self, target, folder, seed):
        self._target = target
        self._folder = folder
        self._seed = seed
        self.logs = []
        self.ran = 0
        self.seconds = 0.0
        self.artifacts = {}
        for name in (INPUTS, LEARNT, ARTIFACTS):
            os.makedirs(self._path(name))

    def _path(self, *names):
        return os.path.join(self._folder, *names)

    def begin_with(self, paths):
        for number, path in enumerate(paths):
            shutil.copyfile(path, self._path(INPUTS, f"{number:06}"))

    def _inputs(self):
        """Names of all inputs in a fixed order, what was learnt last; the list is of them."""
        for name in os.listdir(self._path(LEARNT)):  # named by their content
            os.rename(self._path(LEARNT, name), self._path(INPUTS, "learnt-" + name))
        names = sorted(os.listdir(self._path(INPUTS)))
        with open(self._path(LIST), "w", encoding="utf-8") as file:
            # libFuzzer reads the list from its end.
            file.write(",".join(f"{INPUTS}/{name}" for name in reversed(names)))
        return names

    def start(self, budget):
        """One run of libFuzzer; its exit code."""
        inputs = self._inputs()
        number = len(self.logs)
        command = [*_same_addresses(), self._target.binary, *self._target.options,
                   f"-seed={self._seed + number}", f"-artifact_prefix={ARTIFACTS}/",
                   f"-runs={budget.programs - self.ran + len(inputs)}", "-reload=0",
                   "-print_final_stats=1", LEARNT]
        if inputs:
            command.insert(-1, f"-seed_inputs=@{LIST}")
        log = self._path(f"log-{number}")
        limit = max(1, round(budget.limit - self.seconds))
        before = self._counted()
        code, seconds = processor.run(command, limit, log, cwd=self._folder,
                                      env={**os.environ, "RMAPDIFF_STATS": STATS})
        with open(log, encoding="utf-8", errors="replace") as file:
            self.logs.append(file.read())
        self.seconds += seconds
        executed = EXECUTED.search(self.logs[-1])  # a process that is killed cannot say it
        ran = int(executed[1]) if executed else self._counted() - before
        self.ran += max(0, ran - len(inputs))
        return code

    def take_artifact(self, code):
        """Whether the start that has just ended has left one."""
        written = ARTIFACT.search(self.logs[-1])
        if code == 0 or not written:
            return False
        path = self._path(written[1])
        raw = finding.signature_of(code, self.logs[-1]) or f"exit-{code}"
        self.artifacts.setdefault(raw, Artifact(self._target.name, path, raw))
        self._forget(path)
        return True

    def _forget(self, artifact):
        """An input of a grown corpus that fails must not end every start."""
        with open(artifact, "rb") as file:
            failing = file.read()
        for name in os.listdir(self._path(INPUTS)):
            path = self._path(INPUTS, name)
            with open(path, "rb") as file:
                same = file.read(len(failing) + 1) == failing
            if same:
                os.remove(path)

    def _counted(self):
        """Programs by the target's own count, 0 if it keeps none."""
        stats = self._path(STATS)
        return trial.read_execs(stats) if os.path.exists(stats) else 0

    def execs(self):
        if os.path.exists(self._path(STATS)):
            return self._counted()
        if self._target.name != build.CODEC_TARGET:
            return 0
        return sum(int(EXECUTED.search(log)[1]) for log in self.logs if EXECUTED.search(log))


def _problem(code, log):
    """The fault of a run that has left no artifact, "" for none."""
    if code in processor.OUT_OF_TIME:
        return ""  # too few programs, which is told of all
    if code != 0:
        return f"exit code {code} without an artifact"
    counters = COUNTERS.search(log)
    if counters is None or int(counters[1]) == 0:
        return "has no coverage counters: it fuzzes blindly"
    return ""


def _too_few(search, budget):
    """Why the budget was not run, "" if it was."""
    if search.ran >= budget.programs:
        return ""
    why = (f"{search.seconds:.0f} s of the processor were not enough"
           if search.seconds >= budget.limit - 1 else f"after {len(search.logs)} starts it ended")
    return f"could run only {search.ran:,} of {budget.programs:,} programs: {why}"


def fuzz(target, budget, seed, folder, failing=(), grown=""):
    """Fuzzed; `failing` are seeds that are known to fail, `grown` a folder of corpora."""
    own, others = scouting.split(target, budget.programs)
    search = _Search(target, folder, seed)
    scouted = scouting.NOTHING
    if others:
        scouted = scouting.scout(target, others, budget.limit, budget.starts, seed,
                                 os.path.join(folder, "scout"))
    budget = budget._replace(programs=own, limit=max(1, budget.limit - scouted.seconds))
    search.begin_with([path for path in replay.list_seeds(target.seeds) if path not in failing]
                      + replay.list_seeds(os.path.join(grown, target.name) if grown else ""))
    problem, code = "", None
    while search.ran < budget.programs and len(search.logs) < budget.starts and not problem:
        code = search.start(budget)
        if search.take_artifact(code):
            continue
        problem = _problem(code, search.logs[-1])
        break
    execs = search.execs()
    if execs == 0:
        problem = problem or "executed nothing"
    problem = problem or _too_few(search, budget)
    text = search.logs[-1] if problem and search.logs else scouted.text
    return Fuzzed(target, execs, search.ran, scouted.ran, search.seconds + scouted.seconds, seed,
                  len(search.logs), list({**scouted.artifacts, **search.artifacts}.values()),
                  problem or scouted.problem, text)

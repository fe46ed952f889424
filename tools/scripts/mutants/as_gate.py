"""Whether the gate's own steps see a seeded fault: the replay of its seeds, then its fuzzing.

Both are the gate's code, with its seed, shares and budget, on the fuzz target that the fault names.
The gate itself runs all targets that are built from the changed file, so it sees this much at
least. Seeds that were made for the fault come first; fuzzing is asked only if no seed sees it.
"""

import collections
import hashlib
import os

from tools.bazel_rules import replay
from tools.scripts.gate import build, fuzzing, kill_rate, replaying, shares
from tools.scripts.mutants import finding, trial

# target: a build.Target whose program has the fault. state: a hash of all that decides.
Task = collections.namedtuple("Task", "mutant state target budget seed")

# seen, seed, made_for, programs, signature: as of kill_rate.Fault.
Record = collections.namedtuple("Record", "mutant state seen seed made_for programs signature")

RECORDS = "as_gate.jsonl"


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def _state(target, budget, seed):
    """Two tasks with the same have the same answer."""
    digest = hashlib.sha256(repr((target.name, target.options, budget.programs, seed)).encode())
    programs = [path for path in (target.binary, target.scout) if path]
    for path in [*programs, *replay.list_seeds(target.seeds)]:
        digest.update(os.path.basename(path).encode() + hashlib.sha256(_read(path)).digest())
    return digest.hexdigest()[:16]


def make_tasks(chosen, rate, built, limit):
    """A task for each mutant; its program and what its target is run with are built."""
    fuzzers = os.path.join(built, "fuzzers")
    programs = shares.shares(rate.programs, build.read_names(fuzzers), rate.needs)
    tasks = []
    for mutant in chosen:
        name = mutant.fields["Target"]
        binary = os.path.realpath(os.path.join(built, "tests", "mutants", mutant.name))
        scout = binary + "_scout" if os.path.exists(binary + "_scout") else ""
        target = build.read_target(fuzzers, name)._replace(binary=binary, scout=scout)
        budget = fuzzing.Budget(programs[name], limit, starts=1)
        tasks.append(Task(mutant.name, _state(target, budget, rate.seed), target, budget,
                          rate.seed))
    return tasks


def _first_to_fail(target, seeds):
    """(seed, signature) of the first that fails, None if all pass."""
    command = [*trial.SANITIZED, target.binary, *target.options]
    for result in replay.verdicts(command, seeds):
        if result.failure and result.failure.startswith(replay.NOT_EXECUTED):
            raise trial.Broken(f"{target.binary}: {result.failure[-300:]}")
        if result.failure:
            return result.seed, finding.signature_of(result.code, result.output)
    return None


def _is_made_for(mutant, seed, root):
    path = os.path.join(root, replaying.seed_name(seed))
    if not path.endswith(".ops") or not os.path.exists(path):
        return False
    return mutant in kill_rate.made_for(_read(path).decode("utf-8", "replace"))


def look(task, root, scratch):
    """The record of one task; `scratch` is a folder for it alone, that is not there yet."""
    seeds = replay.list_seeds(task.target.seeds)
    own = [seed for seed in seeds if _is_made_for(task.mutant, seed, root)]
    for group, made in ((own, True), ([seed for seed in seeds if seed not in own], False)):
        failed = _first_to_fail(task.target, group)
        if failed:
            return Record(task.mutant, task.state, "seed", replaying.seed_name(failed[0]), made, 0,
                          failed[1])
    fuzzed = fuzzing.fuzz(task.target, task.budget, task.seed, scratch)
    if fuzzed.artifacts:
        return Record(task.mutant, task.state, "fuzzing", "", False, fuzzed.ran + fuzzed.scouted,
                      fuzzed.artifacts[0].raw)
    if fuzzed.problem:
        raise trial.Broken(f"{task.mutant}: {fuzzed.problem}")
    return Record(task.mutant, task.state, "", "", False, fuzzed.ran + fuzzed.scouted, "")


def fault_of(record, target, medians, slow):
    """The record as a kill_rate.Fault."""
    median = medians.get(record.mutant, 0)
    return kill_rate.Fault(record.mutant, target, median, median <= slow, record.seen, record.seed,
                           record.made_for, record.programs, record.signature)


def merge(rate, faults):
    """The kill rate with these faults in place of what it has of them, the slowest first."""
    known = {fault.name: fault for fault in [*rate.faults, *faults]}
    ordered = sorted(known.values(), key=lambda fault: (fault.drawn, -fault.median, fault.name))
    return rate._replace(faults=ordered)


def table(faults):
    lines = [f"{'fault':<42} {'median':>7}  seen by"]
    for fault in faults:
        by = {"seed": f"{fault.seed}{', made for it' if fault.made_for else ''}",
              "fuzzing": f"fuzzing, after {fault.programs:,} programs",
              "": f"NOTHING in {fault.programs:,} programs"}[fault.seen]
        lines.append(f"{fault.name:<42} {fault.median:>7,}  {by}")
    return "\n".join(lines) + "\n"


def lost(rate, faults):
    """Names of faults that are not seen, though nothing says that this is known."""
    known = {fault.name for fault in rate.faults if not fault.seen}
    return [fault.name for fault in faults if not fault.seen and fault.name not in known]

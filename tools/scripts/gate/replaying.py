"""Replays the seeds and regressions of every fuzz target, and counts what really ran.

libFuzzer says "Executed" of a program that its target rejects, so the target's own count decides:
all of its own seeds must be programs for it, and regressions for some target. They are counted in a
run of their own: one that looks for leaks runs some programs twice.
"""

import collections
import os
import re
import time

from tools.bazel_rules import replay
from tools.scripts.gate import build
from tools.scripts.gate.outcome import Artifact, Case, repro_command
from tools.scripts.mutants import finding, trial

REGRESSION = "corpus-regressions-"

# executed: programs that the target has run. regressions: those among them. failed: artifacts.
Replayed = collections.namedtuple("Replayed", "target cases seeds executed regressions failed")


def seed_name(path):
    """corpus/TARGET/NAME.ops as it is in the tree, of a path in a folder of assembled seeds."""
    name = os.path.basename(path)
    match = re.fullmatch(r"corpus-(\w+?)-(.+?)(\.ops)\.bin|corpus-(\w+?)-(.+)", name)
    if match is None:
        return name
    folder, rest = match[1] or match[4], match[2] + match[3] if match[2] else match[5]
    return f"corpus/{folder}/{rest}"


def _count(target, seeds, scratch):
    """How many of the seeds, which pass, are programs for the target."""
    stats = os.path.join(scratch, f"{target.name}.stats")
    if os.path.exists(stats):
        os.remove(stats)
    command = ["env", f"RMAPDIFF_STATS={stats}", target.binary, *target.options,
               "-detect_leaks=0"]
    code, output = replay.run_once(command, seeds) if seeds else (0, b"")
    if code != 0:
        return 0
    if os.path.exists(stats):
        return trial.read_execs(stats)
    executed = len(replay.EXECUTED.findall(output))
    return executed if target.name == build.CODEC_TARGET else 0


def _count_problem(own, executed):
    if executed == 0:
        return "no seed was executed"
    if executed < own:
        return f"{own} seeds pass, but only {executed} are programs for this target"
    return ""


def replay_target(target, scratch):
    """Replayed; each seed is a case, and so is that enough of them were run."""
    begin = time.monotonic()
    seeds = replay.list_seeds(target.seeds)
    if not seeds:
        problem = f"empty corpus: {target.seeds} holds no seed, expected one at least"
        return Replayed(target, [Case(target.name, "seeds are executed", 0.0, problem)], 0, 0, 0,
                        [])
    command = [target.binary, *target.options, f"-artifact_prefix={scratch}/"]
    results = replay.replay(command, seeds)
    seconds = (time.monotonic() - begin) / len(seeds)
    cases, failed = [], []
    for result in results:
        text = result.failure or ""
        signature = finding.signature_of(result.code, result.output) if text else ""
        problem = text and (signature or text.split("\n", 1)[0])
        name = seed_name(result.seed)
        cases.append(Case(target.name, name, seconds, problem, text, finding=bool(signature),
                          again=repro_command(name) if signature else ""))
        if text and not text.startswith(replay.NOT_EXECUTED):
            failed.append(Artifact(target.name, result.seed, signature,
                                   seed=seed_name(result.seed)))
    passed = [result.seed for result in results if result.failure is None]
    own = sum(not os.path.basename(seed).startswith(REGRESSION) for seed in passed)
    executed = _count(target, passed, scratch)
    cases.append(Case(target.name, "seeds are executed", 0.0, _count_problem(own, executed)))
    return Replayed(target, cases, len(seeds), executed, max(0, executed - own), failed)


def regressions_case(replayed):
    """Whether there are at least as many runs of regressions as there are regressions."""
    names = {os.path.basename(seed) for one in replayed
             for seed in replay.list_seeds(one.target.seeds)
             if os.path.basename(seed).startswith(REGRESSION)}
    ran = sum(one.regressions for one in replayed)
    problem = ""
    if not names:
        problem = "no target replays a regression"
    elif ran < len(names):
        problem = f"{len(names)} regressions, but targets accepted only {ran}"
    return Case("replay", "every regression is executed", 0.0, problem)

"""Fuzzes one target for its share of the budget, with a fixed seed.

It begins with the target's seeds, and with what long runs have found if a corpus of theirs is
given.

libFuzzer ends with the first input that fails. It is started again, with the next seed and what it
has learnt, as long as there is time, so that a bug that the base has as well hides no new one.
"""

import collections
import math
import os
import re
import shutil
import subprocess
import time

import build
import finding
import replay
import trial
from outcome import Artifact

MAX_STARTS = 20

ARTIFACT = re.compile(r"Test unit written to (\S+)")
PROGRESS = re.compile(r"^#(\d+)\t", re.MULTILINE)
COUNTERS = re.compile(r"\((\d+) inline 8-bit counters\)")

# execs: programs run. problem: why this proves nothing, "" if it does. seed: of the first start.
Fuzzed = collections.namedtuple("Fuzzed", "target execs seconds seed starts artifacts problem text")


def share(budget, jobs, targets):
    """Whole seconds for each of so many targets; one at least."""
    return max(1, math.floor(budget * min(jobs, targets) / targets)) if targets else 0


def _start(target, seed, seconds, folder, corpus):
    """One run of libFuzzer; (exit code, what it has printed)."""
    command = [target.binary, *target.options, f"-seed={seed}", f"-max_total_time={seconds}",
               f"-artifact_prefix={folder}/", corpus]
    env = {**os.environ, "RMAPDIFF_STATS": os.path.join(folder, "stats")}
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def _execs(target, folder, logs):
    stats = os.path.join(folder, "stats")
    if os.path.exists(stats):
        return trial.read_execs(stats)
    if target.name != build.CODEC_TARGET:
        return 0
    return sum(int(PROGRESS.findall(log)[-1]) for log in logs if PROGRESS.search(log))


def _problem(code, log):
    """What is wrong with a run that has left no artifact."""
    if code != 0:
        return f"exit code {code} without an artifact"
    counters = COUNTERS.search(log)
    if counters is None or int(counters[1]) == 0:
        return "has no coverage counters: it fuzzes blindly"
    return ""


def _gather(target, corpus, failing, grown):
    """Fills `corpus` with what to begin with: seeds, and what other runs have found."""
    os.makedirs(corpus)
    paths = [path for path in replay.list_seeds(target.seeds) if path not in failing]
    for path in paths + replay.list_seeds(os.path.join(grown, target.name) if grown else ""):
        shutil.copyfile(path, os.path.join(corpus, os.path.basename(path)))


def _forget(corpus, artifact):
    """An input of a grown corpus that fails must not end every start; its name is its hash."""
    path = os.path.join(corpus, os.path.basename(artifact).rsplit("-", 1)[-1])
    if os.path.exists(path):
        os.remove(path)


def fuzz(target, seconds, seed, folder, failing=(), grown=""):
    """Fuzzed; `failing` are seeds that are known to fail, `grown` a folder of corpora."""
    corpus = os.path.join(folder, "corpus")
    _gather(target, corpus, failing, grown)
    begin = time.monotonic()
    artifacts, logs, problem = {}, [], ""
    left = seconds
    while left > 0 and len(logs) < MAX_STARTS and not problem:
        code, log = _start(target, seed + len(logs), math.ceil(left), folder, corpus)
        logs.append(log)
        written = ARTIFACT.search(log)
        if code != 0 and written:
            found = finding.read(code, log)
            raw = found.signature if found else f"exit-{code}"
            artifacts.setdefault(raw, Artifact(target.name, written[1], raw))
            _forget(corpus, written[1])
        else:
            problem = _problem(code, log)
        left = seconds - (time.monotonic() - begin)
        if code == 0:
            break
    execs = _execs(target, folder, logs)
    if execs == 0:
        problem = problem or "executed nothing"
    text = logs[-1] if problem and logs else ""
    return Fuzzed(target, execs, time.monotonic() - begin, seed, len(logs),
                  list(artifacts.values()), problem, text)

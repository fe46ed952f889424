"""One trial: the mix of a fuzz target with a seeded fault, from an empty corpus until a finding.

A scout (fuzzers/scout_main.cc) and the sanitized target take turns on one core. A finding of the
scout counts when the sanitized target shows one for the same input, or else the scout itself does
so once more. Time is that of the processor, of all that runs, so that a busy machine changes
little. The target is not to symbolize its stacks: that takes longer than most findings do.
"""

import collections
import math
import os
import re
import shutil
import struct
import subprocess
import tempfile
import time

from tools.scripts.common import processor, script
from tools.scripts.mutants import finding, mix

# How many seconds of the clock a second of the processor may take on a busy machine.
PATIENCE = 20

SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "symbolize=0:detect_leaks=0:abort_on_error=0",
    "UBSAN_OPTIONS": "symbolize=0",
}
SANITIZED = ["env", *(f"{name}={value}" for name, value in SANITIZER_OPTIONS.items())]

# Instead of a folder of seeds: AFL++ does the fuzzing.
AFL = "afl"

# Of the time of a trial, so many percent are for the sanitized target; the scout has the rest. The
# same as that of tools/fuzz (tools/cli/fuzz/fuzz.cc); docs/finding-power.md has the measurement.
SANITIZED_PERCENT = 25
# The sanitized target needs so many seconds to start and to run its first programs.
HEAD_START = 0.1

LIVE_BLOCK = struct.Struct("=8sQQQQ")  # magic, version, execs, ops, findings

# Names of the files to which libFuzzer writes the input that has ended it.
ARTIFACTS = ("crash-", "timeout-", "oom-", "leak-")

AFL_SETTINGS = {
    "AFL_BENCH_UNTIL_CRASH": "1",
    "AFL_FAST_CAL": "1",
    "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1",
    "AFL_NO_AFFINITY": "1",
    "AFL_NO_UI": "1",
    "AFL_SKIP_CPUFREQ": "1",
}

# Of a program's bytes (fuzzers/program/bytes.cc), so much as the first input of AFL++ needs. A mode
# is a place in MmuMode (fuzzers/program/program.h).
HEADER_BYTES = RECORD_BYTES = 8
FORMAT_VERSION = 2
TINY_FLAG = 1 << 0  # byte 1
MODE_NONE, MODE_TDP = 0, 5  # byte 2
LOG_FLAG, OOM_FLAG = 1 << 5, 1 << 6  # byte 3

# arm: the name of what is compared. binary: the sanitized fuzz target, "" for none. flags, env: of
# the target and of the scout. seeds: a folder, None for an empty corpus, AFL for a run of AFL++
# from one small input, for which it has to know the fuzz target. clean: the fuzz target without the
# fault. keep: a folder for the input that was found. scout: the program, "" for none. sanitized:
# percent of the time for the sanitized target, of the two.
Task = collections.namedtuple(
    "Task", "arm mutant seed binary flags env seeds target clean keep scout sanitized",
    defaults=((), None, None, "", "", "", "", SANITIZED_PERCENT))

# mutant, seed: of the task. seconds, execs: until the end. found: whether there is a finding that
# counts. by: divergence's check, "sanitizer", "signal", "timeout", "oom"; "" if not found.
# signature: of the finding. guilty: the engine that it names, "" if it names none.
Trial = collections.namedtuple("Trial", "mutant seed seconds execs found by signature guilty")


class Broken(script.Failure):
    """A target that ended by neither a finding nor the time limit; says how."""

    def __init__(self, what):
        super().__init__(script.ENVIRONMENT, f"a target does not work: {what}")


# Programs and operations that a target has counted.
Counts = collections.namedtuple("Counts", "execs ops")


def read_execs(path):
    """Programs that a target has counted, 0 if the file holds no figures."""
    return read_counts(path).execs


def read_counts(path):
    """Counts, of zeroes if the file holds no figures.

    The layout is that of fuzzers/live_counters.h. A trial needs no command line, which would have
    to be built first, so it reads the block itself; live_counters_test keeps the two alike.
    """
    with open(path, "rb") as file:
        block = file.read()
    if len(block) != LIVE_BLOCK.size:
        return Counts(0, 0)
    magic, version, execs, ops, _ = LIVE_BLOCK.unpack(block)
    return Counts(execs, ops) if (magic, version) == (b"RMAPDIFF", 1) else Counts(0, 0)


def _start_input(target):
    """A program of one operation that the target accepts: AFL++ needs something to begin with."""
    tiny = target.startswith("tiny_")
    mode = MODE_NONE if target.endswith("rmap_fuzzer") else MODE_TDP
    mmu_flags = {"dirty_log_fuzzer": LOG_FLAG, "oom_fuzzer": OOM_FLAG}.get(target, 0)
    header = bytes([FORMAT_VERSION, TINY_FLAG if tiny else 0, mode, mmu_flags])
    return header.ljust(HEADER_BYTES, b"\0") + bytes(RECORD_BYTES)


def _nothing(task, seconds, execs):
    """A trial that has found nothing."""
    return Trial(task.mutant, task.seed, float(seconds), execs, False, "", "", "")


def _run_afl(task, limit, folder):
    """AFL++ in persistent mode until its first crash, timed by the clock."""
    seeds, out = os.path.join(folder, "in"), os.path.join(folder, "out")
    os.mkdir(seeds)
    with open(os.path.join(seeds, "start"), "wb") as file:
        file.write(_start_input(task.target))
    env = {**os.environ, **AFL_SETTINGS}
    command = ["afl-fuzz", "-i", seeds, "-o", out, "-V", str(limit), "-s", str(task.seed), "-t",
               "25000", "-m", "none", "--", task.binary]
    log = os.path.join(folder, "log")
    begin = time.monotonic()
    with open(log, "wb") as output:
        code = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=output,
                              stderr=output, check=False).returncode
    seconds = min(time.monotonic() - begin, float(limit))
    crashes = os.path.join(out, "default", "crashes")
    if not os.path.isdir(crashes):
        with open(log, encoding="utf-8", errors="replace") as file:
            raise Broken(f"{task.mutant}: afl-fuzz: exit code {code}: "
                         + re.sub(r"\s+", " ", file.read()[-300:]))
    if any(name.startswith("id:") for name in os.listdir(crashes)):
        return Trial(task.mutant, task.seed, seconds, 0, True, "crash", "", "")
    return _nothing(task, limit, 0)


def run(task, limit):
    """Tries one mutant; `limit` in whole seconds of the processor.

    A finding that the clean build shows as well is none of the mutant, and the trial goes on with
    another seed.
    """
    folder = tempfile.mkdtemp(prefix="rmapdiff-trial-")
    try:
        return (_run_afl if task.seeds == AFL else _run_mix)(task, limit, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run_mix(task, limit, folder):
    stats = os.path.join(folder, "stats")
    with mix.Mix(_parts(task, limit, folder, stats), task.seed, limit, folder) as running:
        found = _first_finding(task, running, folder)
        seconds = min(running.seconds(), float(limit))
    execs = read_execs(stats) if os.path.exists(stats) else 0
    return Trial(task.mutant, task.seed, seconds, execs, bool(found), *(found or ("", "", "")))


def _parts(task, limit, folder, stats):
    """The programs of the mix, the scout first: it is the quicker one to start."""
    corpus = os.path.join(folder, "corpus")
    os.mkdir(corpus)
    # Without a folder nothing is written, which would take part of the time.
    folders = [corpus, task.seeds] if task.seeds else []
    env = {**os.environ, **SANITIZER_OPTIONS, "RMAPDIFF_STATS": stats, **(task.env or {})}

    def words(seed):
        return [f"-seed={seed}", f"-max_total_time={limit * PATIENCE}",
                f"-artifact_prefix={folder}/", *task.flags]

    parts = []
    if task.scout and task.sanitized < 100:
        hand_over = [f"-hand_over={corpus}"] if task.seeds else []
        parts.append(mix.Part("scout", 100 - task.sanitized, 0.0,
                              lambda seed: [task.scout, task.target, *words(seed), *hand_over],
                              env))
    if task.binary and task.sanitized > 0:
        parts.append(mix.Part("target", task.sanitized, HEAD_START,
                              lambda seed: [task.binary, *words(seed), *folders], env))
    return parts


def _first_finding(task, running, folder):
    """The first finding that counts, None if there is none until the time is up."""
    for end in running.ends():
        found = finding.read(end.code, end.text)
        if not found and end.code not in (0, *processor.OUT_OF_TIME):
            raise Broken(f"{task.mutant}: seed {end.seed}: exit code {end.code}: "
                         + re.sub(r"\s+", " ", end.text[-300:]))
        artifact = _artifact(folder)
        if found and artifact and end.part.name == "scout":
            found = _confirmed(task, artifact, running, folder)
        if found and not _is_of_clean(task, artifact, found):
            if artifact and task.keep:
                shutil.copyfile(artifact, os.path.join(task.keep, f"{task.mutant}-{task.seed}"))
            return found
        if artifact:
            os.remove(artifact)
    return None


def _confirmed(task, artifact, running, folder):
    """What the sanitized target finds in an input, else what a scout finds; None if neither."""
    commands = [[task.binary]] if task.binary else []
    log = os.path.join(folder, "confirm.log")
    for command in (*commands, [task.scout, task.target]):
        code, seconds = processor.run(
            [*SANITIZED, *command, *task.flags, f"-artifact_prefix={folder}/again-", artifact],
            max(1, math.ceil(running.left())), log)
        running.spend(seconds)
        with open(log, encoding="utf-8", errors="replace") as file:
            found = finding.read(code, file.read())
        if found:
            return found
    return None


def _is_of_clean(task, artifact, found):
    """Whether the clean build shows the same."""
    return bool(artifact and task.clean
                and shows([task.clean, *task.flags], artifact) == found.signature)


def _artifact(folder):
    """The input that has ended the fuzz target, "" if it has left none."""
    for name in sorted(os.listdir(folder)):
        if name.startswith(ARTIFACTS):
            return os.path.join(folder, name)
    return ""


def shows(command, artifact):
    """The signature that a fuzz target's own output has for an input, "" for none."""
    done = subprocess.run([*SANITIZED, *command, artifact], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return finding.signature_of(done.returncode, done.stdout.decode("utf-8", "replace"))

"""One trial: a fuzz target with a seeded fault, from an empty corpus until it finds something.

Time is that of the processor, of the target and its children, so that a busy machine changes
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
from tools.scripts.mutants import finding

# How many seconds of the clock a second of the processor may take on a busy machine.
PATIENCE = 20

SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "symbolize=0:detect_leaks=0:abort_on_error=0",
    "UBSAN_OPTIONS": "symbolize=0",
}
SANITIZED = ["env", *(f"{name}={value}" for name, value in SANITIZER_OPTIONS.items())]

# Instead of a folder of seeds: AFL++ does the fuzzing; random programs, which nothing guides.
AFL = "afl"
HUNT = "hunt"

# A trial that the clean build has stopped goes on with another seed, so far away from the last one.
NEXT_SEED = 1 << 20

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
FORMAT_VERSION = 1
TINY_FLAG = 1 << 0  # byte 1
MODE_NONE, MODE_TDP = 0, 5  # byte 2
LOG_FLAG, OOM_FLAG = 1 << 5, 1 << 6  # byte 3

# arm: the name of what is compared. flags, env: of the target. seeds: a folder, None for an empty
# corpus, AFL for a run of AFL++ from one small input, for which it has to know the fuzz target,
# HUNT for tests/mutants/hunt.cc, whose arguments are flags. clean: the fuzz target without the
# fault. keep: a folder for the input that was found.
Task = collections.namedtuple("Task", "arm mutant seed binary flags env seeds target clean keep",
                              defaults=((), None, None, "", "", ""))

# mutant, seed: of the task. seconds, execs: until the end. found: whether the target ended by
# a finding. by: divergence's check, "sanitizer", "timeout", "oom"; "" if not found. signature: of
# the finding. guilty: the engine that it names, "" if it names none.
Trial = collections.namedtuple("Trial", "mutant seed seconds execs found by signature guilty")


class Broken(script.Failure):
    """A target that ended by neither a finding nor the time limit; says how."""

    def __init__(self, what):
        super().__init__(script.ENVIRONMENT, f"a target does not work: {what}")


def read_execs(path):
    """Programs that a target has counted, 0 if the file holds no figures.

    The layout is that of fuzzers/live_counters.h. A trial needs no command line, which would have
    to be built first, so it reads the block itself; live_counters_test keeps the two alike.
    """
    with open(path, "rb") as file:
        block = file.read()
    if len(block) != LIVE_BLOCK.size:
        return 0
    magic, version, execs, _, _ = LIVE_BLOCK.unpack(block)
    return execs if (magic, version) == (b"RMAPDIFF", 1) else 0


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
    spent, execs, part = 0.0, 0, task
    while True:
        one, is_of_clean = _run_once(part, max(1, math.ceil(limit - spent)))
        spent += one.seconds
        execs += one.execs
        if not is_of_clean:
            return one._replace(seed=task.seed, seconds=min(spent, float(limit)), execs=execs)
        if spent >= limit:
            return _nothing(task, limit, execs)
        part = part._replace(seed=part.seed + NEXT_SEED)


def _run_once(task, limit):
    """(the trial until its first finding, whether the clean build has the same one)."""
    folder = tempfile.mkdtemp(prefix="rmapdiff-trial-")
    try:
        if task.seeds == AFL:
            return _run_afl(task, limit, folder), False
        if task.seeds == HUNT:
            return _run_hunt(task, limit, folder), False
        one = _run_fuzz_target(task, limit, folder)
        artifact = _artifact(folder) if one.found else ""
        if artifact and task.keep:
            shutil.copyfile(artifact, os.path.join(task.keep, f"{task.mutant}-{task.seed}"))
        return one, (bool(artifact and task.clean)
                     and shows([task.clean, *task.flags], artifact) == one.signature)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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


def _run_hunt(task, limit, folder):
    """So many random programs as the flags say, from the seed on; until the first finding."""
    log = os.path.join(folder, "log")
    code, seconds = processor.run([task.binary, *task.flags, str(task.seed)], limit, log)
    with open(log, encoding="utf-8", errors="replace") as file:
        first, _, program = file.read().partition("\n")
    words = first.split()
    if code not in (0, 1) or words[:1] not in (["found"], ["nothing"]):
        raise Broken(f"{task.mutant}: seed {task.seed}: exit code {code}: {first[:300]}")
    if words[0] == "nothing":
        return _nothing(task, seconds, int(words[1]))
    if task.keep:
        script.write_whole(os.path.join(task.keep, f"{task.mutant}-{task.seed}.ops"), program)
    return Trial(task.mutant, task.seed, seconds, int(words[3]), True, "verdict", words[2],
                 words[1])


def _run_fuzz_target(task, limit, folder):
    corpus, stats, log = (os.path.join(folder, name) for name in ("corpus", "stats", "log"))
    os.mkdir(corpus)
    # Without a folder nothing is written, which would take part of the time.
    folders = [corpus, task.seeds] if task.seeds else []
    command = [task.binary, f"-seed={task.seed}", f"-max_total_time={limit * PATIENCE}",
               f"-artifact_prefix={folder}/", *task.flags, *folders]
    env = {**os.environ, **SANITIZER_OPTIONS, "RMAPDIFF_STATS": stats, **(task.env or {})}
    code, seconds = processor.run(command, limit, log, env)
    with open(log, encoding="utf-8", errors="replace") as file:
        text = file.read()
    execs = read_execs(stats) if os.path.exists(stats) else 0
    found = finding.read(code, text)
    if found:
        return Trial(task.mutant, task.seed, min(seconds, float(limit)), execs, True, *found)
    if code not in (0, *processor.OUT_OF_TIME):
        raise Broken(f"{task.mutant}: seed {task.seed}: exit code {code}: "
                     + re.sub(r"\s+", " ", text[-300:]))
    return _nothing(task, limit, execs)

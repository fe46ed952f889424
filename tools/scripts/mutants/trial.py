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

# mutant, seed: what was tried. seconds, execs: until the end. found: whether the target ended by
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


def _run_afl(mutant, binary, seed, limit, target, folder):
    """AFL++ in persistent mode until its first crash, timed by the clock."""
    seeds, out = os.path.join(folder, "in"), os.path.join(folder, "out")
    os.mkdir(seeds)
    with open(os.path.join(seeds, "start"), "wb") as file:
        file.write(_start_input(target))
    env = {**os.environ, **AFL_SETTINGS}
    command = ["afl-fuzz", "-i", seeds, "-o", out, "-V", str(limit), "-s", str(seed), "-t",
               "25000", "-m", "none", "--", binary]
    log = os.path.join(folder, "log")
    begin = time.monotonic()
    with open(log, "wb") as output:
        code = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=output,
                              stderr=output, check=False).returncode
    seconds = min(time.monotonic() - begin, float(limit))
    crashes = os.path.join(out, "default", "crashes")
    if not os.path.isdir(crashes):
        with open(log, encoding="utf-8", errors="replace") as file:
            raise Broken(f"{mutant}: afl-fuzz: exit code {code}: "
                         + re.sub(r"\s+", " ", file.read()[-300:]))
    found = any(name.startswith("id:") for name in os.listdir(crashes))
    return Trial(mutant, seed, seconds if found else float(limit), 0, found,
                 "crash" if found else "", "", "")


def run(mutant, binary, seed, limit, flags=(), env=None, seeds=None, target="", clean="",
        keep=""):
    """Tries one mutant; `limit` in whole seconds of the processor.

    seeds: a folder, None for an empty corpus, AFL for a run of AFL++ from one small input, for
    which it has to know the fuzz target, HUNT for tests/mutants/hunt.cc, whose arguments are flags.
    clean: the fuzz target without the fault. A finding that it shows as well is none of the
    mutant, and the trial goes on with another seed. keep: a folder for the input that was found.
    """
    spent, execs, next_seed = 0.0, 0, seed
    while True:
        left = max(1, math.ceil(limit - spent))
        one, is_of_clean = _run_once(mutant, binary, next_seed, left, flags, env, seeds, target,
                                     clean, keep)
        spent += one.seconds
        execs += one.execs
        if not is_of_clean:
            return one._replace(seed=seed, seconds=min(spent, float(limit)), execs=execs)
        if spent >= limit:
            return Trial(mutant, seed, float(limit), execs, False, "", "", "")
        next_seed += NEXT_SEED


def _run_once(mutant, binary, seed, limit, flags, env, seeds, target, clean, keep):
    """(the trial until its first finding, whether the clean build has the same one)."""
    folder = tempfile.mkdtemp(prefix="rmapdiff-trial-")
    try:
        if seeds == AFL:
            return _run_afl(mutant, binary, seed, limit, target, folder), False
        if seeds == HUNT:
            return _run_hunt(mutant, binary, seed, limit, flags, folder, keep), False
        one = _run_fuzz_target(mutant, binary, seed, limit, flags, env, seeds, folder)
        artifact = _artifact(folder) if one.found else ""
        if artifact and keep:
            shutil.copyfile(artifact, os.path.join(keep, f"{mutant}-{seed}"))
        return one, bool(artifact and clean) and shows([clean, *flags], artifact) == one.signature
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


def _run_hunt(target, binary, seed, limit, flags, folder, keep):
    """So many random programs as the flags say, from `seed` on; until the first finding."""
    log = os.path.join(folder, "log")
    code, seconds = processor.run([binary, *flags, str(seed)], limit, log)
    with open(log, encoding="utf-8", errors="replace") as file:
        first, _, program = file.read().partition("\n")
    words = first.split()
    if code not in (0, 1) or words[:1] not in (["found"], ["nothing"]):
        raise Broken(f"{target}: seed {seed}: exit code {code}: {first[:300]}")
    if words[0] == "nothing":
        return Trial(target, seed, seconds, int(words[1]), False, "", "", "")
    if keep:
        script.write_whole(os.path.join(keep, f"{target}-{seed}.ops"), program)
    return Trial(target, seed, seconds, int(words[3]), True, "verdict", words[2], words[1])


def _run_fuzz_target(mutant, binary, seed, limit, flags, env, seeds, folder):
    corpus, stats, log = (os.path.join(folder, name) for name in ("corpus", "stats", "log"))
    os.mkdir(corpus)
    # Without a folder nothing is written, which would take part of the time.
    folders = [corpus, seeds] if seeds else []
    command = [binary, f"-seed={seed}", f"-max_total_time={limit * PATIENCE}",
               f"-artifact_prefix={folder}/", *flags, *folders]
    full_env = {**os.environ, **SANITIZER_OPTIONS, "RMAPDIFF_STATS": stats, **(env or {})}
    code, seconds = processor.run(command, limit, log, full_env)
    with open(log, encoding="utf-8", errors="replace") as file:
        text = file.read()
    execs = read_execs(stats) if os.path.exists(stats) else 0
    found = finding.read(code, text)
    if found is None and code not in (0, *processor.OUT_OF_TIME):
        raise Broken(f"{mutant}: seed {seed}: exit code {code}: "
                     + re.sub(r"\s+", " ", text[-300:]))
    if found is None:
        return Trial(mutant, seed, float(limit), execs, False, "", "", "")
    return Trial(mutant, seed, min(seconds, float(limit)), execs, True, *found)

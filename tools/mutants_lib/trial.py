"""One trial: a fuzz target with a seeded fault, from an empty corpus until it finds something.

Time is that of the processor, of the target and its children, so that a busy machine changes
little. The target is not to symbolize its stacks: that takes longer than most findings do.
"""

import collections
import os
import re
import resource
import shutil
import signal
import struct
import subprocess
import tempfile

import finding

# How many seconds of the clock a second of the processor may take on a busy machine.
PATIENCE = 20

SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "symbolize=0:detect_leaks=0:abort_on_error=0",
    "UBSAN_OPTIONS": "symbolize=0",
}

# mutant, seed: what was tried. seconds, execs: until the end. found: whether the target ended by
# a finding. by: divergence's check, "sanitizer", "timeout", "oom"; "" if not found. signature: of
# the finding. guilty: the engine that it names, "" if it names none.
Trial = collections.namedtuple("Trial", "mutant seed seconds execs found by signature guilty")


class Broken(Exception):
    """A target that ended by neither a finding nor the time limit; says how."""


def read_execs(path):
    """Of the block of figures that fuzzers/fuzz_target.h describes."""
    with open(path, "rb") as file:
        block = file.read()
    return struct.unpack_from("=Q", block, 16)[0] if len(block) >= 24 else 0


def _limit_time(seconds):
    """In the child: SIGXCPU ends it after so many seconds of the processor."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _run(command, env, limit, log):
    """(exit code as of subprocess, seconds of the processor)."""
    with open(log, "wb") as output:
        # pylint: disable=subprocess-popen-preexec-fn
        child = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=output,
                                 stderr=output, preexec_fn=lambda: _limit_time(limit),
                                 start_new_session=True)
    try:
        _, status, usage = os.wait4(child.pid, 0)
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage.ru_utime + usage.ru_stime


def run(mutant, binary, seed, limit, flags=(), env=None, seeds=None):
    """Tries one mutant; `limit` in whole seconds of the processor, `seeds` a folder or None."""
    folder = tempfile.mkdtemp(prefix="rmapdiff-trial-")
    try:
        corpus, stats, log = (os.path.join(folder, name) for name in ("corpus", "stats", "log"))
        os.mkdir(corpus)
        command = [binary, f"-seed={seed}", f"-max_total_time={limit * PATIENCE}",
                   f"-artifact_prefix={folder}/", *flags, corpus] + ([seeds] if seeds else [])
        full_env = {**os.environ, **SANITIZER_OPTIONS, "RMAPDIFF_STATS": stats, **(env or {})}
        code, seconds = _run(command, full_env, limit, log)
        with open(log, encoding="utf-8", errors="replace") as file:
            text = file.read()
        execs = read_execs(stats) if os.path.exists(stats) else 0
        found = finding.read(code, text)
        if found is None and code not in (0, -signal.SIGXCPU, -signal.SIGKILL):
            raise Broken(f"{mutant}: seed {seed}: exit code {code}: "
                         + re.sub(r"\s+", " ", text[-300:]))
        if found is None:
            return Trial(mutant, seed, float(limit), execs, False, "", "", "")
        return Trial(mutant, seed, min(seconds, float(limit)), execs, True, *found)
    finally:
        shutil.rmtree(folder, ignore_errors=True)

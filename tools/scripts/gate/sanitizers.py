"""Proves that the sanitizers are in the very programs that the gate runs, and that they are fatal.

Two ways. The code is read: an instrumented program calls __asan_report_* before what it must not
do, and __ubsan_handle_*_abort where it must not go on; a handler without _abort prints a line and
goes on, so there may be no call of one. And each program is made to do something wrong
(tools/bazel_rules/sanitizer_self_test.cc), which has to end it, whatever flags and environment say.
"""

import os
import subprocess
import time

from tools.scripts.gate import machine_code
from tools.scripts.gate.outcome import Case

# OSS-Fuzz asks as many of a target: fewer are a runtime that is linked to code without checks.
LEAST_ASAN, LEAST_UBSAN = 1000, 168

# Have no second form: what comes after them does not exist.
ALWAYS_FATAL = ("__ubsan_handle_builtin_unreachable", "__ubsan_handle_missing_return")
# Called by the runtime itself.
OF_THE_RUNTIME = "__ubsan_handle_cfi_"

SAYS = {"address": b"ERROR: AddressSanitizer: heap-use-after-free",
        "undefined": b"runtime error: signed integer overflow"}


def _matters(name):
    return (name.startswith(("__asan_report_", "__ubsan_handle_"))
            and not name.startswith(OF_THE_RUNTIME))


def is_recoverable(name):
    return (name.startswith("__ubsan_handle_") and not name.endswith("_abort")
            and name not in ALWAYS_FATAL)


def judge_calls(calls, least_asan=LEAST_ASAN, least_ubsan=LEAST_UBSAN):
    """The problem in one line, "" for none."""
    asan = sum(count for name, count in calls.items() if name.startswith("__asan_"))
    fatal = sum(count for name, count in calls.items() if name.endswith("_abort"))
    recoverable = {name: count for name, count in calls.items() if is_recoverable(name)}
    if asan < least_asan:
        return f"no AddressSanitizer: {asan} checks, expected {least_asan} at least"
    if recoverable:
        name = max(recoverable, key=recoverable.get)
        return (f"UBSan is recoverable: {sum(recoverable.values())} calls that go on, {name} "
                f"among them, expected -fno-sanitize-recover=all")
    if fatal < least_ubsan:
        return f"no UBSan: {fatal} fatal checks, expected {least_ubsan} at least"
    return ""


def self_test(binary, kind):
    """Whether a fault ends the program; what is wrong in one line, and what it printed."""
    env = {**os.environ, "RMAPDIFF_SELF_TEST": kind}
    # Symbols take a second, and do not matter here; what else is set in the environment does.
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
        env[name] = ":".join(word for word in (env.get(name, ""), "symbolize=0") if word)
    done = subprocess.run([binary, "-runs=0"], env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode("utf-8", "replace")
    if SAYS[kind] not in done.stdout:
        return f"the {kind} sanitizer is missing: it does not see a fault made for it", text
    if done.returncode == 0:
        return f"the {kind} sanitizer sees a fault and the program ends with 0", text
    if b"has ended nothing" in done.stdout:
        return f"the {kind} sanitizer sees a fault and the program goes on", text
    return "", text


def check_target(name, binary, least_asan=LEAST_ASAN, least_ubsan=LEAST_UBSAN):
    """The cases of one program."""
    cases = []
    begin = time.monotonic()
    try:
        calls = machine_code.count_calls(binary, _matters)
        problem = judge_calls(calls, least_asan, least_ubsan)
    except machine_code.NotReadable as error:
        problem = f"its sanitizers cannot be seen: {error}"
    cases.append(Case("sanitizers", f"{name} has checks, all fatal", time.monotonic() - begin,
                      problem))
    for kind in SAYS:
        begin = time.monotonic()
        problem, text = self_test(binary, kind)
        cases.append(Case("sanitizers", f"{name} ends by a fault that the {kind} sanitizer sees",
                          time.monotonic() - begin, problem, text if problem else ""))
    return cases

"""Rules on how tests skip themselves: by one mechanism, for a reason of one list."""

import re

from tools.presubmit.tree import Finding

REASONS = "tools/bazel_rules/skip_reasons.txt"

# Every other way.
FORBIDDEN = re.compile(
    r"\bGTEST_SKIP\b|\bskipTest\b|\bSkipTest\(|unittest\.skip\w*\b|@skip\w*\b"
    r"|\bexpectedFailure\b|\bDISABLED_|__unittest_skip__")

# The mechanism itself, the tests of it, and these rules name what is forbidden.
MECHANISM = ("tests/common/skip.h", "tests/scripts/skip_canary.cc", "tests/scripts/skip_test.py",
             "tools/bazel_rules/skip.py", "tests/presubmit/rules_test.py",
             "tools/presubmit/skip_rules.py")

USE = re.compile(r"\bSKIP_FOR\(\"([^\"]*)\"\)|\bskip_for\(\"([^\"]*)\"|\bskip\.py (no-[a-z0-9-]+)")
LINE = re.compile(r"(no-[a-z0-9-]+): \S")


def _is_test_code(path):
    return path.endswith((".cc", ".h", ".py", ".sh", ".bzl", "BUILD"))


def _uses(tree):
    """Path, line number and reason of each skip."""
    for path in tree.text_paths():
        if _is_test_code(path) and path not in MECHANISM:
            for number, line in tree.lines(path):
                yield from ((path, number, "".join(found)) for found in USE.findall(line))


def check_skips(tree):
    """No test skips itself unseen: only by skip.py and skip.h, and for a listed reason."""
    for path in tree.text_paths():
        if _is_test_code(path) and path not in MECHANISM:
            for number, line in tree.lines(path):
                found = FORBIDDEN.search(line)
                if found:
                    yield Finding(path, number, found.group(),
                                  "SKIP_FOR, skip_for or skip.py (tools/bazel_rules/skip.py)")
    yield from _check_reasons(tree)


def _check_reasons(tree):
    listed = {}
    if tree.exists(REASONS):
        for number, line in tree.lines(REASONS):
            found = LINE.match(line)
            if found:
                listed[found[1]] = number
            elif line and not line.startswith("#"):
                yield Finding(REASONS, number, "bad reason", "'no-ID: what the machine lacks'")
    used = set()
    for path, number, reason in _uses(tree):
        used.add(reason)
        if reason not in listed:
            yield Finding(path, number, f"a skip for '{reason}'", f"a reason of {REASONS}")
    for reason, number in listed.items():
        if reason not in used:
            yield Finding(REASONS, number, f"{reason}, which no test gives", "a reason in use")

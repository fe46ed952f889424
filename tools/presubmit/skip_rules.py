"""Rules on how tests skip themselves: by one mechanism, for a reason of one list."""

import re

from tools.presubmit.tree import Finding, line_of, search

REASONS = "tools/bazel_rules/skip_reasons.txt"

# Every other way.
FORBIDDEN = re.compile(
    r"\bGTEST_SKIP\b|\bskipTest\b|\bSkipTest\(|unittest\.skip\w*\b|@skip\w*\b"
    r"|\bexpectedFailure\b|\bDISABLED_|__unittest_skip__")

# The mechanism itself, the tests of it, and these rules name what is forbidden.
MECHANISM = ("tests/common/skip.h", "tests/scripts/skip_canary.cc", "tests/scripts/skip_test.py",
             "tools/bazel_rules/skip.py", "tests/presubmit/rules_test.py",
             "tools/presubmit/skip_rules.py")

USE = re.compile(r"(?:\b(?:SKIP_FOR|skip_for)\(\"|\bbazel_rules\.skip (?=no-))([^\"\s]*)")
LINE = re.compile(r"(no-[a-z0-9-]+): \S")


def check_skips(tree):
    """No test skips itself unseen: only by skip.py and skip.h, and for a listed reason."""
    tests = [path for path in tree.matching(".cc", ".h", ".py", ".sh", ".bzl", "BUILD")
             if path not in MECHANISM]
    yield from search(tree, tests, FORBIDDEN,
                      "SKIP_FOR, skip_for or skip.py (tools/bazel_rules/skip.py)")
    listed, used = {}, set()
    for number, line in tree.lines(REASONS) if tree.exists(REASONS) else ():
        found = LINE.match(line)
        if found:
            listed[found[1]] = number
        elif line and not line.startswith("#"):
            yield Finding(REASONS, number, "bad reason", "'no-ID: what the machine lacks'")
    for path in tests:
        for match in USE.finditer(tree.text(path)):
            used.add(match[1])
            if match[1] not in listed:
                yield Finding(path, line_of(tree.text(path), match.start()),
                              f"a skip for '{match[1]}'", f"a reason of {REASONS}")
    for reason in listed.keys() - used:
        yield Finding(REASONS, listed[reason], f"{reason}, which no test gives", "a reason in use")

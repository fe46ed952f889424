"""The one way to skip a test: for a reason of skip_reasons.txt, which tools/test then counts.

    Python      from tools.bazel_rules import skip; skip.skip_for("no-tmpfs", "what mount has said")
    GoogleTest  #include "tests/common/skip.h": SKIP_FOR("no-tmpfs") << "what mount has said";
    shell       exec tools/bazel_rules/run_module.sh tools.bazel_rules.skip no-tmpfs "what ..."

Each leaves the words "skip[ID]" in the XML of the test. A skip without these words, or with an ID
that the list does not hold, is a failure (test_summary.py). The presubmit forbids every other way.

Exit code of the module: 0 the test is skipped, 1 the list does not hold the reason, 2 wrong usage.
"""

import os
import re
import sys
import unittest

from tools.bazel_rules import junit

REASONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "skip_reasons.txt")

MARK = re.compile(r"skip\[([^\]]*)\]")
LINE = re.compile(r"(no-[a-z0-9-]+): (\S.*)")


def read_reasons():
    """The texts of the list by id, in its order."""
    with open(REASONS, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file if not line.startswith("#")]
    return dict(LINE.fullmatch(line).groups() for line in lines)


def mark(reason, detail=""):
    """What a skipped test says of itself; ValueError if the list does not hold the reason."""
    reasons = read_reasons()
    if reason not in reasons:
        raise ValueError(f"skip for '{reason}', expected one of {', '.join(reasons)}")
    return f"skip[{reason}] {reasons[reason]}" + (f": {detail}" if detail else "")


def listed_reason(text):
    """The reason of the list that a skipped test gives; None if it gives none."""
    found = MARK.search(text)
    return found[1] if found and found[1] in read_reasons() else None


def skip_for(reason, detail=""):
    """Skips the running `unittest` case; ValueError, which fails it, for an unlisted reason."""
    raise unittest.SkipTest(mark(reason, detail))


def main(words):
    if len(words) not in (1, 2):
        print("usage: skip ID [DETAIL]", file=sys.stderr)
        return 2
    try:
        message = mark(*words)
    except ValueError as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    print(message)
    test = os.environ.get("TEST_TARGET", "test")
    junit.write([(test, test, "", message)])
    # Bazel asks each shard for this sign of life.
    if os.environ.get("TEST_SHARD_STATUS_FILE"):
        with open(os.environ["TEST_SHARD_STATUS_FILE"], "w", encoding="utf-8"):
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

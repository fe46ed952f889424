"""Runs the `unittest` cases of one module and writes each as a test case to $XML_OUTPUT_FILE.

A case may skip itself with skip.skip_for alone; one that does it in another way fails.

Usage: tools/scripts/start.py tools.bazel_rules.run_unittests MODULE
"""

import collections
import sys
import unittest

from tools.bazel_rules import junit, skip


class Result(unittest.TextTestResult):
    """Remembers the ids of all cases that were started."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.started = []

    def startTest(self, test):
        super().startTest(test)
        self.started.append(test.id())

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        if skip.listed_reason(reason) is None:
            error = AssertionError(f"skipped: '{reason}', expected skip.skip_for and its list")
            self.addFailure(test, (AssertionError, error, None))


def cases(result):
    """The cases for junit.write: those that were started, and whole classes that were not."""
    problems = collections.defaultdict(str)
    for test, text in result.failures + result.errors:
        # A subtest belongs to its case.
        problems[getattr(test, "test_case", test).id()] += f"{test}\n{text}"
    skips = {test.id(): reason for test, reason in result.skipped}
    ids = dict.fromkeys([*result.started, *problems, *skips])
    return [(*case.rsplit(".", 1), problems[case], skips.get(case, "")) for case in ids]


def main(module):
    # Python writes no compiled files into the source tree.
    sys.dont_write_bytecode = True
    suite = unittest.defaultTestLoader.loadTestsFromName(module)
    result = unittest.TextTestRunner(resultclass=Result, verbosity=2).run(suite)
    junit.write(cases(result))
    return 0 if result.testsRun + len(result.skipped) and result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

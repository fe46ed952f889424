"""Runs the `unittest` cases of one module and writes each as a test case to $XML_OUTPUT_FILE.

A case may skip itself with skip.skip_for alone; one that does it in another way fails.

Usage: tools/scripts/start.py tools.bazel_rules.run_unittests MODULE
"""

import os
import sys
import unittest
from xml.sax import saxutils

from tools.bazel_rules import skip


class Result(unittest.TextTestResult):
    """Remembers every case with what went wrong in it, "" if nothing did, and why it was skipped.

    problems, skips: texts by the case's id.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.problems = {}
        self.skips = {}

    def startTest(self, test):
        super().startTest(test)
        self.problems[test.id()] = ""

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.problems[test.id()] = self.problems.get(test.id(), "") + self.failures[-1][1]

    def addError(self, test, err):
        super().addError(test, err)
        self.problems[test.id()] = self.problems.get(test.id(), "") + self.errors[-1][1]

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        if skip.listed_reason(reason) is None:
            error = AssertionError(f"skipped: '{reason}', expected skip.skip_for and its list")
            self.addFailure(test, (AssertionError, error, None))
        else:
            # A whole class that is skipped has never started.
            self.problems.setdefault(test.id(), "")
            self.skips[test.id()] = reason

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.problems[test.id()] += str(subtest) + self._exc_info_to_string(err, test)


def write_xml(path, problems, skips):
    failures = sum(bool(problem) for problem in problems.values())
    with open(path, "w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n')
        file.write(f'<testsuite name="unittest" tests="{len(problems)}" failures="{failures}">\n')
        for case, problem in problems.items():
            suite, name = case.rsplit(".", 1)
            file.write(f"<testcase classname={saxutils.quoteattr(suite)} "
                       f"name={saxutils.quoteattr(name)}>")
            if problem:
                file.write(f'<failure message="failed">{saxutils.escape(problem)}</failure>')
            elif case in skips:
                file.write(f"<skipped message={saxutils.quoteattr(skips[case])}/>")
            file.write("</testcase>\n")
        file.write("</testsuite>\n</testsuites>\n")


def main(module):
    # A source tree is no place for compiled files.
    sys.dont_write_bytecode = True
    suite = unittest.defaultTestLoader.loadTestsFromName(module)
    result = unittest.TextTestRunner(resultclass=Result, verbosity=2).run(suite)
    if os.environ.get("XML_OUTPUT_FILE"):
        write_xml(os.environ["XML_OUTPUT_FILE"], result.problems, result.skips)
    return 0 if result.problems and result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

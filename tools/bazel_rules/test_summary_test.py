"""The count of `tools/test` is of this run, and nothing that went wrong is counted as passed."""

import contextlib
import io
import os
import tempfile
import unittest

import test_summary


def completed(label, success=True):
    payload = {"success": True} if success else {}
    return {"id": {"targetCompleted": {"label": label}}, "completed": payload}


class SummaryTest(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = scratch.name
        self.output = ""

    def result(self, label, cases, status="PASSED", **key):
        """The event of one test run whose XML holds these cases: "p"assed, "f"ailed, "s"kipped."""
        bodies = {"p": "", "f": "<failure>why</failure>", "s": "<skipped/>"}
        number = len(os.listdir(self.root))
        xml = os.path.join(self.root, f"{number}.xml")
        log = os.path.join(self.root, f"{number}.log")
        with open(xml, "w", encoding="utf-8") as file:
            inner = "".join(f"<testcase>{bodies[case]}</testcase>" for case in cases)
            file.write(f"<testsuites>{inner}</testsuites>")
        with open(log, "w", encoding="utf-8") as file:
            file.write("first line\n" * 1000 + "last line\n")
        outputs = [{"name": "test.xml", "uri": "file://" + xml},
                   {"name": "test.log", "uri": "file://" + log}]
        return {"id": {"testResult": {"label": label, **key}},
                "testResult": {"status": status, "testActionOutput": outputs}}

    def count(self, *events, code=0):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            counts = test_summary.summarize(list(events), code)
        self.output = output.getvalue()
        return counts

    def test_cases_are_counted(self):
        events = [self.result("//a", "ppp"), self.result("//b", "ps")]
        self.assertEqual(self.count(*events), (4, 0))
        self.assertEqual(self.output, "")

    def test_failures_show_the_end_of_the_log(self):
        self.assertEqual(self.count(self.result("//a", "pf", "FAILED"), code=3), (1, 1))
        self.assertIn("FAILED: //a\n", self.output)
        self.assertIn("last line", self.output)
        self.assertLess(self.output.count("first line"), 100)

    def test_a_crash_without_a_failing_case_is_a_failure(self):
        self.assertEqual(self.count(self.result("//a", "p", "TIMEOUT"), code=3), (1, 1))
        self.assertIn("TIMEOUT", self.output)

    def test_a_target_without_cases_is_a_failure(self):
        self.assertEqual(self.count(self.result("//a", "")), (0, 1))

    def test_a_target_with_skipped_cases_alone_is_none(self):
        self.assertEqual(self.count(self.result("//a", "s")), (0, 0))

    def test_targets_that_were_not_built_are_failures(self):
        events = [completed("//a"), completed("//b", success=False), self.result("//a", "p")]
        self.assertEqual(self.count(*events, code=1), (1, 1))
        self.assertIn("//b (was not built)", self.output)

    def test_the_last_attempt_counts(self):
        events = [self.result("//a", "f", "FAILED", attempt=1), self.result("//a", "p", attempt=2)]
        self.assertEqual(self.count(*events), (1, 0))

    def test_shards_add_up(self):
        events = [self.result("//a", "pp", shard=1), self.result("//a", "p", shard=2)]
        self.assertEqual(self.count(*events), (3, 0))

    def test_a_failure_of_bazel_is_a_failure(self):
        self.assertEqual(self.count(self.result("//a", "p"), code=1), (1, 1))

    def test_exit_codes(self):
        self.assertEqual(test_summary.exit_code(3, 0, 0), 0)
        self.assertEqual(test_summary.exit_code(0, 0, 0), 1)
        self.assertEqual(test_summary.exit_code(3, 1, 3), 1)
        self.assertEqual(test_summary.exit_code(0, 1, 2), 2)
        self.assertEqual(test_summary.exit_code(0, 1, 36), 3)


if __name__ == "__main__":
    unittest.main()

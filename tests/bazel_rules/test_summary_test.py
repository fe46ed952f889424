"""The count of `tools/test` is of this run, and nothing that went wrong is counted as passed."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest
import unittest.mock as mock

from tools.bazel_rules import skip, test_summary


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
        """The event of one test run whose XML holds these cases: "p"assed, "f"ailed, "s"kipped.

        Skipped cases have no "r"eason, another than "l"isted ones, or it is "d"isabled.
        """
        bodies = {"p": "", "f": "<failure>why</failure>", "r": "<skipped/>",
                  "s": f"<skipped message='{skip.mark('no-tmpfs')}'/>",
                  "l": "<skipped message='skip[too-late]'/>"}
        number = len(os.listdir(self.root))
        xml = os.path.join(self.root, f"{number}.xml")
        log = os.path.join(self.root, f"{number}.log")
        with open(xml, "w", encoding="utf-8") as file:
            inner = "".join(
                "<testcase status='notrun'/>" if case == "d" else
                f"<testcase name='case'>{bodies[case]}</testcase>" for case in cases)
            file.write(f"<testsuites>{inner}</testsuites>")
        with open(log, "w", encoding="utf-8") as file:
            file.write("first line\n" * 1000 + "last line\n")
        outputs = [{"name": "test.xml", "uri": "file://" + xml},
                   {"name": "test.log", "uri": "file://" + log}]
        return {"id": {"testResult": {"label": label, **key}},
                "testResult": {"status": status, "testActionOutput": outputs}}

    def count(self, *events, code=0):
        """Passed, failed and skipped cases."""
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            counts = test_summary.summarize(list(events), code)
        self.output = output.getvalue()
        return counts.passed, counts.failed, sum(counts.skipped.values())

    def run_main(self, *events, code=0):
        """Exit code and last two lines of the whole script."""
        path = os.path.join(self.root, "events.json")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(event) + "\n" for event in events)
        output = io.StringIO()
        argv = ["test_summary.py", f"--bazel-exit-code={code}", path]
        with mock.patch.object(sys, "argv", argv), contextlib.redirect_stdout(output):
            return test_summary.main(), output.getvalue().splitlines()[-2:]

    def test_cases_are_counted(self):
        events = [self.result("//a", "ppp"), self.result("//b", "ps")]
        self.assertEqual(self.count(*events), (4, 0, 1))
        self.assertEqual(
            self.output, f"SKIPPED: 1 for no-tmpfs: {skip.read_reasons()['no-tmpfs']}\n")

    def test_failures_show_the_end_of_the_log(self):
        self.assertEqual(self.count(self.result("//a", "pf", "FAILED"), code=3), (1, 1, 0))
        self.assertIn("FAILED: //a\n", self.output)
        self.assertIn("last line", self.output)
        self.assertLess(self.output.count("first line"), 100)

    def test_a_crash_without_a_failing_case_is_a_failure(self):
        self.assertEqual(self.count(self.result("//a", "p", "TIMEOUT"), code=3), (1, 1, 0))
        self.assertIn("TIMEOUT", self.output)

    def test_a_target_without_cases_is_a_failure(self):
        self.assertEqual(self.count(self.result("//a", "")), (0, 1, 0))

    def test_skipped_cases_are_counted_by_reason(self):
        events = [self.result("//a", "ssp"), self.result("//b", "s")]
        self.assertEqual(self.count(*events), (1, 0, 3))
        self.assertIn("SKIPPED: 3 for no-tmpfs: this user", self.output)

    def test_a_skip_for_no_listed_reason_is_a_failure(self):
        self.assertEqual(self.count(self.result("//a", "pr")), (1, 1, 0))
        self.assertEqual(self.count(self.result("//a", "pl")), (1, 1, 0))
        self.assertIn("case was skipped (skip[too-late]), expected a reason of", self.output)

    def test_a_disabled_case_is_a_failure(self):
        self.assertEqual(self.count(self.result("//a", "pd")), (1, 1, 0))
        self.assertIn("was not run, expected no disabled test", self.output)

    def test_a_run_that_skips_everything_is_not_green(self):
        self.assertEqual(self.run_main(self.result("//a", "ss")), (1, [
            "FAILED: every test was skipped, expected one at least that passes",
            "0 passed, 0 failed, 2 skipped"]))
        code, lines = self.run_main(self.result("//a", "ss"), self.result("//b", "p"))
        self.assertEqual((code, lines[-1]), (0, "1 passed, 0 failed, 2 skipped"))

    def test_the_last_line_has_its_third_number_always(self):
        self.assertEqual(self.run_main(self.result("//b", "p")),
                         (0, ["1 passed, 0 failed, 0 skipped"]))

    def test_targets_that_were_not_built_are_failures(self):
        events = [completed("//a"), completed("//b", success=False), self.result("//a", "p")]
        self.assertEqual(self.count(*events, code=1), (1, 1, 0))
        self.assertIn("//b (was not built)", self.output)

    def test_the_last_attempt_counts(self):
        events = [self.result("//a", "f", "FAILED", attempt=1), self.result("//a", "p", attempt=2)]
        self.assertEqual(self.count(*events), (1, 0, 0))

    def test_shards_add_up(self):
        events = [self.result("//a", "pp", shard=1), self.result("//a", "p", shard=2)]
        self.assertEqual(self.count(*events), (3, 0, 0))

    def test_a_failure_of_bazel_is_a_failure(self):
        self.assertEqual(self.count(self.result("//a", "p"), code=1), (1, 1, 0))

    def test_exit_codes(self):
        def code_of(passed, failed, bazel_exit_code):
            counts = test_summary.Counts()
            counts.passed, counts.failed = passed, failed
            return test_summary.exit_code(counts, bazel_exit_code)
        self.assertEqual(code_of(3, 0, 0), 0)
        self.assertEqual(code_of(0, 0, 0), 1)
        self.assertEqual(code_of(3, 1, 3), 1)
        self.assertEqual(code_of(0, 1, 36), 3)


if __name__ == "__main__":
    unittest.main()

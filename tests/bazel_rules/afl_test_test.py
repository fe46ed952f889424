"""A minute of AFL++ cannot pass without having fuzzed, nor with a finding."""

import contextlib
import io
import os
import sys
import tempfile
import unittest
import unittest.mock as mock

from tools.bazel_rules import afl_test

# Behaves like afl-fuzz, as the first byte of the first seed tells it to.
FAKE_AFL = f"""#!{sys.executable}
import os, sys
words = sys.argv[1:]
seeds, out = words[words.index("-i") + 1], words[words.index("-o") + 1]
what = open(os.path.join(seeds, "seed")).read()
if what == "refuse":
    sys.exit("No instrumentation detected")
os.makedirs(out + "/default/crashes")
if what == "crash":
    open(out + "/default/crashes/id:000000,sig:06", "w").write("boom")
with open(out + "/default/fuzzer_stats", "w") as stats:
    for name, value in (
            ("execs_done", 100), ("corpus_count", 1 if what == "idle" else 5),
            ("saved_crashes", int(what == "crash")), ("saved_hangs", int(what == "hang"))):
        print(f"{{name:18}}: {{value}}", file=stats)
sys.exit(3 if what == "stop" else 0)
"""


class AflTest(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = scratch.name
        for folder in ("bin", "corpus", "outputs"):
            os.mkdir(os.path.join(self.root, folder))
        self.write("bin/afl-fuzz", FAKE_AFL)
        os.chmod(os.path.join(self.root, "bin/afl-fuzz"), 0o755)

    def write(self, name, content):
        with open(os.path.join(self.root, name), "w", encoding="utf-8") as file:
            file.write(content)

    def fuzz(self, seed, path=None):
        """Exit code and output of the script with a seed of this content."""
        self.write("corpus/seed", seed)
        environment = {"PATH": path or os.path.join(self.root, "bin"), "TEST_TMPDIR": self.root,
                       "TEST_UNDECLARED_OUTPUTS_DIR": os.path.join(self.root, "outputs")}
        argv = ["afl_test.py", "--name=x", "--binary=target",
                f"--corpus={os.path.join(self.root, 'corpus')}"]
        output = io.StringIO()
        with mock.patch.dict(os.environ, environment), mock.patch.object(sys, "argv", argv):
            with contextlib.redirect_stdout(output):
                code = afl_test.main()
        return code, output.getvalue()

    def test_all_is_well(self):
        code, output = self.fuzz("fine")
        self.assertEqual(code, 0, output)
        self.assertIn("x: 100 execs_done, ? execs_per_sec, 5 corpus_count", output)

    def test_a_crash_fails_and_is_kept(self):
        code, output = self.fuzz("crash")
        self.assertEqual(code, 1)
        self.assertIn("FAILED: x: 1 crashes", output)
        self.assertEqual(os.listdir(os.path.join(self.root, "outputs")),
                         ["crashes-id-000000-sig-06"])

    def test_whatever_else_goes_wrong_fails(self):
        for seed, complaint in (("hang", "1 inputs that hang"), ("stop", "exit code 3"),
                                ("idle", "expected more than the 1 seeds"),
                                ("refuse", "--config=afl?")):
            with self.subTest(seed):
                code, output = self.fuzz(seed)
                self.assertEqual(code, 1)
                self.assertIn(complaint, output)

    def test_afl_must_be_installed(self):
        code, output = self.fuzz("fine", path="/nonexistent")
        self.assertEqual(code, 1)
        self.assertIn("tools/setup --for=engines", output)


if __name__ == "__main__":
    unittest.main()

"""tools/test and tools/setup, in a tree of their own with a Bazel and an apt-get made for the test.

No path of a user is read as shell text, and what the machine can do reaches Bazel by a flag.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

FILES = ("tools/__init__.py", "tools/test", "tools/setup", "tools/bazel_rules/junit.py",
         "tools/bazel_rules/m32.sh", "tools/bazel_rules/skip.py",
         "tools/bazel_rules/skip_reasons.txt", "tools/bazel_rules/test_summary.py",
         "tools/scripts/build/bazel.py", "tools/scripts/common/printable.py",
         "tools/scripts/common/script.py",
         "tools/scripts/start.py", "tools/scripts/start.sh")

# Says with which words it was called, and "runs" the tests whose events $EVENTS has.
BAZEL = """#!/bin/sh
printf '%s\\0' "$@" >"${CALLED}"
for word in "$@"; do
  case "${word}" in
    --build_event_json_file=*) cp "${EVENTS}" "${word#*=}" ;;
    --nope) exit 2 ;;
  esac
done
"""

APT = """#!/bin/sh
printf '%s\\0' "$*" >>"${CALLED}"
[ "$1" = update ]
"""

SUDO = """#!/bin/sh
[ "$1" != -n ] || shift
exec "$@"
"""

PASSED = "<testsuites><testcase name='a'/></testsuites>"


class ToolTest(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = os.path.realpath(scratch.name)
        for name in FILES:
            os.makedirs(os.path.dirname(self.path("tree", name)), exist_ok=True)
            shutil.copy(name, self.path("tree", name))
        self.write("bin/bazel", BAZEL)
        self.write("bin/sudo", SUDO)
        self.set_cases(PASSED)

    def path(self, *names):
        return os.path.join(self.root, *names)

    def write(self, name, content):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(self.path(name), 0o755)
        return self.path(name)

    def set_cases(self, xml):
        uri = "file://" + self.write("test.xml", xml)
        event = {"id": {"testResult": {"label": "//a"}},
                 "testResult": {"status": "PASSED",
                                "testActionOutput": [{"name": "test.xml", "uri": uri}]}}
        self.write("events", json.dumps(event) + "\n")

    def called(self):
        with open(self.path("called"), encoding="utf-8") as file:
            return file.read().split("\0")[:-1]

    def run_tool(self, name, *words, **variables):
        environment = {
            "PATH": self.path("bin") + ":/usr/bin:/bin", "HOME": self.root,
            "EVENTS": self.path("events"), "CALLED": self.path("called"), **variables}
        return subprocess.run([self.path("tree", name), *words], env=environment, text=True,
                              capture_output=True, check=False)


class CommandTest(ToolTest):

    def run_test(self, *words, **variables):
        self.write("tree/tools/setup", "#!/bin/sh\n")
        return self.run_tool("tools/test", *words, **variables)

    def test_the_last_line(self):
        done = self.run_test(RMAPDIFF_M32="kernel")
        self.assertEqual((done.returncode, done.stdout), (0, "1 passed, 0 failed, 0 skipped\n"))
        self.assertNotIn("RMAPDIFF_M32", " ".join(self.called()))

    def test_help_sets_nothing_up(self):
        self.write("tree/tools/setup", "#!/bin/sh\nexit 9\n")
        for word in ("--help", "-h"):
            done = self.run_tool("tools/test", word)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(done.stdout.startswith("Runs the tests "), done.stdout)
            self.assertIn("\nExit code: 0 none failed", done.stdout)
            self.assertNotIn("set -euo", done.stdout)

    def test_wrong_usage_counts_nothing(self):
        done = self.run_test("--nope")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(done.stderr, "tools/test: wrong usage, expected what `bazel test` takes: "
                                      "targets, flags\n")

    def test_the_last_line_is_what_the_readme_says(self):
        with open("README.md", encoding="utf-8") as file:
            said = re.search(r'tools/test .*; ends with "(.*)"', file.read())[1]
        last_line = self.run_test().stdout.splitlines()[-1]
        self.assertEqual(re.sub(r"\d+", "N", last_line), said)

    def test_skipped_cases_are_told(self):
        self.set_cases("<testsuites><testcase name='a'/><testcase name='b'><skipped "
                       "message='skip[no-tmpfs]'/></testcase></testsuites>")
        done = self.run_test()
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"\ASKIPPED: 1 for no-tmpfs: this user [^\n]*\n"
                                      r"1 passed, 0 failed, 1 skipped\n\Z")

    def test_how_32_bit_programs_run_is_told_to_bazel(self):
        for way in ("qemu", "none"):
            self.assertEqual(self.run_test("//a", RMAPDIFF_M32=way).returncode, 0)
            self.assertIn(f"--test_env=RMAPDIFF_M32={way}", self.called())
        done = self.run_test(RMAPDIFF_M32="no")
        self.assertEqual(done.returncode, 2)
        self.assertIn("RMAPDIFF_M32=no, expected kernel, qemu or none", done.stderr)

    def test_a_hostile_tmpdir_is_only_a_folder(self):
        kept = self.write("kept/file", "")
        for name in (f"a' '{self.path('kept')}", "$(touch PWNED)", "a;touch PWNED;'b", "new\nline"):
            folder = self.path("tmp", name)
            os.makedirs(folder)
            with self.subTest(name):
                done = self.run_test(TMPDIR=folder, HOME="/nonexistent", RMAPDIFF_M32="kernel")
                self.assertEqual((done.returncode, done.stdout),
                                 (0, "1 passed, 0 failed, 0 skipped\n"), done.stderr)
                self.assertEqual(self.called()[:2], [
                    f"--output_user_root={folder}/rmapdiff-bazel-{os.getuid()}", "test"])
                self.assertEqual(os.listdir(folder), [])
        self.assertTrue(os.path.exists(kept))
        found = [name for _, folders, names in os.walk(self.root) for name in folders + names]
        self.assertNotIn("PWNED", found)


class SetupTest(ToolTest):
    """What tools/setup does on a machine that has all it needs, but for 32-bit programs."""

    def run_setup(self, how, *words, **variables):
        self.write("bin/apt-get", APT)
        self.write("tree/tools/bazel_rules/m32.sh", f"#!/bin/sh\necho {how}\n")
        done = self.run_tool("tools/setup", *words, **variables)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def test_qemu_is_asked_for_where_nothing_runs_32_bit_programs(self):
        errors = self.run_setup("none")
        self.assertEqual(self.called(), ["update",
                                         "install -y --no-install-recommends qemu-user"])
        self.assertIn("setup: no qemu-user: tests of 32-bit programs are skipped\n", errors)

    def test_and_nowhere_else(self):
        for words in (("kernel",), ("qemu",), ("none", "--check")):
            self.assertIn("setup: everything is here\n", self.run_setup(*words))
            self.assertFalse(os.path.exists(self.path("called")), words)
        self.run_setup("none", RMAPDIFF_M32="none")
        self.assertFalse(os.path.exists(self.path("called")), "told, and not seen")


if __name__ == "__main__":
    unittest.main()

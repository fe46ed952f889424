"""Every skip is counted: from C++, Python and shell, and where 32-bit programs do not run.

The summary of tools/test counts the skips that each test records, as in a real run.
"""

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import textwrap
import unittest

from tools.bazel_rules import skip, test_summary

ROOT = os.getcwd()

CANARY = os.path.join(ROOT, "tests/scripts/skip_canary")
START = os.path.join(ROOT, "tools/scripts/start.py")
M32 = os.path.join(ROOT, "tools/bazel_rules/m32.sh")

# An ELF file of 32 bits for a processor that no kernel of this one runs: "Exec format error".
FOREIGN = b"\x7fELF\1\1\1" + b"\0" * 9 + b"\2\0\xf3\0\1\0\0\0" + b"\0" * 28


class Scratch(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = scratch.name
        self.xml = os.path.join(self.root, "test.xml")

    def write(self, name, content, mode=0o644):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        os.chmod(path, mode)
        return path

    def run_test(self, *command, **variables):
        """Runs a test as Bazel would, without what is said to this one."""
        names = ("RMAPDIFF_M32", "TEST_SHARD_INDEX", "TEST_TOTAL_SHARDS", "GTEST_OUTPUT")
        environment = {name: value for name, value in os.environ.items() if name not in names}
        environment |= {"XML_OUTPUT_FILE": self.xml, **variables}
        return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)

    def count(self, done):
        """What the summary prints of the test that has run, and its last line."""
        outputs = [{"name": "test.xml", "uri": "file://" + self.xml}]
        status = "PASSED" if done.returncode == 0 else "FAILED"
        event = {"id": {"testResult": {"label": "//a"}},
                 "testResult": {"status": status, "testActionOutput": outputs}}
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            counts = test_summary.summarize([event], 0 if done.returncode == 0 else 3)
        return output.getvalue(), counts.last_line()


class SkipTest(Scratch):

    def assert_skipped(self, done, expected):
        self.assertEqual(done.returncode, 0, done.stdout)
        text = skip.read_reasons()["no-tmpfs"]
        self.assertEqual(self.count(done), (f"SKIPPED: 1 for no-tmpfs: {text}\n", expected))

    def test_from_cpp(self):
        self.assert_skipped(self.run_test(CANARY), "2 passed, 0 failed, 1 skipped")

    def test_from_cpp_without_a_reason(self):
        output, last_line = self.count(self.run_test(CANARY, SKIP_UNSEEN="1"))
        self.assertIn("SkipsUnseen was skipped", output)
        self.assertIn("not in the mood", output)
        self.assertEqual(last_line, "1 passed, 1 failed, 1 skipped")

    def run_python(self, body, head=""):
        self.write("a_test.py",
                   f"import unittest\nfrom tools.bazel_rules import skip\n{head}\n"
                   "class ATest(unittest.TestCase):\n"
                   "    def test_passes(self):\n        pass\n"
                   + textwrap.indent(textwrap.dedent(body), "    "))
        return self.run_test(sys.executable, "-B", START, "tools.bazel_rules.run_unittests",
                             "a_test", PYTHONPATH=self.root)

    def test_from_python(self):
        self.assert_skipped(self.run_python("""
            def test_it(self):
                skip.skip_for("no-tmpfs", "as mount says")
            """), "1 passed, 0 failed, 1 skipped")

    def test_a_whole_class_from_python(self):
        self.assert_skipped(self.run_python("""
            @classmethod
            def setUpClass(cls):
                skip.skip_for("no-tmpfs")
            """), "0 passed, 0 failed, 1 skipped")

    def test_from_python_in_another_way(self):
        for body, head in (
                ("def test_it(self):\n    self.skipTest('not in the mood')\n", ""),
                ("def test_it(self):\n    skip.skip_for('not-listed')\n", ""),
                ("@unittest.skip('not in the mood')\ndef test_it(self):\n    pass\n", ""),
                ("", "@unittest.skip('not in the mood')")):
            with self.subTest(head + body):
                done = self.run_python(body, head)
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertRegex(self.count(done)[1], r"[01] passed, [12] failed, 0 skipped")

    def test_from_shell(self):
        command = (sys.executable, "-B", START, "tools.bazel_rules.skip")
        self.assert_skipped(self.run_test(*command, "no-tmpfs", "as <mount> says"),
                            "0 passed, 0 failed, 1 skipped")
        self.assertEqual(self.run_test(*command, "not-listed").returncode, 1)
        self.assertEqual(self.run_test(*command).returncode, 2)


class M32Test(Scratch):
    """The launcher of 32-bit programs; the program says how it was started."""

    def setUp(self):
        super().setUp()
        with open(M32, encoding="utf-8") as file:
            self.launcher = self.write("program", file.read(), 0o755)
        self.write("program.elf", "#!/bin/sh\necho kernel $ASAN_OPTIONS \"$@\"\n", 0o755)
        self.path = os.path.join(self.root, "bin") + ":/usr/bin:/bin"

    def fake_qemu(self, code=0):
        self.write("bin/qemu-i386", '#!/bin/sh\necho qemu $ASAN_OPTIONS "$@"\nexit '
                   f"{code}\n", 0o755)

    def run_launcher(self, *words, **variables):
        done = self.run_test(self.launcher, *words, PATH=self.path, ASAN_OPTIONS="a=b", **variables)
        return done.returncode, done.stdout

    def test_the_kernel_runs_them(self):
        self.assertEqual(self.run_launcher("x", "-y", RMAPDIFF_M32="kernel"),
                         (0, "kernel a=b x -y\n"))

    def test_qemu_runs_them_where_32_bit_programs_do_not_start(self):
        self.fake_qemu(code=7)
        self.assertEqual(
            self.run_launcher("x", RMAPDIFF_M32="qemu"),
            (7, f"qemu a=b:detect_leaks=0 -0 {self.launcher} {self.launcher}.elf x\n"))

    def test_nothing_runs_them(self):
        self.fake_qemu()
        refused = (3, "m32: the kernel starts no 32-bit program, expected one that does, or "
                      "qemu-i386 (Debian package qemu-user)\n")
        self.assertEqual(self.run_launcher(RMAPDIFF_M32="none"), refused)
        done = self.run_test(M32, "--need", RMAPDIFF_M32="none")
        self.assertEqual((done.returncode, done.stdout), refused)
        for way in ("kernel", "qemu"):
            done = self.run_test(M32, "--need", RMAPDIFF_M32=way)
            self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_another_word_is_wrong_usage(self):
        self.assertEqual(self.run_launcher(RMAPDIFF_M32="no"),
                         (2, "m32: RMAPDIFF_M32=no, expected kernel, qemu or none\n"))

    def how(self, loader, *directories):
        """What the look at a machine says whose 32-bit loader is this file."""
        with open(M32, encoding="utf-8") as file:
            text = file.read()
        script = self.write("m32.sh", text.replace("LOADER=/lib/ld-linux.so.2",
                                                   f"LOADER='{loader}'"), 0o755)
        path = ":".join(directories) or self.root
        done = self.run_test("/bin/bash", script, "--how", PATH=path)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout.strip()

    def test_the_look_at_the_machine(self):
        self.fake_qemu()
        folder = os.path.join(self.root, "bin")
        foreign = self.write("foreign", FOREIGN, 0o755)
        native = self.write("native", "#!/bin/sh\n", 0o755)
        self.assertEqual(self.how(native, folder), "kernel")
        self.assertEqual(self.how(foreign, folder), "qemu")
        self.assertEqual(self.how(os.path.join(self.root, "missing"), folder), "qemu")
        self.assertEqual(self.how(foreign), "none")
        self.fake_qemu(code=1)
        self.assertEqual(self.how(foreign, folder), "none")

    def run_test_of_them(self, way):
        test = self.write("test", '#!/bin/sh\necho "$@"\nexit 5\n', 0o755)
        return self.run_test(M32, "--test", test, "as told", RMAPDIFF_M32=way,
                             PATH=self.path, TEST_TARGET="//a:m32",
                             TEST_SHARD_STATUS_FILE=os.path.join(self.root, "shard"))

    def test_a_test_of_them_is_run(self):
        for way in ("kernel", "qemu"):
            done = self.run_test_of_them(way)
            self.assertEqual((done.returncode, done.stdout), (5, "as told\n"))

    def test_a_test_of_them_is_skipped_where_nothing_runs_them(self):
        done = self.run_test_of_them("none")
        text = skip.read_reasons()["no-32-bit-programs"]
        self.assertEqual((done.returncode, done.stdout),
                         (0, f"skip[no-32-bit-programs] {text}\n"))
        self.assertEqual(self.count(done), (f"SKIPPED: 1 for no-32-bit-programs: {text}\n",
                                            "0 passed, 0 failed, 1 skipped"))
        self.assertTrue(os.path.exists(os.path.join(self.root, "shard")))


if __name__ == "__main__":
    unittest.main()

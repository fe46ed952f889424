"""Every command that is a script: how it reads its words, writes a file and comes to its end."""

import os
import socket
import stat
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

from tools.scripts.common import processor, script


class ProcessorTest(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def run_shell(self, text, limit=60):
        log, path = (os.path.join(self.folder.name, name) for name in ("log", "script"))
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        code, seconds = processor.run(["sh", path], limit, log, cwd=self.folder.name)
        with open(log, encoding="utf-8") as file:
            return code, seconds, file.read()

    def test_the_code_and_all_that_was_printed(self):
        code, seconds, text = self.run_shell("echo out; echo err >&2; pwd; exit 7")
        self.assertEqual((code, text), (7, f"out\nerr\n{os.path.realpath(self.folder.name)}\n"))
        self.assertGreaterEqual(seconds, 0)

    def test_the_limit_is_of_the_processor(self):
        code, seconds, _ = self.run_shell("while :; do :; done", limit=1)
        self.assertIn(code, processor.OUT_OF_TIME)
        self.assertGreater(seconds, 0.5)  # kernels count the limit and the usage apart

    def test_to_wait_uses_none_of_it(self):
        code, seconds, _ = self.run_shell("sleep 2.5", limit=1)
        self.assertEqual(code, 0)
        self.assertLess(seconds, 1)


class WriteWholeTest(unittest.TestCase):
    """script.write_whole and check_writable."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def test_a_file_is_replaced_and_keeps_its_mode(self):
        script.write_whole(self.path("a"), "old")
        os.chmod(self.path("a"), 0o640)
        script.write_whole(self.path("a"), "new")
        self.assertEqual((self.read("a"), stat.S_IMODE(os.stat(self.path("a")).st_mode)),
                         ("new", 0o640))
        self.assertEqual(os.listdir(self.folder), ["a"])

    def test_what_cannot_be_replaced_stays_as_it_was(self):
        script.write_whole(self.path("a"), b"old")
        with mock.patch("os.replace", side_effect=OSError(28, "No space left on device")):
            with self.assertRaises(OSError):
                script.write_whole(self.path("a"), b"new")
        self.assertEqual((self.read("a"), os.listdir(self.folder)), ("old", ["a"]))

    def test_a_link_is_followed(self):
        os.mkdir(self.path("far"))
        os.symlink("far/b", self.path("link"))
        script.write_whole(self.path("link"), "text")
        self.assertTrue(os.path.islink(self.path("link")))
        self.assertEqual(self.read("far/b"), "text")

    def test_a_device_stays_one(self):
        for name in ("/dev/null", self.path("to_null")):
            if name != "/dev/null":
                os.symlink("/dev/null", name)
            script.check_writable(name)
            script.write_whole(name, "text")
            self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))

    def test_a_pipe_is_written_once_and_stays_one(self):
        os.mkfifo(self.path("pipe"))
        reader = os.open(self.path("pipe"), os.O_RDONLY | os.O_NONBLOCK)
        script.check_writable(self.path("pipe"))
        self.assertEqual(os.read(reader, 10), b"")
        script.write_whole(self.path("pipe"), "text")
        self.assertEqual(os.read(reader, 10), b"text")
        os.close(reader)
        self.assertTrue(stat.S_ISFIFO(os.stat(self.path("pipe")).st_mode))

    def test_a_pipe_that_nobody_reads_does_not_hang(self):
        os.mkfifo(self.path("pipe"))
        with self.assertRaisesRegex(OSError, "No such device or address: '.*/pipe'"):
            script.write_whole(self.path("pipe"), "text")

    def test_standard_output_is_gone_on_with_whatever_it_is(self):
        program = ("from tools.scripts.common import script\n"
                   "print('a')\nscript.write_whole('/dev/stdout', 'b\\n')\nprint('c')\n")
        ours, theirs = socket.socketpair()
        with open(self.path("file"), "w", encoding="utf-8") as file:
            for output in (file, theirs):
                subprocess.run([sys.executable, "-c", program], stdout=output, check=True)
        self.assertEqual(self.read("file"), "a\nb\nc\n")
        self.assertEqual(ours.recv(100), b"a\nb\nc\n")
        ours.close()
        theirs.close()

    def test_what_cannot_be_written_is_named_and_nothing_is_left(self):
        os.mkdir(self.path("folder"))
        for name in ("folder", "none/x", "/dev/full"):
            with self.assertRaises(OSError) as caught:
                script.write_whole(os.path.join(self.folder, name), "text")
            self.assertEqual(caught.exception.filename, os.path.join(self.folder, name))
            if name != "/dev/full":
                with self.assertRaises(OSError) as caught:
                    script.check_writable(self.path(name))
                self.assertEqual(caught.exception.filename, self.path(name))
        self.assertEqual(os.listdir(self.folder), ["folder"])

    def test_to_try_leaves_everything_as_it_is(self):
        script.write_whole(self.path("a"), "old")
        for name in ("a", "b"):
            script.check_writable(self.path(name))
        self.assertEqual((os.listdir(self.folder), self.read("a")), (["a"], "old"))


class RunMainTest(unittest.TestCase):
    """How a script ends: its exit code, and at most one line."""

    PROGRAM = """
from tools.scripts.common import script
def entry(words):
    parser = script.Parser("x y", "Does it.\\n\\nMore.\\n\\nExit code: 0 done.\\n", "x y z")
    parser.add_argument("--count", type=script.number(9))
    parser.add_argument("--dir", type=script.not_empty)
    parser.add_argument("--way", choices=("a", "b"))
    parser.add_argument("do", nargs="?")
    do = parser.parse_args(words).do
    if do == "open": open("no\\nfile")
    if do == "raise": raise script.Failure(2, "a\\tb\\x1b")
    if do == "break": raise ValueError("x")
    print("text " * 20000)
    return 1
script.run_main("x y", entry)
"""

    def end(self, *words, stdout=subprocess.PIPE, unbuffered=""):
        """(exit code, standard output, standard error)."""
        env = {**os.environ, "PYTHONPATH": script.ROOT, "PYTHONUNBUFFERED": unbuffered}
        done = subprocess.run([sys.executable, "-B", "-c", self.PROGRAM, *words], stdout=stdout,
                              stderr=subprocess.PIPE, text=True, check=False, env=env)
        return done.returncode, done.stdout, done.stderr

    def test_the_code_of_a_command_is_its_own(self):
        self.assertEqual(self.end(), (1, "text " * 20000 + "\n", ""))

    def test_wrong_usage_is_one_line_with_what_was_expected(self):
        for words, said in (
                (["--count=0"], "--count: '0': expected a number from 1 to 9"),
                (["--dir="], "--dir: is empty, expected a path"),
                (["--way=c"], "--way: invalid choice: 'c' (choose from 'a', 'b')"),
                (["--cou=1"], "unrecognized arguments: --cou=1"),
                (["--count"], "--count: expected one argument"),
                (["a", "b\n"], "unrecognized arguments: b\\n")):
            self.assertEqual(self.end(*words), (2, "", f"x y: {said}, see x y --help\n"))

    def test_help_is_all_that_there_is_to_say(self):
        code, out, err = self.end("--help")
        self.assertEqual((code, err), (0, ""))
        for part in ("usage: x y ", "\nDoes it.\n\nMore.\n", "\nexit code: 0 done.\n",
                     "example: x y z\n"):
            self.assertIn(part, out)

    def test_an_error_is_one_line_whatever_a_name_holds(self):
        self.assertEqual(self.end("open"), (3, "", "x y: no\\nfile: No such file or directory\n"))
        self.assertEqual(self.end("raise"), (2, "", "x y: a\\tb\\x1b\n"))

    def test_an_internal_error_is_told_with_its_stack(self):
        code, _, err = self.end("break")
        self.assertEqual(code, script.INTERNAL)
        self.assertIn("ValueError: x\n", err)
        self.assertTrue(err.endswith("\nx y: internal error\n"))

    def test_output_that_cannot_be_written_is_no_success(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            for words, unbuffered in ((["--help"], ""), (["--help"], "1"), ([], ""), ([], "1")):
                code, _, err = self.end(*words, stdout=full, unbuffered=unbuffered)
                self.assertEqual((code, err), (3, "x y: output: No space left on device\n"))

    def test_a_reader_that_has_seen_enough_is_no_error(self):
        for words in (["--help"], []):
            reader, writer = os.pipe()
            os.close(reader)
            code, _, err = self.end(*words, stdout=writer)
            os.close(writer)
            self.assertEqual((code, err), (141, ""))


class OutputOfTest(unittest.TestCase):

    def test_the_text_that_a_program_prints(self):
        self.assertEqual(script.output_of(["cat"]), "")
        self.assertEqual(script.output_of(["cat"], input="a\n"), "a\n")

    def test_a_program_that_fails_is_a_failure_with_its_last_line(self):
        python = [sys.executable, "-c"]
        for command, said in (([*python, "print('a'); exit('b')"], ": exit code 1: b"),
                              ([*python, "print('a'); exit(9)"], ": exit code 9: a"),
                              (["/bin/false"], "false: exit code 1: no message"),
                              (["/no/such/program"], "/no/such/program cannot be run: ")):
            with self.assertRaises(script.Failure) as caught:
                script.output_of(command, script.FINDING)
            self.assertEqual(caught.exception.code, script.FINDING)
            self.assertIn(said, str(caught.exception))


if __name__ == "__main__":
    unittest.main()

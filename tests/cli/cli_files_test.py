"""Devices, pipes and links as input and output, and what the command line takes for a program."""

import json
import os
import socket
import stat
import tempfile
import threading
import unittest

from tests.cli import cli_fixture

HEADER = "program version=2 limits=tiny reuse=quarantine masks=shadow recycle=exact misuse=no\n"
ALLOC = "alloc_page page=0 level=1 direct=no gfn=0x1 parent=none index=0\n"
MAP = "map page=0 index=0 gfn=0x2 write=no speculative=no\n"
PROGRAM = HEADER + ALLOC + MAP
# A latent bug that the header puts back, and two operations that are not needed for it.
FINDING = ("program version=2 mode=long limits=tiny reuse=quarantine masks=shadow vcpus=1 oos=yes "
           "large=1g log=no oom=no quirk=move_slot_in_place counters=zero "
           "second=none protect=none\n"
           "age_page hva=0x12\n"
           "delete_memslot slot=2\n"
           "access vcpu=0 va=0/0/3/0 type=read user=no word=0 value=0\n"
           "invlpg vcpu=0 va=0/0/1/1\n"
           "move_memslot slot=0 gfn=0x1\n")
SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
CORPUS = "corpus/tiny_rmap_fuzzer"


class FilesTest(cli_fixture.FolderTest):

    def setUp(self):
        super().setUp()
        self.write("a.ops", PROGRAM)
        self.write("bug.ops", FINDING)

    def expect(self, code, words, stderr="", **options):
        done = self.run_cli(*words, **options)
        self.assertEqual((done.returncode, done.stderr.decode()), (code, stderr), words)
        return done.stdout.decode() if done.stdout is not None else ""

    def make_corpus(self):
        self.write(CORPUS + "/" + SHA1, b"\2\1\0\0\0\x1d\0\0" + bytes(8))


class OutputTest(FilesTest):

    def writers(self, out):
        """Every command with an output, which is `out` with some ending."""
        self.make_corpus()
        return [["assemble", "a.ops", "-o", out], ["draft-test", "a.ops", "-o", out],
                ["minimize", "bug.ops", "-o", out], ["graph", "a.ops", "-o", out + ".dot"],
                ["corpus", "pack", "corpus", "-o", out]]

    def complaints(self, done):
        """But for other findings that minimize has met."""
        return [line for line in done.stderr.decode().splitlines()
                if not line.startswith("another finding, ")]

    def test_a_device_stays_one(self):
        """A node of our own: root could replace that of the machine."""
        for words in self.writers("device"):
            out = words[-1]
            try:
                os.mknod(out, stat.S_IFCHR | 0o666, os.makedev(1, 3))
            except PermissionError:
                os.symlink("/dev/null", out)  # which only root can replace
            before = os.stat(out)
            done = self.run_cli(*words)
            after = os.stat(out)
            self.assertTrue(stat.S_ISCHR(after.st_mode), words)
            self.assertEqual((after.st_ino, after.st_rdev), (before.st_ino, before.st_rdev), words)
            if done.returncode != 0:  # where no node may be used
                self.assertEqual(self.complaints(done),
                                 [f"{out}: cannot be written: Permission denied"])
            os.remove(out)
        self.assertEqual(sorted(os.listdir()), ["a.ops", "bug.ops", "corpus"])

    def test_a_pipe_without_a_reader_is_not_waited_for(self):
        for words in self.writers("pipe"):
            out = words[-1]
            os.mkfifo(out)
            done = self.run_cli(*words)
            self.assertEqual((done.returncode, self.complaints(done)),
                             (3, [f"{out}: is a pipe without a reader, expected one"]))
            self.assertTrue(stat.S_ISFIFO(os.stat(out).st_mode))
            os.remove(out)

    def test_a_pipe_gets_the_whole_output_once(self):
        for words in self.writers("pipe"):
            out = words[-1]
            self.assertEqual(self.run_cli(*words).returncode, 0)
            expected = self.read(out)
            os.remove(out)
            os.mkfifo(out)
            reader = os.open(out, os.O_RDONLY | os.O_NONBLOCK)
            os.set_blocking(reader, True)
            got = []

            def read_all(handle=reader, pieces=got):
                while piece := os.read(handle, 1 << 16):
                    pieces.append(piece)
            # The other end is held open, or there is an end before there is a beginning.
            keep = os.open(out, os.O_WRONLY)
            thread = threading.Thread(target=read_all)
            thread.start()
            self.assertEqual(self.run_cli(*words).returncode, 0, words)
            os.close(keep)
            thread.join()
            os.close(reader)
            self.assertEqual(b"".join(got), expected, words)
            os.remove(out)

    def test_a_socket_is_refused(self):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("socket")
            self.expect(3, ["assemble", "a.ops", "-o", "socket"],
                        "socket: is a socket without a reader, expected one\n")
        self.assertTrue(stat.S_ISSOCK(os.stat("socket").st_mode))

    def test_standard_output_by_name_is_written_in_its_order(self):
        """By a link of our own: root could replace that of the machine."""
        os.symlink("/proc/self/fd/1", "out")
        summary = self.run_cli("minimize", "bug.ops", "-o", "result").stdout
        expected = self.read("result") + summary.replace(b" result", b" out")
        with open("log", "wb") as log:
            done = self.run_cli("minimize", "bug.ops", "-o", "out", stdout=log)
        self.assertEqual((done.returncode, self.complaints(done)), (0, []))
        self.assertEqual(self.without_seconds(self.read("log")), self.without_seconds(expected))
        self.assertTrue(os.path.islink("out"))

    def without_seconds(self, text):
        return [line for line in text.split(b"\n") if b" runs, " not in line]

    def test_standard_output_that_has_no_name_any_more(self):
        os.symlink("/proc/self/fd/1", "out")
        with tempfile.TemporaryFile() as nameless:
            self.expect(0, ["draft-test", "a.ops", "-o", "out"], stdout=nameless)
            nameless.seek(0)
            self.assertIn(b"TEST(", nameless.read())
        self.assertEqual(os.readlink("out"), "/proc/self/fd/1")
        self.assertEqual(sorted(os.listdir()), ["a.ops", "bug.ops", "out"])

    def test_a_socket_as_standard_output(self):
        ours, theirs = socket.socketpair()
        os.symlink("/proc/self/fd/1", "out")
        with ours, theirs:
            self.expect(0, ["assemble", "a.ops", "-o", "out"], stdout=theirs)
            theirs.close()
            self.assertEqual(len(ours.recv(100)), 24)

    def test_a_link_to_nothing_is_followed(self):
        os.mkdir("there")
        os.symlink("there/new", "link")
        self.expect(0, ["assemble", "a.ops", "-o", "link"])
        self.assertEqual(os.readlink("link"), "there/new")
        self.assertEqual(len(self.read("there/new")), 24)
        os.symlink("round", "round")
        self.expect(3, ["assemble", "a.ops", "-o", "round"],
                    "round: cannot be written: Too many levels of symbolic links\n")

    def test_other_findings_are_not_put_beside_a_device(self):
        os.mkfifo("pipe")
        reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
        self.assertEqual(self.run_cli("minimize", "bug.ops", "-o", "pipe").returncode, 0)
        os.close(reader)
        self.assertEqual(sorted(os.listdir()), ["a.ops", "bug.ops", "pipe"])

    def test_what_cannot_be_read_leaves_no_half_an_archive(self):
        self.make_corpus()
        self.write("out.tar", "old")
        self.write(CORPUS + "/long", b"\1" * ((1 << 20) + 1))
        done = self.run_cli("corpus", "pack", "corpus", "-o", "out.tar")
        self.assertEqual(done.stderr.decode(),
                         CORPUS + "/long: is too long, expected at most 1048576 bytes\n")
        self.assertEqual(self.read("out.tar"), b"old")
        self.assertEqual(sorted(os.listdir()), ["a.ops", "bug.ops", "corpus", "out.tar"])


class InputTest(FilesTest):

    def test_a_pipe_beside_an_artifact_is_not_waited_for(self):
        os.mkfifo("finding.json")
        for verb in (["repro", "-k", "1"], ["draft-test"], ["minimize", "-o", "out"],
                     ["keep", "--cause=x", "--to=.", "--as-is"], ["graph", "-o", "out.dot"]):
            self.assertIn(self.run_cli(*verb, "a.ops").returncode, (0, 2), verb)

    def test_pipes_in_the_folder_of_a_run(self):
        os.makedirs("run/findings/one")
        os.makedirs("run/logs")
        os.mkfifo("run/findings/one/finding.json")
        os.mkfifo("run/stats.jsonl")
        self.expect(2, ["status", "run"], "run/stats.jsonl: is a pipe, expected a file "
                                          "that holds the figures of rmapdiff fuzz --dir\n")

    def test_a_run_is_not_begun_in_a_folder_of_pipes(self):
        self.fuzz_target("one", "#!/bin/sh\nsleep 100\n")
        for run, name in enumerate(("stats.jsonl", ".lock", "logs/one-0.log", "logs/one.stats")):
            os.makedirs(f"{run}/logs")
            os.mkfifo(f"{run}/{name}")
            done = self.run_cli("fuzz", "--bin-dir=bin", f"--dir={run}", "--time=1", "--jobs=1")
            self.assertEqual(done.returncode, 3)
            self.assertRegex(done.stderr.decode(),
                             rf"\A{run}/{name}: is a pipe( without a reader)?, expected .+\n\Z")

    def test_a_regression_that_is_a_pipe(self):
        os.makedirs("root/corpus/regressions")
        os.mkfifo("root/corpus/regressions/pipe.ops")
        self.write("found/crash-1", b"\1\1" + bytes(14))
        self.expect(0, ["triage", "-k", "1", "found"],
                    env=dict(os.environ, RMAPDIFF_ROOT=os.path.abspath("root")))

    def test_inputs_of_a_corpus(self):
        self.make_corpus()
        os.mkfifo(CORPUS + "/pipe")
        os.symlink("/dev/zero", CORPUS + "/zeros")
        self.expect(0, ["corpus", "pack", "corpus", "-o", "out.tar"])
        self.expect(0, ["corpus", "migrate", "corpus"])
        self.expect(0, ["corpus", "stats", "corpus"])
        self.expect(2, ["corpus", "merge", "--all", "corpus", CORPUS + "/pipe"],
                    CORPUS + "/pipe: is a pipe, expected a file that holds a program\n")
        self.expect(2, ["corpus", "stats", CORPUS + "/zeros"],
                    CORPUS + "/zeros: is a device, expected a file that holds a program\n")
        self.expect(2, ["corpus", "unpack", CORPUS + "/pipe", "new"],
                    CORPUS + "/pipe: is a pipe, expected a file that holds an archive\n")

    def test_standard_input_that_never_ends(self):
        with open("/dev/zero", "rb") as zeros:
            self.expect(2, ["run", "-"],
                        "standard input: is too long, expected at most 1048576 bytes\n",
                        stdin=zeros)


class TextTest(FilesTest):
    """What is printable and no program is bad input, unless its name says that it is bytes."""

    SLIPS = {
        "README.md": ("# A title\n\nSome words.\n", "3:1: the program begins with 'Some', expected "
                      "'program version=2'"),
        "slip": (PROGRAM.replace("program", "progam"),
                 "1:1: the program begins with 'progam', expected 'program version=2'"),
        "headless": (ALLOC + MAP,
                     "1:1: the program begins with 'alloc_page', expected 'program version=2'"),
        "marked": (b"\xef\xbb\xbf" + ALLOC.encode(),
                   "1:1: the program begins with 'alloc_page', expected 'program version=2'"),
        "blank": ("\n\t\n", "2:2: no program, expected 'program version=2'"),
    }
    VERBS = (["run"], ["show"], ["assemble", "-o", "out"], ["repro", "-k", "1"],
             ["minimize", "-o", "out"], ["draft-test", "-o", "out"],
             ["keep", "--cause=x", "--to=.", "--as-is"], ["graph", "-o", "out.dot"],
             ["corpus", "stats"], ["corpus", "merge", "--all", "new"], ["corpus", "promote"])

    def test_each_verb_refuses_it_with_a_place(self):
        for name, (content, where) in self.SLIPS.items():
            self.write(name, content)
            for verb in self.VERBS:
                done = self.run_cli(*verb, name)
                self.assertEqual((done.returncode, done.stderr.decode()),
                                 (2, f"{name}:{where}\n"), verb)

    def test_standard_input(self):
        for content, where in self.SLIPS.values():
            raw = content if isinstance(content, bytes) else content.encode()
            self.expect(2, ["run", "-"], f"standard input:{where}\n", input=raw)

    def test_a_byte_order_mark_is_understood(self):
        plain = self.expect(0, ["show", "a.ops"])
        for name in ("mark.ops", "mark", "mark.txt"):
            self.write(name, b"\xef\xbb\xbf" + PROGRAM.encode())
            self.assertEqual(self.expect(0, ["show", name]), plain)
        self.assertEqual(self.expect(0, ["show", "-"], input=self.read("mark")), plain)
        self.write("slip", b"\xef\xbb\xbf" + HEADER.encode() + b"zap\n")
        self.expect(2, ["run", "slip"],
                    "slip:2:4: zap lacks 'page', expected a page id from 0 to 31\n")

    def test_inputs_of_fuzzing_are_bytes_whatever_is_in_them(self):
        for name in ("crash-" + SHA1, "leak-1", "oom-1", "timeout-1", "slow-unit-1", "input-1",
                     "clusterfuzz-testcase-1", "id:000001,sig:06", SHA1, "a.bin"):
            for content in ("\n", "no program at all"):
                self.write(name, content)
                self.expect(0, ["show", name])
            self.write(name, PROGRAM)
            self.assertEqual(self.expect(0, ["show", name]), PROGRAM)

    def test_any_other_name_is_bytes_if_something_in_it_is_not_printable(self):
        for content in (b"\1", b"words and a \0", b"\x1b[31m", b"\x7f"):
            self.write("any", content)
            self.expect(0, ["show", "any"])

    def test_to_program_fuzzer_any_text_is_an_input(self):
        for content in ("no program", "program version=2\nzap\n"):
            for name in ("program_fuzzer/seed.txt", "program_fuzzer/crash-" + SHA1):
                self.write(name, content)
                text = self.expect(0, ["repro", "-k", "1", name])
                self.assertIn("for program_fuzzer\n", text)
        self.write("program_fuzzer/slip.ops", "zap\n")
        self.expect(2, ["repro", "program_fuzzer/slip.ops"],
                    "program_fuzzer/slip.ops:1:1: the program begins with 'zap', expected "
                    "'program version=2'\n")


class DamagedTest(FilesTest):
    """Files of our own, with anything in them: a line says so, and nothing else is lost."""

    RECORDS = ("", "{", "[]", "null", "7", '"x"', "{}", '{"signature": 7}', '{"signature": ""}',
               '{"signature": {"a": 1}}', "[" * 100000, "\xff\xfe", "\0" * 100,
               '{"signature": "x"', '{"signature": "x"} {}')
    VALUES = ('"x"', "-1", "1e300", "-1e300", "1e-300", "99999999999999999999999", "null", "[]",
              "{}", "true", '{"rmap_fuzzer": 7}', '{"rmap_fuzzer": {"execs": "many"}}')
    SAMPLE = {"time": 1700000000.5, "run": 2, "elapsed": 10.0, "jobs": 1, "seed": 1,
              "targets": {"one": {"execs": 50, "ops": 9}}, "findings": 0}

    def lines(self):
        """A good line and one with each field damaged."""
        for key in self.SAMPLE:
            for value in self.VALUES:
                line = json.dumps({**self.SAMPLE, key: "VALUE"}).replace('"VALUE"', value)
                yield key, value, line

    def start(self):
        self.fuzz_target("one", "#!/bin/sh\ntrap 'exit 72' INT\n"
                         "printf '#2\\tNEW    cov: 5 ft: 12 corp: 3/9b\\n'\n"
                         "while :; do sleep 0.1; done\n")
        return self.run_cli("fuzz", "--bin-dir=bin", "--dir=run", "--time=1", "--jobs=1")

    def test_status_reads_any_line(self):
        good = json.dumps(self.SAMPLE)
        for key, value, line in self.lines():
            self.write("run/stats.jsonl", f"{good}\n{line}\n")
            for words in ([], ["--metrics"], ["--json"]):
                done = self.run_cli("status", *words, "run")
                self.assertEqual(done.returncode, 0, (key, value, done.stderr))
            status = json.loads(done.stdout)
            self.assertEqual(status["targets"]["one"]["execs"], 50, (key, value))
            self.assertGreaterEqual(status["sessions"], 1, (key, value))
        for record in self.RECORDS:
            self.write("run/stats.jsonl", f"{good}\n{record}\n{good}\n".encode("latin-1"))
            text = self.expect(0, ["status", "run"])
            self.assertIn("run/stats.jsonl: 1 line makes no sense, left out", text)

    def test_status_leaves_out_a_damaged_finding(self):
        self.write("run/stats.jsonl", json.dumps(self.SAMPLE) + "\n")
        for record in self.RECORDS:
            self.write("run/findings/one/finding.json", record.encode("latin-1"))
            text = self.expect(0, ["status", "run"])
            self.assertIn("run/findings/one/finding.json: left out, expected a finding", text)

    def test_an_artifact_beside_a_damaged_record(self):
        for record in self.RECORDS:
            self.write("finding.json", record.encode("latin-1"))
            self.expect(0, ["show", "a.ops"])
            self.expect(0, ["draft-test", "a.ops"])

    def test_a_run_goes_on_from_the_last_line_that_makes_sense(self):
        good = json.dumps(self.SAMPLE)
        self.write("run/stats.jsonl", good + "\n{}\n" + "[" * 1000 + "\n" + good[:50])
        done = self.start()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.decode().splitlines()[0],
                         "run/stats.jsonl: 2 lines make no sense, left out")
        lines = self.read("run/stats.jsonl").decode().splitlines()
        self.assertEqual(lines[:3], [good, "{}", "[" * 1000])
        self.assertEqual(json.loads(lines[-1])["run"], 3)
        self.assertGreaterEqual(json.loads(lines[-1])["targets"]["one"]["execs"], 50)

    def test_any_damaged_line_lets_a_run_begin(self):
        for key, value, line in list(self.lines())[::17]:
            self.write("run/stats.jsonl", line + "\n")
            self.assertEqual(self.start().returncode, 0, (key, value))

    def test_figures_that_are_no_lines_are_set_aside(self):
        self.write("run/stats.jsonl", b"\1" * (2 << 20))
        done = self.start()
        self.assertEqual((done.returncode, done.stderr.decode().splitlines()[0]),
                         (0, "run/stats.jsonl: makes no sense, set aside as "
                             "run/stats.jsonl.damaged"))
        self.assertEqual(os.path.getsize("run/stats.jsonl.damaged"), 2 << 20)
        for line in self.read("run/stats.jsonl").decode().splitlines():
            json.loads(line)


class DamagedFindingTest(FilesTest):

    def test_a_finding_whose_record_is_damaged_is_set_aside_and_found_again(self):
        digits = "0" * 38 + "aa"
        self.fuzz_target("one", f"""#!/bin/sh
for word in "$@"; do
  case "$word" in -artifact_prefix=*) prefix="${{word#*=}}" ;; esac
done
printf '#3\\tNEW    cov: 5 ft: 13 corp: 3/9b\\n'
echo input > "$prefix"crash-{digits}
echo 'SIGNATURE: rmap-missing/drop/sibling'
echo "artifact_prefix='$prefix'; Test unit written to $prefix"crash-{digits}
exit 77
""")
        words = ["fuzz", "--bin-dir=bin", "--dir=run", "--time=1", "--jobs=1"]
        self.assertEqual(self.run_cli(*words).returncode, 1)
        [name] = os.listdir("run/findings")
        for damage, left in (("{", "damaged"), ("[]", "damaged-2")):
            self.write(f"run/findings/{name}/finding.json", damage)
            done = self.run_cli(*words)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(f"run/findings/{name}/finding.json: left out, expected a finding\n",
                          done.stderr.decode())
            self.assertEqual(self.read(f"run/findings/{name}.{left}/finding.json").decode(),
                             damage)
            record = json.loads(self.read(f"run/findings/{name}/finding.json"))
            self.assertEqual(record["signature"], "rmap-missing/drop/sibling")


if __name__ == "__main__":
    unittest.main()

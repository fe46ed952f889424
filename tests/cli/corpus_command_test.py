"""The promises of `rmapdiff corpus`: exact lines, nothing lost, nothing half done.

The fuzz target of most tests is tests/cli/moody_target.cc: an input shows how many records it has.
"""

import fcntl
import glob
import hashlib
import io
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
import unittest

from tools.bazel_rules import patience

RMAPDIFF = os.environ.get("RMAPDIFF") or os.path.abspath("tools/cli/rmapdiff")
FAULTY = os.path.abspath("tests/cli/lone/faulty_rmapdiff")  # its engines fail at every operation
MOODY = os.path.abspath("tests/cli/moody_target")
REAL = os.path.abspath("fuzzers/tiny_rmap_fuzzer_bin")
ROOT = os.getcwd()
DOCUMENT = os.path.join(ROOT, "docs/corpus.md")

TINY = "tiny_rmap_fuzzer"
HEADER = "program version=2 limits=tiny reuse=quarantine masks=shadow recycle=exact misuse=no\n"
PRODUCTION = HEADER.replace("tiny", "production")
ALLOC = "alloc_page page=0 level=1 direct=no gfn=0x1 parent=none index=0\n"
MAPS = ("map page=0 index=0 gfn=0x2 write=no speculative=no\n"
        "map page=0 index=1 gfn=0x2 write=no speculative=no\n"
        "map page=0 index=1 gfn=0x2 write=no speculative=no\n")
QUIRK = ("program version=2 mode=long limits=tiny reuse=quarantine masks=shadow vcpus=1 oos=yes "
         "large=1g log=no oom=no quirk=rmapped_by_pfn counters=zero second=none protect=none\n")
ACTIONS = ("stats", "merge", "prune", "pack", "unpack", "migrate", "promote")


def program(records, salt=0):
    """Canonical bytes of a program with tiny limits: as many operations, on page `salt`."""
    return b"\2\1\0\0\0\x1d\0\0" + (bytes([0, salt]) + bytes(6)) * records


def name_of(content):
    return hashlib.sha1(content).hexdigest()


def is_unlocked(folder):
    """Whether no process holds the lock that `rmapdiff corpus` takes on a folder."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(lock)


class CorpusTest(unittest.TestCase):
    """Each test has a folder of its own, and is in it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)
        self.folder = folder.name
        self.target(MOODY)

    def target(self, binary, name=TINY):
        """Makes bin/, as //fuzzers is built into, with one target."""
        shutil.rmtree("bin", ignore_errors=True)
        self.write("bin/fuzz_targets.txt", name + "\n")
        os.symlink(binary, f"bin/{name}_bin")

    def write(self, path, content):
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def read(self, path):
        with open(path, "rb") as file:
            return file.read()

    def add(self, *contents, corpus="c", target=TINY):
        return [self.write(f"{corpus}/{target}/{name_of(one)}", one) for one in contents]

    def files(self, folder):
        """Contents by path, hidden ones too."""
        return {os.path.relpath(os.path.join(path, name), folder):
                self.read(os.path.join(path, name))
                for path, _, names in os.walk(folder) for name in names}

    def corpus(self, action, *words, code=0, stderr="", binary=RMAPDIFF, **options):
        """Returns what is written to standard output."""
        done = subprocess.run([binary, "corpus", action, *words], capture_output=True, text=True,
                              timeout=patience.SECONDS, check=False, **options)
        self.assertEqual((done.returncode, done.stderr), (code, stderr), done.stdout)
        return done.stdout

    def count_shown(self, folder):
        """How many records the inputs have: all that the target can tell."""
        return {(len(one) - 8) // 8 for one in self.files(folder).values()}


class UsageTest(CorpusTest):

    def test_each_action_has_help_with_an_example(self):
        for action in ACTIONS:
            text = self.corpus(action, "--help")
            self.assertIn(f"Usage: rmapdiff corpus {action} ", text)
            self.assertIn("\nExample:\n  rmapdiff corpus " + action, text)
            self.assertLessEqual(max(map(len, text.splitlines())), 100, action)

    def test_wrong_usage_is_one_line(self):
        one_of = ", expected one of " + ", ".join(ACTIONS) + "\n"
        done = subprocess.run([RMAPDIFF, "corpus"], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr),
                         (2, "rmapdiff corpus: no action" + one_of))
        self.corpus("xyzzy\x1b", code=2,
                    stderr="rmapdiff corpus: no action 'xyzzy\\x1b'" + one_of)
        self.corpus("prun", code=2,
                    stderr="rmapdiff corpus: no action 'prun', did you mean 'prune'?\n")
        for action, words, what in (
                ("stats", [], "PATH is required"),
                ("merge", ["c"], "FROM is required"),
                ("merge", ["c", "d"], "no --bin-dir, use tools/rmapdiff, which builds the targets, "
                                      "or --all"),
                ("prune", ["c"], "no --bin-dir, use tools/rmapdiff, which builds the targets"),
                ("prune", ["c", "--bin-dir=b", "--target=x"],
                 "--target: no target 'x', expected one of rmap_fuzzer, tiny_rmap_fuzzer, "
                 "mmu_fuzzer, tiny_mmu_fuzzer, direct_fuzzer, dirty_log_fuzzer, oom_fuzzer, "
                 "program_fuzzer"),
                ("pack", ["c"], "--output is required"),
                ("promote", ["a", "b", "--name=x"],
                 "--name: is for one file, expected none with several"),
                ("promote", ["a", "--name=../x"],
                 "--name: '../x': expected a name of small letters, digits and _")):
            self.corpus(action, *words, code=2, stderr=f"rmapdiff corpus {action}: {what}, see "
                        f"rmapdiff corpus {action} --help\n")

    def test_what_is_no_corpus_is_refused(self):
        self.write("file", "x")
        self.write("other/x/y", "x")
        self.write("texts/rmap_fuzzer/a.ops", PRODUCTION)
        names = ("rmap_fuzzer, tiny_rmap_fuzzer, mmu_fuzzer, tiny_mmu_fuzzer, direct_fuzzer, "
                 "dirty_log_fuzzer, oom_fuzzer, program_fuzzer\n")
        for action, words in (("prune", ["--bin-dir=bin"]), ("pack", ["-o", "out.tar"]),
                              ("migrate", [])):
            for path, what in (
                    ("none", "none: no such file or folder, expected a corpus\n"),
                    ("file", "file: is not a folder, expected a corpus\n"),
                    ("other/", "other/x: does not belong in a corpus, expected folders named "
                     + names),
                    ("texts", "texts/rmap_fuzzer/a.ops: is a text, expected inputs as bytes\n")):
                self.corpus(action, path, *words, code=2, stderr=what)
        self.assertFalse(os.path.exists("out.tar"))

    def test_one_command_at_a_time(self):
        self.add(program(1))
        self.target(os.path.abspath("slow"))
        self.write("slow", "#!/bin/sh\nsleep 100\n")
        os.chmod("slow", 0o755)
        with subprocess.Popen([RMAPDIFF, "corpus", "prune", "c", "--bin-dir=bin"]) as first:
            while not os.path.exists("c/.work"):
                time.sleep(0.01)
            self.corpus("migrate", "c", code=3, stderr="c: in use by another rmapdiff corpus, "
                        "expected to be alone\n")
            first.kill()
        # Whatever the killed command has started ends with it, but not at the same moment.
        patience.wait_for(lambda: is_unlocked("c"))
        self.corpus("migrate", "c")
        self.assertFalse(os.path.exists("c/.work"))


class StatsTest(CorpusTest):

    def test_outcomes_and_lengths_are_counted(self):
        self.write("c/tiny_rmap_fuzzer/a.ops", HEADER + ALLOC + MAPS)
        self.write("c/tiny_rmap_fuzzer/b", b"\1\1\0\0")
        self.write("c/rmap_fuzzer/d.ops", PRODUCTION + ALLOC)
        figures = json.loads(self.corpus("stats", "--json", "c"))["targets"]
        self.assertEqual(list(figures), ["rmap_fuzzer", TINY])
        self.assertEqual(figures[TINY], {
            "programs": 2, "bytes": 44, "ops": 4, "unreadable": 0, "findings": 0,
            "outcomes": {"alloc_page": {"ok": 1}, "map": {"ok": 2, "slot_busy": 1}},
            "rmap_lengths": {"0": 0, "1": 0, "2": 1}, "parent_lengths": {"0": 1},
            "program_lengths": {"0": 1, "1": 0, "2-3": 0, "4-7": 1}})
        self.assertEqual(self.corpus("stats", "c/tiny_rmap_fuzzer/"), (
            "tiny_rmap_fuzzer: 2 programs, 44 bytes, 4 operations\n"
            "  programs by operations  0  4-7\n"
            "                          1    1\n"
            "  rmaps by entries        2\n"
            "                          1\n"
            "  pages by parents        0\n"
            "                          1\n"
            "  alloc_page            ok 1\n"
            "  map                   ok 2, slot_busy 1\n"))

    def test_a_single_file_and_a_folder_of_files_count_by_their_headers(self):
        self.write("crashes/a.ops", HEADER)
        self.write("crashes/b", b"\1\0\1\0")
        self.write("crashes/c.ops", QUIRK)
        figures = json.loads(self.corpus("stats", "--json", "crashes"))["targets"]
        self.assertEqual({name: one["programs"] for name, one in figures.items()},
                         {TINY: 1, "mmu_fuzzer": 1, "other": 1})
        self.assertIn(TINY, self.corpus("stats", "crashes/a.ops"))

    def test_inputs_of_the_codec_are_bytes_whatever_they_are(self):
        self.write("c/program_fuzzer/bad.ops", "program nonsense\n")
        figures = json.loads(self.corpus("stats", "--json", "c"))["targets"]["program_fuzzer"]
        self.assertEqual((figures["programs"], figures["bytes"], figures["ops"]), (1, 17, 2))
        self.assertEqual(figures["outcomes"], {})

    def test_what_is_no_program_is_said_and_the_others_count(self):
        self.write("c/tiny_rmap_fuzzer/a.ops", HEADER + "mpa\n")
        self.write("c/tiny_rmap_fuzzer/b.ops", HEADER)
        text = self.corpus("stats", "c", code=2, stderr=(
            "c/tiny_rmap_fuzzer/a.ops:2:1: unknown operation 'mpa', did you mean 'map'?\n"))
        self.assertIn("1 program, 8 bytes, 0 operations, 1 unreadable\n", text)
        os.mkdir("empty")
        self.corpus("stats", "empty", code=2,
                    stderr="empty: holds no programs, expected a corpus\n")

    def test_a_program_that_ends_the_process_does_not_end_the_count(self):
        self.write("c/tiny_rmap_fuzzer/a.ops", HEADER + ALLOC)
        self.write("c/tiny_rmap_fuzzer/b.ops", HEADER + "shrink count=1\n")
        self.write("c/tiny_rmap_fuzzer/c.ops", HEADER)
        text = self.corpus("stats", "c", code=1, binary=FAULTY, stderr=(
            "c/tiny_rmap_fuzzer/a.ops: outcome/alloc_page/both, see rmapdiff repro\n"
            "c/tiny_rmap_fuzzer/b.ops: ends the process by signal 6, see rmapdiff repro\n"
            "c/tiny_rmap_fuzzer/c.ops: write-count/teardown/both, see rmapdiff repro\n"))
        self.assertIn("3 programs, 40 bytes, 2 operations, 3 with a finding\n", text)

    def test_a_program_that_exceeds_a_limit_does_not_end_the_count(self):
        for operation, limit, what in (
                ("commit\n", "--timeout=1", "takes longer than 1 s"),
                ("age gfn=0x2 level=1\n", "--memory=64", "takes more than 64 MB")):
            self.write("c/tiny_rmap_fuzzer/a.ops", HEADER + operation)
            self.write("c/tiny_rmap_fuzzer/b.ops", HEADER)
            text = self.corpus("stats", "c", limit, code=1, binary=FAULTY, stderr=(
                f"c/tiny_rmap_fuzzer/a.ops: {what}, see rmapdiff repro\n"
                "c/tiny_rmap_fuzzer/b.ops: write-count/teardown/both, see rmapdiff repro\n"))
            self.assertIn("2 programs, 24 bytes, 1 operations, 2 with a finding\n", text)

    def test_the_seeds_of_the_tree(self):
        text = self.corpus("stats", os.path.join(ROOT, "corpus"))
        self.assertRegex(text, r"\nrmap_fuzzer: \d+ programs, ")
        self.assertNotIn("unreadable", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 100)


class MergeTest(CorpusTest):

    def test_everything_comes_in_its_canonical_form_under_its_name(self):
        self.write("from/tiny_rmap_fuzzer/a.ops", HEADER + ALLOC)
        self.write("from/tiny_rmap_fuzzer/b", program(2) + b"\0")  # the record is filled up
        self.write("from/rmap_fuzzer/c", program(1))  # in the wrong folder
        self.write("from/program_fuzzer/d", b"as it is")
        text = self.corpus("merge", "--all", "c", "from")
        self.assertEqual(text, (
            "program_fuzzer: 1 added, 0 add nothing, 0 were there already\n"
            "tiny_rmap_fuzzer: 3 added, 0 add nothing, 0 were there already\n"))
        files = self.files("c")
        self.assertEqual({f"{TINY}/{name_of(one)}" for one in (program(1), program(3))}
                         - set(files), set())
        self.assertEqual(files[f"program_fuzzer/{name_of(b'as it is')}"], b"as it is")
        for path, content in files.items():
            self.assertEqual(os.path.basename(path), name_of(content))
        self.assertIn(" 0 added, 0 add nothing, 3 were", self.corpus("merge", "--all", "c", "from"))
        self.assertEqual(self.files("c"), files)

    def test_what_no_target_runs_and_what_is_no_program_is_left_out(self):
        self.write("a.ops", QUIRK)
        self.write("b.ops", "program\n")
        self.write("c.ops", HEADER)
        text = self.corpus("merge", "--all", "c", "a.ops", "c.ops", "b.ops", code=2, stderr=(
            "a.ops: left out, expected a program that a fuzz target runs\n"
            "b.ops:1:8: program lacks 'version', expected 2\n"))
        self.assertEqual(text, "tiny_rmap_fuzzer: 1 added, 0 add nothing, 0 were there already\n")

    def test_a_source_that_is_not_there_is_found_out_before_anything_is_done(self):
        self.write("a.ops", HEADER)
        self.corpus("merge", "--all", "c", "a.ops", "none", code=2,
                    stderr="none: no such file or folder, expected a corpus\n")
        self.assertFalse(os.path.exists("c"))

    def test_only_what_adds_something_is_taken(self):
        before = self.add(program(1), program(2))
        self.add(program(2, 1), program(3), program(3, 2), program(1), corpus="from")
        text = self.corpus("merge", "c", "from", "--bin-dir=bin")
        self.assertEqual(text, "tiny_rmap_fuzzer: 1 added, 2 add nothing, 1 were there already\n")
        self.assertEqual(self.count_shown("c"), {1, 2, 3})
        for path in before:
            self.assertTrue(os.path.isfile(path))
        self.assertEqual(len(self.files("c")), 3)

    def test_what_crashes_the_target_is_put_aside(self):
        bad = program(13)
        self.add(program(1))
        self.add(program(2), bad, corpus="from")
        place = f"c/crashing/{TINY}/crash-{name_of(bad)}"
        text = self.corpus("merge", "c", "from", "--bin-dir=bin", code=1,
                           stderr=f"{place}: crashes {TINY}, put aside\n")
        self.assertEqual(text, "tiny_rmap_fuzzer: 1 added, 0 add nothing, 0 were there already, "
                         "1 crash it\n")
        self.assertEqual(self.read(place), bad)
        self.assertEqual(self.count_shown("c/" + TINY), {1, 2})

    def test_what_could_not_be_measured_is_said_by_the_name_of_its_source(self):
        self.add(program(1))
        self.add(program(2), corpus="from")
        self.write("late/x", program(14))
        once = self.write("once", "")
        text = self.corpus("merge", "c", "from", "late", "--bin-dir=bin", code=3, stderr=(
            f"late/x: could not be measured by {TINY}, expected room for it to run\n"),
                           env={**os.environ, "MOODY_ONCE": os.path.abspath(once)})
        self.assertEqual(text, "tiny_rmap_fuzzer: 1 added, 0 add nothing, 0 were there already, "
                         "1 could not be measured\n")
        self.assertEqual(self.count_shown("c"), {1, 2})
        self.assertTrue(os.path.exists("late/x"))

    def test_the_real_target(self):
        self.target(REAL)
        seeds = os.path.join(ROOT, "corpus", TINY)
        self.assertRegex(self.corpus("merge", "c", seeds, "--bin-dir=bin"),
                         rf"\A{TINY}: [1-9]\d* added, ")
        self.assertRegex(self.corpus("merge", "c", seeds, "--bin-dir=bin"), rf"\A{TINY}: 0 added, ")
        self.assertRegex(self.corpus("prune", "c", "--bin-dir=bin"),
                         rf"\A{TINY}: \d+ of \d+ inputs needed, ")

    def test_a_target_that_was_not_built(self):
        self.add(b"x", corpus="from", target="program_fuzzer")
        done = self.corpus("merge", "c", "from", "--bin-dir=bin", code=3, stderr=(
            "bin: program_fuzzer was not built there, expected every target\n"))
        self.assertEqual(done, "")
        self.assertEqual(self.files("c"), {})


class PruneTest(CorpusTest):

    def prune(self, *words, **options):
        return self.corpus("prune", "c", "--bin-dir=bin", *words, **options)

    def test_what_shows_nothing_of_its_own_goes(self):
        self.add(*(program(n, salt) for n in range(4) for salt in range(5)))
        text = self.prune()
        self.assertRegex(text, r"\Atiny_rmap_fuzzer: 4 of 16 inputs needed, 80 of 368 bytes\n\Z")
        self.assertEqual(self.count_shown("c"), {0, 1, 2, 3})
        self.assertEqual(os.listdir("c"), [TINY])

    def test_what_crashes_the_target_is_put_aside_where_it_is_found(self):
        bad = program(13)
        self.add(program(1), bad)
        place = f"c/crashing/{TINY}/crash-{name_of(bad)}"
        text = self.prune(code=1, stderr=f"{place}: crashes {TINY}, put aside\n")
        self.assertEqual(text, "tiny_rmap_fuzzer: 1 of 2 inputs needed, 16 of 128 bytes, "
                         "1 crash it\n")
        self.assertEqual(self.read(place), bad)
        self.assertEqual(self.prune(), "tiny_rmap_fuzzer: 1 of 1 inputs needed, 16 of 16 bytes\n")

        # In the folder of a run, the next session takes it in.
        os.makedirs("out/incoming")
        self.add(program(1), bad, corpus="out/corpus")
        place = f"out/incoming/{TINY}/crash-{name_of(bad)}"
        self.corpus("prune", "out/corpus", "--bin-dir=bin", code=1,
                    stderr=f"{place}: crashes {TINY}, put aside\n")
        self.assertEqual(self.read(place), bad)

    def test_what_could_not_be_measured_stays(self):
        self.add(program(1), program(1, 1), program(14))
        once = self.write("once", "")
        text = self.prune(code=3, env={**os.environ, "MOODY_ONCE": os.path.abspath(once)}, stderr=(
            f"c/{TINY}/{name_of(program(14))}: could not be measured by {TINY}, expected room for "
            "it to run\n"))
        self.assertFalse(os.path.exists(once))
        self.assertEqual(text, "tiny_rmap_fuzzer: 2 of 3 inputs needed, 136 of 152 bytes, "
                         "1 could not be measured and stay\n")
        self.assertEqual(self.count_shown("c"), {1, 14})

    def test_programs_of_another_target_stay(self):
        other = b"\1" + bytes(7)
        self.add(program(1), other)
        text = self.prune()
        self.assertIn("2 of 2 inputs needed, 24 of 24 bytes, 1 are not programs for it\n", text)
        self.assertIn(other, self.files("c").values())

    def test_a_target_that_does_not_work_loses_nothing(self):
        self.add(program(1), program(1, 1))
        before = self.files("c")
        for script, code, said in (("echo 'not\x1b today'\nexit 5", 5, "not\\x1b today"),
                                   ("exit 0", 0, "(nothing)"), ("kill -9 $$", 137, "(nothing)")):
            self.write("bad", "#!/bin/sh\n" + script + "\n")
            os.chmod("bad", 0o755)
            self.target(os.path.abspath("bad"))
            self.prune(code=3, stderr=(
                f"{os.path.abspath('bin')}/{TINY}_bin: did not measure the inputs, exit code "
                f"{code}, its last words: {said}\n"))
            self.assertEqual(self.files("c"), before)

    def test_only_the_target_that_is_named(self):
        self.add(program(1), program(1, 1))
        self.add(b"x", b"y", target="program_fuzzer")
        self.prune("--target=" + TINY)
        self.assertEqual(len(self.files("c/program_fuzzer")), 2)
        self.assertEqual(len(self.files("c/" + TINY)), 1)

    def test_while_a_session_runs_it_is_refused(self):
        self.add(program(1), program(1, 1), corpus="out/corpus")
        self.write("out/.lock", "4242")
        with open("out/.lock", "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.corpus("prune", "out/corpus", "--bin-dir=bin", code=3, stderr=(
                "out/corpus: a session of rmapdiff fuzz is at work (pid 4242) and reduces it, "
                "expected none\n"))
        self.corpus("prune", "out/corpus", "--bin-dir=bin")
        self.assertEqual(len(self.files("out/corpus")), 1)

    def test_an_empty_corpus(self):
        os.mkdir("c")
        self.assertEqual(self.prune(), "c: no inputs\n")


class KillTest(CorpusTest):
    """Killed at any moment, nothing is lost, nothing half done, nothing left running."""

    KILLS = 10  # of each command

    def kill_one(self, number, chance, *words):
        """At a moment by chance; every other time as soon as the corpus changes."""
        folder = "c/" + TINY
        before = len(os.listdir(folder))
        with subprocess.Popen([RMAPDIFF, "corpus", *words, "--bin-dir=bin"],
                              stdout=subprocess.DEVNULL) as process:
            end = time.monotonic() + (10 if number % 2 else chance.uniform(0, self.seconds))
            while (process.poll() is None and time.monotonic() < end
                   and (number % 2 == 0 or len(os.listdir(folder)) == before)):
                time.sleep(0.0002)
            process.kill()
        self.wait_until_nothing_runs()

    def measure(self, *words):
        """How long the command takes if it is left alone."""
        began = time.monotonic()
        text = self.corpus(*words, "--bin-dir=bin")
        self.seconds = time.monotonic() - began
        return text

    def wait_until_nothing_runs(self):
        patience.wait_for(lambda: not list(self.running()))

    def running(self):
        for process in filter(str.isdigit, os.listdir("/proc")):
            try:
                folder = os.readlink(f"/proc/{process}/cwd")
            except OSError:
                continue  # it has ended
            if folder.startswith(self.folder + "/"):
                yield process, folder

    def assert_whole(self, folder):
        for path, content in self.files(folder).items():
            self.assertEqual(path, name_of(content))

    def test_prune(self):
        chance = random.Random(1)
        needed = set(range(5)) | {6}
        inputs = [program(n, salt) for n in needed for salt in range(12)]
        self.add(*inputs)
        self.measure("prune", "c")
        stopped_between = number = 0
        while number < self.KILLS or (stopped_between == 0 and number < 4 * self.KILLS):
            self.add(*inputs)
            self.kill_one(number, chance, "prune", "c")
            self.assert_whole("c/" + TINY)
            self.assertEqual(self.count_shown("c/" + TINY), needed)
            stopped_between += len(needed) < len(os.listdir("c/" + TINY)) < len(set(inputs))
            number += 1
        self.corpus("prune", "c", "--bin-dir=bin")
        self.assertEqual(self.count_shown("c"), needed)
        self.assertEqual(len(self.files("c")), len(needed))

    def test_merge(self):
        chance = random.Random(2)
        before = self.add(program(0), program(6))
        self.add(*(program(n, salt) for n in (1, 2, 3, 4, 6) for salt in range(8)), corpus="from")
        sources = self.files("from")
        shutil.copytree("c", "first")
        self.measure("merge", "c", "from")
        for number in range(self.KILLS):
            shutil.rmtree("c")
            shutil.copytree("first", "c")
            self.kill_one(number, chance, "merge", "c", "from")
            self.assert_whole("c/" + TINY)
            for path in before:
                self.assertTrue(os.path.isfile(path))
        self.assertEqual(self.files("from"), sources)
        self.corpus("merge", "c", "from", "--bin-dir=bin")
        self.assertEqual(self.count_shown("c"), {0, 1, 2, 3, 4, 6})


class PackTest(CorpusTest):

    def hostile(self, *members):
        """An archive as tar makes it."""
        with tarfile.open("bad.tar", "w", format=tarfile.USTAR_FORMAT) as archive:
            for name, content, more in members:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                for key, value in more.items():
                    setattr(member, key, value)
                archive.addfile(member, io.BytesIO(content))

    def test_the_same_inputs_make_the_same_bytes(self):
        self.add(program(1), program(2))
        self.add(b"x", target="program_fuzzer")
        self.assertEqual(self.corpus("pack", "c", "-o", "a.tar"), "a.tar: 3 inputs\n")
        for path in self.add(program(2), program(1), corpus="d"):
            os.utime(path, (1, 1))
            os.chmod(path, 0o600)
        os.rename(f"d/{TINY}/{name_of(program(2))}", f"d/{TINY}/by_another_name")
        self.add(b"x", corpus="d", target="program_fuzzer")
        self.corpus("pack", "d/", "-o", "b.tar")
        self.assertEqual(self.read("a.tar"), self.read("b.tar"))
        with tarfile.open("a.tar") as archive:  # others can read it, too
            self.assertEqual([(one.name, one.mtime, one.uid, one.isfile(), one.mode)
                              for one in archive],
                             [(name, 0, 0, True, 0o644) for name in sorted(self.files("c"))])

    def test_there_and_back(self):
        self.add(program(1), program(2))
        self.corpus("pack", "c", "-o", "a.tar")
        self.assertEqual(self.corpus("unpack", "a.tar", "d"),
                         "d: 2 added, 0 were there already\n")
        self.assertEqual(self.files("c"), self.files("d"))
        self.assertEqual(self.corpus("unpack", "a.tar", "d"),
                         "d: 0 added, 2 were there already\n")

    def test_many_inputs_take_little_memory(self):
        """A limit of address space: 30 MB for the program, and less than 1.7 kB for each input.

        So 100,000 inputs take less than 200 MB.
        """
        os.makedirs("c/" + TINY)
        for salt in range(20_000):
            content = program(4, salt >> 12) + salt.to_bytes(9, "little")
            with open(f"c/{TINY}/{name_of(content)}", "wb") as file:
                file.write(content)

        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (64 << 20, 64 << 20))
        self.corpus("pack", "c", "-o", "a.tar", preexec_fn=limit)
        with tarfile.open("a.tar") as archive:
            self.assertEqual(sum(1 for _ in archive), 20_000)
        self.assertEqual(self.corpus("unpack", "a.tar", "c", preexec_fn=limit),
                         "c: 0 added, 20,000 were there already\n")
        self.corpus("merge", "--all", "c", "c", preexec_fn=limit)
        self.corpus("migrate", "c", preexec_fn=limit)

    def test_names_that_lead_elsewhere_are_refused(self):
        good = f"{TINY}/{name_of(b'x')}"
        for name in ("../x", "/tmp/x", f"{TINY}/../x", f"{TINY}/{name_of(b'x')}/x", "x",
                     f"other/{name_of(b'x')}", f"{TINY}/x\x1b"):
            self.hostile((good, b"x", {}), (name, b"x", {}))
            done = subprocess.run([RMAPDIFF, "corpus", "unpack", "bad.tar", "d"],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stderr, r"\Abad\.tar: member '[ -~]+': [ -~]+\n\Z")
            self.assertFalse(os.path.exists("d"))

    def test_what_is_no_plain_file_is_refused(self):
        name = f"{TINY}/{name_of(b'')}"
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE):
            self.hostile((name, b"", {"type": kind, "linkname": "/etc/passwd", "mode": 0o644}))
            done = subprocess.run([RMAPDIFF, "corpus", "unpack", "bad.tar", "d"],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stderr, rf"\Abad\.tar: member '{name}/?': (expected a plain file "
                             "as rmapdiff corpus pack writes it|expected names like [ -~]+)\n\\Z")
        self.assertFalse(os.path.exists("d"))

    def test_what_is_damaged_is_refused(self):
        content = program(3)
        self.add(content)
        self.corpus("pack", "c", "-o", "a.tar")
        archive = self.read("a.tar")
        self.write("bad.tar", archive.replace(content, program(3, 1)))
        self.corpus("unpack", "bad.tar", "d", code=2, stderr=(
            f"bad.tar: member '{TINY}/{name_of(content)}': is damaged, expected the content that "
            "its name says\n"))
        cut_off = "bad.tar: is cut off or no archive, expected one of rmapdiff corpus pack\n"
        for bad in (archive[:-1], archive[:700], b""):
            self.write("bad.tar", bad)
            self.corpus("unpack", "bad.tar", "d", code=2, stderr=cut_off)
        self.corpus("unpack", "none.tar", "d", code=2,
                    stderr="none.tar: no such file, expected an archive\n")
        self.assertFalse(os.path.exists("d"))

    def test_a_full_disk_leaves_what_was_there(self):
        def no_space():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))

        self.add(program(1), program(2))
        self.corpus("pack", "c", "-o", "a.tar")
        before = self.read("a.tar")
        self.add(program(3))
        self.corpus("pack", "c", "-o", "a.tar", code=3, preexec_fn=no_space,
                    stderr="a.tar: cannot be written: File too large\n")
        self.assertEqual(self.read("a.tar"), before)
        done = subprocess.run([RMAPDIFF, "corpus", "unpack", "a.tar", "d"], capture_output=True,
                              text=True, check=False, preexec_fn=no_space)
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, r"\A[ -~]+: cannot be written: File too large\n\Z")
        self.assertEqual(self.files("d"), {})

    def test_an_empty_corpus_makes_no_archive(self):
        os.mkdir("c")
        self.corpus("pack", "c", "-o", "a.tar", code=2,
                    stderr="c: holds no inputs, expected a corpus\n")
        self.assertFalse(os.path.exists("a.tar"))


class MigrateTest(CorpusTest):

    def test_what_is_not_canonical_is_rewritten(self):
        other = program(1)[:9] + b"\xe0" + program(1)[10:]  # page 0, from the hot pool
        newer = b"\3" + program(2)[1:]
        older = b"\1" + program(5)[1:5] + b"any" + program(5)[8:]
        self.add(program(3), other, newer, older, program(4)[:-3])
        self.add(b"\1anything", target="program_fuzzer")
        self.assertEqual(self.corpus("migrate", "c"), (
            "tiny_rmap_fuzzer: 1 canonical, 2 rewritten, 1 of an older version, 1 of an unknown "
            "one left alone\n"))
        self.assertEqual(set(self.files("c").values()),
                         {program(3), program(1), program(4), program(5), newer, b"\1anything"})
        for path, content in self.files("c").items():
            self.assertEqual(os.path.basename(path), name_of(content))
        self.assertIn(" 4 canonical, 0 rewritten", self.corpus("migrate", "c"))

    def test_two_that_become_one(self):
        self.add(program(1), program(1)[:-1])
        self.assertIn(" 1 canonical, 1 rewritten", self.corpus("migrate", "c"))
        self.assertEqual(list(self.files("c").values()), [program(1)])


class PromoteTest(CorpusTest):

    def setUp(self):
        super().setUp()
        os.makedirs("corpus/" + TINY)
        os.makedirs("corpus/regressions")
        self.environment = {**os.environ, "RMAPDIFF_ROOT": self.folder}

    def promote(self, *words, **options):
        return self.corpus("promote", *words, env=self.environment, **options)

    def test_a_program_becomes_a_seed(self):
        self.write("crash-1", program(2))
        text = self.promote("crash-1", "--name=two_pages", "--idea=Page 0 twice.")
        path = f"{self.folder}/corpus/{TINY}/two_pages.ops"
        self.assertEqual(text, path + "\n")
        seed = self.read(path).decode()
        self.assertTrue(seed.startswith("# Page 0 twice.\n" + HEADER), seed)
        self.assertEqual(seed.count("\nalloc_page "), 2)
        shutil.copy(path, "a.ops")
        self.promote("a.ops", code=2, stderr=(
            f"a.ops: is there already, as {path}, expected a new program\n"))

    def test_without_a_name_it_is_called_by_what_is_rare_in_it(self):
        self.write("a.ops", HEADER + ALLOC + MAPS)
        text = self.promote("a.ops")
        path, advice = text.splitlines()
        self.assertRegex(path, rf"/corpus/{TINY}/map_alloc_page_[0-9a-f]{{6}}\.ops\Z|"
                         rf"/corpus/{TINY}/alloc_page_map_[0-9a-f]{{6}}\.ops\Z")
        self.assertEqual(advice, "now say in the first line what each is for (corpus/README.md)")
        self.assertEqual(self.read(path).decode().splitlines()[0],
                         "# Say in a line what this program shows that no other seed does.")

    def test_what_is_refused(self):
        self.write("a.ops", HEADER)
        self.write("b.ops", PRODUCTION)
        self.write("q.ops", QUIRK)
        corpus = self.folder + "/corpus"
        self.promote("q.ops", code=2, stderr=(
            "q.ops: expected a program that a fuzz target runs\n"))
        self.promote("b.ops", code=2, stderr=(
            f"{corpus}/rmap_fuzzer: no such folder, expected one of corpus/\n"))
        self.promote("b.ops", "--to=corpus/" + TINY, code=2, stderr=(
            f"b.ops: is not a program for {TINY}, expected --to=corpus/rmap_fuzzer\n"))
        self.write(f"corpus/{TINY}/x.ops", HEADER + ALLOC)
        self.promote("a.ops", "--name=x", code=2, stderr=(
            f"{corpus}/{TINY}/x.ops: is there already, expected another --name\n"))
        shutil.copy("a.ops", "same.ops")
        self.promote("a.ops", "same.ops", code=2, stderr=(
            "same.ops: is there already, as the one before it, expected a new program\n"))
        self.assertEqual(os.listdir("corpus/" + TINY), ["x.ops"])

    def test_into_a_folder_that_is_named(self):
        self.write("b.ops", PRODUCTION)
        self.assertTrue(self.promote("b.ops", "--to=corpus/regressions/", "--name=b", "--idea=B.")
                        .startswith("corpus/regressions/b.ops\n"))


class DocumentTest(CorpusTest):
    """docs/corpus.md, command by command."""

    def run_folder(self):
        """The run that the document looks at."""
        now = 1795551300  # 2026-11-24 20:15

        def sample(when, features):
            names = (("rmap_fuzzer", 41040000, 64, features[0], 1311, 0),
                     ("tiny_rmap_fuzzer", 62208000, 57, features[1], 1604, 1))
            return {"time": now - 28800 + when, "run": 2, "elapsed": when, "jobs": 2, "seed": 7,
                    "final": when == 28800, "findings": 1, "targets": {
                        name: {"execs": execs, "ops": ops * execs, "seconds": 28800,
                               "coverage": 4000, "features": seen, "corpus": inputs,
                               "corpus_bytes": 500 * inputs, "findings": findings}
                        for name, execs, ops, seen, inputs, findings in names}}

        samples = (sample(26270, (18204, 21000)), sample(28600, (18204, 21877)),
                   sample(28800, (18204, 21877)))
        self.write("out/stats.jsonl", "".join(json.dumps(one) + "\n" for one in samples))
        # The command line gives the folder its name.
        subprocess.run([RMAPDIFF, "--take-in", "out", TINY, "none", "none",
                        "rmap-missing/drop/sibling", "1"], check=True, stdout=subprocess.DEVNULL)
        folder, = os.listdir("out/findings")
        self.write(f"out/findings/{folder}/finding.json", json.dumps(
            {"signature": "rmap-missing/drop/sibling", "target": "tiny_rmap_fuzzer",
             "kind": "divergence", "engine": "sibling", "count": 3, "ops": 4,
             "first_seen": now - 6 * 3600 - 13 * 60, "last_seen": now - 17 * 60}))

    def test_each_command_prints_what_stands_there(self):
        self.target(REAL)
        self.run_folder()
        os.symlink(os.path.join(ROOT, "docs"), "docs")
        os.makedirs("corpus/" + TINY)
        with open(DOCUMENT, encoding="utf-8") as file:
            blocks = re.findall(r"```console\n(.*?)```", file.read(), re.DOTALL)
        commands = re.findall(r"^\$ tools/rmapdiff ([^\n]*)\n(.*?)(?=^\$|\Z)", "\n".join(blocks),
                              re.DOTALL | re.MULTILINE)
        self.assertEqual({words.split()[1] for words, _ in commands if words[:6] == "corpus"},
                         set(ACTIONS))
        for words, expected in commands:
            more = ["--bin-dir=bin"] if re.match(r"corpus (merge (?!--all)|prune)", words) else []
            done = subprocess.run(
                [RMAPDIFF, *(name for word in words.split() for name in glob.glob(word) or [word]),
                 *more], capture_output=True, text=True, check=False)
            output = re.sub(r"[\d:]+ ago", "* ago", done.stdout + done.stderr)
            pattern = re.escape(re.sub(r"[\d:]+ ago", "* ago", expected.rstrip("\n")) + "\n")
            # "..." stands for what is left out.
            self.assertRegex(output, rf"(?s)\A{pattern.replace(re.escape('...'), '.*')}\Z", words)


if __name__ == "__main__":
    unittest.main()

"""Scouts: what they print and write, by which a supervisor knows them."""

import hashlib
import os
import re
import signal
import subprocess
import tempfile
import time
import unittest

from tools.scripts.mutants import finding, trial

SCOUT = os.path.abspath("fuzzers/scout")
FAULTY = os.path.abspath("tests/fuzzers/faulty_scout")
SHA1 = re.compile(r"[0-9a-f]{40}")


def content(path):
    with open(path, "rb") as file:
        return file.read()


class ScoutTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def run_scout(self, *words, program=SCOUT, **env):
        return subprocess.run([program, *words], stderr=subprocess.PIPE, text=True, check=False,
                              env={**os.environ, **env}, cwd=self.folder)

    def handed_over(self, seed, runs, target="tiny_mmu_fuzzer", gap=250):
        """The folder of what a scout hands over."""
        folder = tempfile.mkdtemp(dir=self.folder)
        done = self.run_scout(target, f"-seed={seed}", f"-runs={runs}", f"-hand_over={folder}",
                              "-max_len=72", f"-hand_over_gap={gap}")
        self.assertEqual(done.returncode, 0, done.stderr)
        return folder

    def artifact(self, prefix):
        """The path of the one file whose name begins so and ends as its content says."""
        [name] = [name for name in os.listdir(self.folder) if name.startswith(prefix)]
        path = self.path(name)
        self.assertEqual(name, prefix + hashlib.sha1(content(path)).hexdigest())
        return path

    def test_the_programs_follow_from_the_seed(self):
        one, again, other = (set(os.listdir(self.handed_over(seed, 500))) for seed in (5, 5, 6))
        self.assertEqual(one, again)
        self.assertFalse(one & other)

    def test_a_share_is_handed_over_under_the_names_of_a_corpus(self):
        folder = self.handed_over(1, 1000)
        names = os.listdir(folder)
        self.assertEqual(len(names), 4)
        for name in names:
            path = os.path.join(folder, name)
            self.assertEqual(name, hashlib.sha1(content(path)).hexdigest())
            self.assertEqual(self.run_scout("tiny_mmu_fuzzer", path).returncode, 0)
            other = self.run_scout("rmap_fuzzer", path)
            self.assertEqual(other.returncode, 2)
            self.assertIn(f"{path}: is for another target, expected an input of rmap_fuzzer",
                          other.stderr)

    def test_the_share_gets_rarer(self):
        few, many = (len(os.listdir(self.handed_over(1, runs, "tiny_rmap_fuzzer", 10)))
                     for runs in (64 * 10, 2 * 64 * 10))
        self.assertEqual((few, many), (64, 64 + 32))

    def test_a_folder_that_is_missing_stops_no_scout(self):
        done = self.run_scout("tiny_mmu_fuzzer", "-runs=600", f"-hand_over={self.path('none')}")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(re.findall(r"warning: .*cannot be written", done.stderr)), 1)

    def test_programs_are_counted(self):
        stats = self.path("stats")
        done = self.run_scout("oom_fuzzer", "-runs=7", RMAPDIFF_STATS=stats)
        self.assertEqual(trial.read_execs(stats), 7)
        self.assertIn("stat::number_of_executed_units: 7\n", done.stderr)

    def test_a_finding_ends_it_and_its_input_is_written(self):
        done = self.run_scout("tiny_rmap_fuzzer", f"-artifact_prefix={self.folder}/",
                              program=FAULTY)
        self.assertEqual(done.returncode, 77)
        found = finding.read(done.returncode, done.stderr)
        self.assertIn(f"SIGNATURE: {found.signature}\n", done.stderr)
        path = self.artifact("crash-")
        self.assertIn(f"Test unit written to {path}\n", done.stderr)
        again = self.run_scout("tiny_rmap_fuzzer", path, program=FAULTY)
        self.assertEqual(finding.read(again.returncode, again.stderr), found)
        self.assertEqual(self.run_scout("tiny_rmap_fuzzer", path).returncode, 0)

    def started(self, *words):
        """A scout that has run some programs."""
        stats = os.path.join(tempfile.mkdtemp(dir=self.folder), "stats")
        # pylint: disable=consider-using-with
        scout = subprocess.Popen([SCOUT, *words, f"-artifact_prefix={self.folder}/"],
                                 stderr=subprocess.PIPE, text=True,
                                 env={**os.environ, "RMAPDIFF_STATS": stats})
        self.addCleanup(scout.kill)
        while not os.path.exists(stats) or trial.read_execs(stats) < 3:
            time.sleep(0.01)
        return scout

    def test_a_signal_that_kills_it_leaves_the_input(self):
        scout = self.started("mmu_fuzzer")
        scout.send_signal(signal.SIGSEGV)
        _, said = scout.communicate()
        self.assertEqual(finding.read(scout.returncode, said), ("signal", "SEGV/unknown", ""))
        self.assertEqual(self.run_scout("mmu_fuzzer", self.artifact("crash-")).returncode, 0)

    def test_an_interrupt_ends_it_without_a_finding(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            scout = self.started("mmu_fuzzer")
            scout.send_signal(number)
            _, said = scout.communicate()
            self.assertEqual(scout.returncode, 72)
            self.assertIn("stat::number_of_executed_units: ", said)
        self.assertFalse([name for name in os.listdir(self.folder) if SHA1.search(name)])

    def test_time_and_memory_have_limits(self):
        # Some seconds of the processor for each program.
        slow = self.run_scout("oom_fuzzer", "-timeout=1", "-max_len=65536")
        self.assertEqual(slow.returncode, 70)
        self.artifact("timeout-")
        large = self.run_scout("mmu_fuzzer", "-rss_limit_mb=1")
        self.assertEqual(large.returncode, 71)
        self.artifact("oom-")

    def test_wrong_usage_is_a_line(self):
        for words, expected in (([], "usage: scout TARGET"),
                                (["no_fuzzer"], "'no_fuzzer': no fuzz target of programs"),
                                (["mmu_fuzzer", "-runs"], "'-runs': expected -FLAG=VALUE"),
                                (["mmu_fuzzer", "-runs=x"], "expected a number from 0 to"),
                                (["mmu_fuzzer", "-max_len=7"], "expected a number from 8 to"),
                                (["mmu_fuzzer", "none"], "none: cannot be read")):
            done = self.run_scout(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertRegex(done.stderr, r"\Ascout: [^\n]*\n\Z")
            self.assertIn(expected, done.stderr)
        wrong = self.run_scout("mmu_fuzzer", "-runs=1", RMAPDIFF_SEARCH="no-luck")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("RMAPDIFF_SEARCH: ", wrong.stderr)

"""`rmapdiff mutants --as-gate`, on targets that are scripts, and the kill rate that it measures.

docs/finding-power/gate.json is held against what it is about: mutants, seeds, the recorded medians
and docs/ci.md.
"""

import glob
import os
import tempfile
import types
import unittest

from tests.mutants import mutants
from tests.scripts.gate_fixture import OWN, REGRESSION, Folder
from tools.scripts.gate import fuzzing, kill_rate, shares
from tools.scripts.mutants import as_gate, campaign, trial

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, "..", ".."))

MADE = "corpus-rmap_fuzzer-made.ops.bin"


def read(*names):
    with open(os.path.join(ROOT, *names), encoding="utf-8") as file:
        return file.read()


class LookTest(Folder):

    def look(self, seeds, **how):
        target = self.target(seeds, **how)
        task = as_gate.Task("a_fault", "state", target, fuzzing.Budget(60, 60, starts=1), 5)
        return as_gate.look(task, self.root, self.path("scratch"))

    def test_a_seed_that_fails_sees_it(self):
        record = self.look({OWN: "accept", REGRESSION: "crash a/b/sibling"})
        self.assertEqual(record, ("a_fault", "state", "seed", "corpus/regressions/b.ops", False, 0,
                                  "a/b/sibling"))

    def test_one_that_was_made_for_it_comes_first(self):
        self.write("corpus/rmap_fuzzer/made.ops", "# Why.\n# Made for other, a_fault.\nprogram\n")
        record = self.look({OWN: "crash a/b/sibling", MADE: "crash c/d/sibling"})
        self.assertEqual((record.seed, record.made_for, record.signature),
                         ("corpus/rmap_fuzzer/made.ops", True, "c/d/sibling"))

    def test_one_that_was_made_for_it_and_passes_sees_nothing(self):
        self.write("corpus/rmap_fuzzer/made.ops", "# Made for a_fault.\n")
        record = self.look({OWN: "crash a/b/sibling", MADE: "accept"})
        self.assertEqual((record.seed, record.made_for), ("corpus/rmap_fuzzer/a.ops", False))

    def test_fuzzing_is_asked_where_no_seed_sees_it(self):
        record = self.look({OWN: "accept"}, rules="5 a/b/sibling", after=12)
        self.assertEqual(record[2:], ("fuzzing", "", False, 12, "a/b/sibling"))

    def test_nothing_sees_it(self):
        self.assertEqual(self.look({OWN: "accept"})[2:], ("", "", False, 60, ""))

    def test_a_target_that_does_not_work_has_proved_nothing(self):
        with self.assertRaisesRegex(trial.Broken, "a_fault: executed nothing"):
            self.look({OWN: "accept"}, execs=0)
        target = self.target({OWN: "accept"})
        self.write("rmap_fuzzer_bin", "#!/bin/sh\nexit 0\n", 0o700)
        with self.assertRaisesRegex(trial.Broken, "was not executed"):
            as_gate._first_to_fail(target, [self.path("rmap_fuzzer_corpus", OWN)])

    def test_what_decides_is_in_the_state(self):
        def state(programs=60, seed=5, seeds=None, **how):
            target = self.target(seeds or {OWN: "accept"}, **how)
            return as_gate._state(target, fuzzing.Budget(programs, 60), seed)

        same = state()
        self.assertEqual(same, state())
        for how in ({"programs": 61}, {"seed": 6}, {"seeds": {OWN: "reject"}},
                    {"seeds": {OWN: "accept", "b": "accept"}}, {"rules": "7 a/b/c"}):
            self.assertNotEqual(same, state(**how), how)

    def test_a_measurement_goes_on_where_it_was_stopped(self):
        looked = []

        def work(task):
            looked.append(task.mutant)
            return as_gate.Record(task.mutant, task.state, "seed", "s", True, 0, "")

        tasks = [types.SimpleNamespace(mutant=name, state="1") for name in "abc"]
        for part, expected in ((tasks[:2], "ab"), (tasks, "c"),
                               ([types.SimpleNamespace(mutant="a", state="2")], "a")):
            looked.clear()
            records = campaign.go_on(part, lambda one: (one.mutant, one.state), work,
                                     as_gate.Record, self.path("records"), 1)
            self.assertEqual("".join(looked), expected)
            self.assertEqual([record.mutant for record in records],
                             [task.mutant for task in part])


def fault(name, seen="seed", median=500, made_for=True):
    return kill_rate.Fault(name, "t", median, median <= 100, seen, "", made_for, 0, "")


class KillRateTest(unittest.TestCase):

    RATE = kill_rate.KillRate(60, 5, 100, "", {"t": 3},
                              [fault("a"), fault("b", "fuzzing", 200, False), fault("c", "", 50)])

    def test_the_sentence_counts(self):
        self.assertEqual(kill_rate.sentence(self.RATE), "of 3 seeded faults this gate sees 2, 1 "
                                                        "of them by a seed made for it")

    def test_a_measurement_takes_the_place_of_what_was_known(self):
        merged = as_gate.merge(self.RATE, [fault("b", "seed", 200), fault("d", "seed", 900)])
        self.assertEqual([(one.name, one.seen) for one in merged.faults],
                         [("d", "seed"), ("a", "seed"), ("b", "seed"), ("c", "")])

    def test_what_is_not_seen_any_more_is_told_and_what_never_was_is_not(self):
        self.assertEqual(as_gate.lost(self.RATE, [fault("a", ""), fault("c", ""), fault("d", ""),
                                                  fault("b")]), ["a", "d"])

    def test_the_file_is_read_as_it_was_written(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.dirname(os.path.join(root, kill_rate.PATH)))
            with open(os.path.join(root, kill_rate.PATH), "w", encoding="utf-8") as file:
                file.write(kill_rate.text_of(self.RATE))
            self.assertEqual(kill_rate.read(root), self.RATE)

    def test_medians_and_needs(self):
        table = "| mutant |\n| --- |\n| `a` | 1/1 | 1 | 1 | 1 | 30 | x |\n| `b` | 0/1 | - | - | 6 "
        table += "| - | x |\n| `c` | 1/1 | 1 | 1 | 1 | 5 | x |\n"
        medians = kill_rate.medians(table)
        self.assertEqual(medians, {"a": 30, "c": 5})
        self.assertEqual(kill_rate.needs(medians, {"a": "t", "b": "u", "c": "t"}), {"t": 30})

    def test_what_a_seed_was_made_for(self):
        self.assertEqual(kill_rate.made_for("# Made for a_b.\n# Made for c, d\nMade for e.\n"),
                         {"a_b", "c", "d"})


class FileTest(unittest.TestCase):
    """docs/finding-power/gate.json."""

    @classmethod
    def setUpClass(cls):
        cls.rate = kill_rate.read(ROOT)
        cls.mutants = {mutant.name: mutant for mutant in map(mutants.read, glob.glob(
            os.path.join(ROOT, "tests", "mutants", "*.patch")))}
        cls.medians = kill_rate.medians(read(kill_rate.MEDIANS))
        cls.targets = {name: mutant.fields["Target"] for name, mutant in cls.mutants.items()
                       if mutant.fields["Equivalent"] == "no"}

    def test_it_is_as_the_command_writes_it(self):
        self.assertEqual(read(kill_rate.PATH), kill_rate.text_of(self.rate))

    def test_every_fault_is_a_mutant_with_its_target_and_median(self):
        names = [one.name for one in self.rate.faults]
        self.assertEqual(len(names), len(set(names)))
        for one in self.rate.faults:
            with self.subTest(one.name):
                self.assertEqual(one.target, self.targets.get(one.name))
                self.assertEqual(one.median, self.medians[one.name])
                self.assertEqual(one.drawn, one.median <= self.rate.slow)

    def test_all_slow_faults_are_counted_and_some_others(self):
        slow = {name for name in self.targets if self.medians.get(name, 0) > self.rate.slow}
        self.assertEqual(slow, {one.name for one in self.rate.faults if not one.drawn})
        self.assertGreaterEqual(sum(one.drawn for one in self.rate.faults), 30)

    def test_targets_need_what_the_medians_say(self):
        self.assertEqual(self.rate.needs, kill_rate.needs(self.medians, self.targets))

    def test_what_sees_a_fault_is_there(self):
        targets = read("fuzzers", "fuzz_targets.txt").split()
        programs = shares.shares(self.rate.programs, targets, self.rate.needs)
        for one in self.rate.faults:
            with self.subTest(one.name):
                self.assertIn(one.seen, ("seed", "fuzzing", ""))
                self.assertEqual(one.seen == "seed", bool(one.seed))
                self.assertEqual(bool(one.seen), bool(one.signature))
                made = one.seed and one.name in kill_rate.made_for(read(one.seed))
                self.assertEqual(one.made_for, bool(made))
                self.assertLessEqual(one.programs, programs[one.target])
                if one.seen == "":
                    self.assertEqual(one.programs, programs[one.target])

    def test_seeds_are_made_for_faults_that_there_are(self):
        seeds = glob.glob(os.path.join(ROOT, "corpus", "*", "*.ops"))
        self.assertGreater(len(seeds), 100)
        for path in seeds:
            self.assertLessEqual(kill_rate.made_for(read(path)), set(self.targets), path)

    def test_the_document_says_the_same(self):
        self.assertIn(kill_rate.sentence(self.rate), " ".join(read("docs", "ci.md").split()))


if __name__ == "__main__":
    unittest.main()

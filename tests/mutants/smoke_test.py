"""A few mutants of each kind: random programs find the faults at once, and nothing else."""

import glob
import os
import subprocess
import unittest

from tests.mutants import mutants

HERE = os.path.dirname(os.path.abspath(__file__))
SUFFIX = "_hunt"
HUNTS = sorted(glob.glob(os.path.join(HERE, "*" + SUFFIX)))
PROGRAMS = "2000"


class SmokeTest(unittest.TestCase):

    def hunt(self, equivalent):
        """(mutant, what its hunt says) of all that are equivalent, or of all that are not."""
        answers = []
        for program in HUNTS:
            mutant = mutants.read(program[:-len(SUFFIX)] + ".patch")
            if (mutant.fields["Equivalent"] != "no") != equivalent:
                continue
            command = [program, mutant.fields["Target"], PROGRAMS]
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            answers.append((mutant, run.stdout.split()))
        return answers

    def test_each_fault_is_found_and_its_engine_named(self):
        answers = self.hunt(equivalent=False)
        self.assertTrue(answers)
        for mutant, answer in answers:
            with self.subTest(mutant.name):
                self.assertEqual(answer[:1], ["found"])
                self.assertIn(mutant.fields["Guilty"], (answer[1], "any"))

    def test_no_equivalent_mutant_is_reported(self):
        answers = self.hunt(equivalent=True)
        self.assertTrue(answers)
        for mutant, answer in answers:
            with self.subTest(mutant.name):
                self.assertEqual(answer, ["nothing", PROGRAMS])

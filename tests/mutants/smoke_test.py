"""A few mutants of each kind: scouts find the faults at once, and nothing else."""

import glob
import os
import subprocess
import tempfile
import unittest

from tests.mutants import mutants
from tools.scripts.mutants import finding

HERE = os.path.dirname(os.path.abspath(__file__))
SUFFIX = "_scout"
SCOUTS = sorted(glob.glob(os.path.join(HERE, "*" + SUFFIX)))
PROGRAMS = 2000


class SmokeTest(unittest.TestCase):

    def finds(self, equivalent):
        """(mutant, the Finding of its scout) of all that are equivalent, or of all that are not."""
        found = []
        with tempfile.TemporaryDirectory() as folder:
            for program in SCOUTS:
                mutant = mutants.read(program[:-len(SUFFIX)] + ".patch")
                if (mutant.fields["Equivalent"] != "no") != equivalent:
                    continue
                command = [program, mutant.fields["Target"], f"-runs={PROGRAMS}",
                           f"-artifact_prefix={folder}/"]
                run = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
                found.append((mutant, finding.read(run.returncode, run.stderr), run.stderr))
        self.assertTrue(found)
        return found

    def test_each_fault_is_found_and_its_engine_named(self):
        for mutant, found, _ in self.finds(equivalent=False):
            with self.subTest(mutant.name):
                self.assertIsNotNone(found)
                self.assertIn(mutant.fields["Guilty"], (found.guilty, "any"))

    def test_no_equivalent_mutant_is_reported(self):
        for mutant, found, said in self.finds(equivalent=True):
            with self.subTest(mutant.name):
                self.assertIsNone(found)
                self.assertIn(f"stat::number_of_executed_units: {PROGRAMS}\n", said)

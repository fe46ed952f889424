"""A few faults that are slow to be found: the seeds that the gate's kill rate names see each.

Which seed sees which fault stands in docs/finding-power/gate.json. These are built without
sanitizers and without optimisation, which takes a few seconds of the processor each; all others are
measured by `tools/rmapdiff mutants --as-gate`.
"""

import glob
import json
import os
import subprocess
import unittest

from tests.mutants import mutants

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
SUFFIX = "_unoptimised"
PROGRAMS = sorted(glob.glob(os.path.join(HERE, "*" + SUFFIX)))


def run(program, path):
    """(exit code, {key: value} of what `rmapdiff run` says)."""
    done = subprocess.run([program, "run", "--json", path], capture_output=True, text=True,
                          check=False)
    return done.returncode, json.loads(done.stdout)


class SeedsTest(unittest.TestCase):

    def test_each_fault_is_seen_by_its_seed_and_the_engine_named(self):
        with open(os.path.join(ROOT, "docs", "finding-power", "gate.json"),
                  encoding="utf-8") as file:
            faults = {fault["name"]: fault for fault in json.load(file)["faults"]}
        self.assertGreater(len(PROGRAMS), 4)
        for program in PROGRAMS:
            mutant = mutants.read(program[:-len(SUFFIX)] + ".patch")
            with self.subTest(mutant.name):
                seed = faults[mutant.name]["seed"]
                self.assertTrue(seed, "seen by no seed, expected one that the kill rate names")
                code, answer = run(program, os.path.join(ROOT, seed))
                self.assertEqual(code, 1, answer)
                self.assertIn(mutant.fields["Guilty"], (answer["guilty"], "any"))


if __name__ == "__main__":
    unittest.main()

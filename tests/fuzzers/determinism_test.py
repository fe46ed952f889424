"""A fuzz target from an empty corpus, twice with one seed: the same corpus, file by file."""

import os
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
RUNS = {"tiny_rmap_fuzzer": 1500, "tiny_mmu_fuzzer": 300}


def corpus_of(target, seed, runs):
    """{name: content} of what the target keeps."""
    with tempfile.TemporaryDirectory() as folder:
        binary = os.path.join(HERE, "..", "..", "fuzzers", f"{target}_bin")
        with open(os.path.join(HERE, "..", "..", "fuzzers", f"{target}_options.options"),
                  encoding="utf-8") as file:
            flags = ["-" + line for line in file.read().split("\n") if "=" in line]
        subprocess.run([binary, *flags, f"-seed={seed}", f"-runs={runs}",
                        f"-artifact_prefix={folder}/", folder], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        corpus = {}
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as file:
                corpus[name] = file.read()
        return corpus


class DeterminismTest(unittest.TestCase):

    def test_one_seed_makes_one_corpus(self):
        for target, runs in RUNS.items():
            with self.subTest(target):
                once, again = corpus_of(target, 7, runs), corpus_of(target, 7, runs)
                self.assertGreater(len(once), 50)
                self.assertEqual(once, again)

    def test_another_seed_makes_another(self):
        self.assertNotEqual(corpus_of("tiny_rmap_fuzzer", 7, 100),
                            corpus_of("tiny_rmap_fuzzer", 8, 100))

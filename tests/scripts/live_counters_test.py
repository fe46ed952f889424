"""The live counters of a fuzz target, as each reader sees them. The target itself writes them."""

import fcntl
import json
import os
import subprocess
import tempfile
import unittest

from tools.scripts.mutants import trial

TARGET = "tiny_rmap_fuzzer"
BINARY = os.path.abspath(f"fuzzers/{TARGET}_bin")
RMAPDIFF = os.path.abspath("tools/cli/rmapdiff")


class LiveCountersTest(unittest.TestCase):

    def test_scripts_and_the_command_line_read_what_a_target_writes(self):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "logs"))
            stats = os.path.join(folder, "logs", TARGET + ".stats")
            subprocess.run([BINARY, "-runs=300", "-seed=1"], check=True, capture_output=True,
                           env={**os.environ, "RMAPDIFF_STATS": stats})
            with open(os.path.join(folder, "stats.jsonl"), "w", encoding="utf-8") as file:
                file.write(json.dumps({"time": 1, "run": 1, "targets": {TARGET: {}}}) + "\n")
            with open(os.path.join(folder, ".lock"), "w", encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # as a session that runs
                said = subprocess.run([RMAPDIFF, "status", "--json", folder], check=True,
                                      capture_output=True).stdout
            figures = json.loads(said)["targets"][TARGET]
            self.assertGreater(figures["execs"], 0)
            self.assertGreater(figures["ops"], 0)
            self.assertEqual(trial.read_execs(stats), figures["execs"])

    def test_what_holds_no_figures_counts_nothing(self):
        with tempfile.NamedTemporaryFile() as file:
            for content in (b"", b"RMAPDIFF", b"RMAPDIFF" + bytes([2]) + bytes(31), b"x" * 40):
                with open(file.name, "wb") as block:
                    block.write(content)
                self.assertEqual(trial.read_execs(file.name), 0, content)


if __name__ == "__main__":
    unittest.main()

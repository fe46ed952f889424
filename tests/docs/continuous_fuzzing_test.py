"""docs/continuous-fuzzing.md, with a target that has a fault: a mutant (tests/mutants)."""

import glob
import json
import os
import re
import subprocess
import tempfile
import unittest
from unittest import mock

from tools.bazel_rules import patience
from tools.scripts.gate import findings
from tools.scripts.gate.outcome import Artifact

ROOT = os.getcwd()
MUTANT = os.path.join(ROOT, "tests/mutants/sibling_unlink_loses_tail")
CRASH = os.path.join(ROOT, "docs/examples/crash-0f5d.ops")
DOCUMENT = os.path.join(ROOT, "docs/continuous-fuzzing.md")
FIRST = "out/findings/rmap-missing.drop.sibling-f87aaaa9"

# As the tools are called; what is to run for hours is asked to stop once it has kept the finding,
# set its input aside, and got to work. Later calls end by themselves.
FUZZ = f"""#!/bin/sh
first=yes
[ ! -e out/summary.json ] || first=
{MUTANT}_rmapdiff fuzz --bin-dir=bin "$@" &
if [ $first ]; then
  until [ -d {FIRST} ] && ls out/quarantine/tiny_rmap_fuzzer/* out/corpus/tiny_rmap_fuzzer/*; do
    kill -0 $! && sleep 0.2 || break
  done >/dev/null 2>&1
  kill -TERM $!
fi
wait $!
"""
RMAPDIFF = f"""#!/bin/sh
exec {MUTANT}_rmapdiff "$@"
"""


class ContinuousFuzzingTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)
        os.makedirs("bin")
        os.makedirs("tools")
        os.symlink(MUTANT, "bin/tiny_rmap_fuzzer_bin")
        with open("bin/fuzz_targets.txt", "w", encoding="utf-8") as file:
            file.write("tiny_rmap_fuzzer\n")
        for name, script in (("tools/fuzz", FUZZ), ("tools/rmapdiff", RMAPDIFF)):
            with open(name, "w", encoding="utf-8") as file:
                file.write(script)
            os.chmod(name, 0o755)
        # A seed that shows the fault of the document at once, at every start.
        os.mkdir("bin/tiny_rmap_fuzzer_corpus")
        done = self.sh(f"tools/rmapdiff assemble {CRASH} -o bin/tiny_rmap_fuzzer_corpus/crash")
        self.assertEqual(done.returncode, 0, done.stderr)

    def sh(self, command):
        environment = dict(os.environ, RMAPDIFF_ROOT=ROOT, RMAPDIFF_PROBE=MUTANT + "_probe")
        return subprocess.run(["bash", "-c", command], env=environment, capture_output=True,
                              text=True, timeout=patience.SECONDS, check=False)

    def test_the_commands(self):
        with open(DOCUMENT, encoding="utf-8") as file:
            document = file.read()
        commands = [line for block in re.findall(r"```sh\n(.*?)```", document, re.DOTALL)
                    for line in block.splitlines()]
        self.assertGreaterEqual(len(commands), 6)
        self.assertRegex(commands[0], r"\Atools/fuzz --time=14d .*--dir=out\Z")
        self.check_run(commands[0])
        self.check_gate()
        for command in commands[1:]:
            if "--target" in command or "--weight" in command:
                self.check_refusal(command)
            else:
                done = self.sh(command)
                self.assertIn(done.returncode, (0, 1), command + done.stdout + done.stderr)
                self.assertIn("sibling", done.stdout, command)

    def check_run(self, command):
        done = self.sh(command)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stdout,
                         r"\nFINDING tiny_rmap_fuzzer: \S+/sibling: out/findings/\S+\n")
        self.assertIn("\nstopping\n", done.stdout)
        findings = glob.glob("out/findings/*")
        self.assertIn(FIRST, findings)
        # It is set aside, or nothing else would ever be executed.
        self.assertEqual(len(os.listdir("out/quarantine/tiny_rmap_fuzzer")), 1)
        with open("out/summary.json", encoding="utf-8") as file:
            self.assertGreater(json.load(file)["targets"]["tiny_rmap_fuzzer"]["execs"], 1)
        for finding in findings:
            names = {re.sub(r"-[0-9a-f]{40}$", "-SHA1", name) for name in os.listdir(finding)}
            self.assertEqual(names, {"finding.json", "input-SHA1", "minimal.ops", "report.txt",
                                     "draft_test.cc"})
            with open(finding + "/finding.json", encoding="utf-8") as file:
                record = json.load(file)
            self.assertEqual((record["engine"], record["reproduced"]), ("sibling", "3/3"))
            with open(finding + "/minimal.ops", encoding="utf-8") as file:
                minimal = file.read()
            self.assertTrue(minimal.startswith(f"# Shows {record['signature']}.\n"))
            if finding == FIRST:  # for others there may have been no time
                self.assertLessEqual(record["ops"], 10)
        for name in ("corpus", "incoming", "logs", "stats.jsonl", "summary.json", ".lock"):
            self.assertTrue(os.path.exists("out/" + name), name)

    def check_gate(self):
        """The gate files the same bug under the same name, with the same files and fields."""
        os.makedirs("built/tools/cli")
        os.symlink(MUTANT + "_rmapdiff", "built/tools/cli/rmapdiff")
        with mock.patch.dict(os.environ, RMAPDIFF_PROBE=MUTANT + "_probe"):
            tool = findings.Tool(ROOT, os.path.abspath("built"))
        artifact = Artifact("tiny_rmap_fuzzer", "bin/tiny_rmap_fuzzer_corpus/crash", "raw")
        finding, = findings.look([artifact, artifact], tool)
        findings.keep(finding, "gate-out", tool)
        self.assertEqual((finding.kept_note, finding.count), ("", 2))
        self.assertEqual(finding.folder, FIRST.replace("out/", "gate-out/", 1))
        files, of_run = ({name for name in os.listdir(folder) if not name.startswith("input-")}
                         for folder in (finding.folder, FIRST))
        self.assertEqual(files, of_run)
        records = []
        for folder in (finding.folder, FIRST):
            with open(folder + "/finding.json", encoding="utf-8") as file:
                records.append(json.load(file))
        of_gate, of_run = records
        self.assertEqual(of_gate["count"], 2)
        self.assertEqual(list(of_gate), list(of_run))
        for key in ("signature", "target", "kind", "engine", "minimal", "report", "draft"):
            self.assertEqual(of_gate[key], of_run[key], key)

    def check_refusal(self, command):
        """Of a target that is not among these; the words before it were understood."""
        done = self.sh(command)
        self.assertEqual(done.returncode, 2, command)
        self.assertRegex(done.stderr, r"--target: no target 'oom_fuzzer'|--weight: 'dirty_log_fuzze"
                                      r"r=20': expected TARGET=N, a target that runs")


if __name__ == "__main__":
    unittest.main()

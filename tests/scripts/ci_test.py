"""The commands of docs/ci.md, the workflows and the GitLab example exist.

Each command of this tree that they name is there, and takes the options that they give; scripts
pass shellcheck; the rules and lines that the document shows are those of the gate.
"""

import glob
import os
import re
import shlex
import subprocess
import types
import unittest

import yaml

from tools.scripts.common.script import Failure
from tools.scripts.coverage import coverage
from tools.scripts.gate import canary, command as gate_command, kill_rate, rules
from tools.scripts.gate.outcome import Case
from tools.scripts.gate.result import Result
from tools.scripts.mutants import command as mutants_command

ROOT = os.getcwd()

WORKFLOWS = sorted(glob.glob(os.path.join(ROOT, ".github/workflows/*.yml")))
GITLAB = os.path.join(ROOT, "docs/examples/gitlab-ci.yml")
DOCUMENT = os.path.join(ROOT, "docs/ci.md")
RMAPDIFF = os.path.join(ROOT, "tools/cli/rmapdiff")

# By other people, so by a version that is known to be there.
ACTIONS = {"actions/cache@v4", "actions/cache/restore@v4", "actions/cache/save@v4",
           "actions/checkout@v4", "actions/upload-artifact@v4",
           "github/codeql-action/upload-sarif@v3"}

OURS = re.compile(r"(?:^|[\s;|&])((?:tools/[\w/-]+|\.ci/run)(?:[^\n|&;]|\\\n)*)", re.MULTILINE)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def verb_help(*words):
    done = subprocess.run([RMAPDIFF, *words, "--help"], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def steps_of(workflow):
    for job in workflow["jobs"].values():
        yield from job["steps"]


def scripts():
    """(where, text) of every piece of shell in the workflows and the example."""
    for path in WORKFLOWS:
        for step in steps_of(yaml.safe_load(read(path))):
            if "run" in step:
                yield path, step["run"]
    for name, job in yaml.safe_load(read(GITLAB)).items():
        if isinstance(job, dict):
            for part in ("before_script", "script", "after_script"):
                if part in job:
                    yield f"{GITLAB}: {name}", "\n".join(job[part])


def commands(text):
    """The commands of this tree in a script, as lists of words."""
    for match in OURS.finditer(text):
        # Redirections are the shell's.
        yield shlex.split(re.sub(r"\s[12]?>+.*", "", match[1]), comments=True)


class CommandsTest(unittest.TestCase):

    def check_options(self, text, words):
        for word in words:
            if word.startswith("-"):
                name = word.split("=", 1)[0]
                self.assertRegex(text, rf"(?m)(^|[\s,]){re.escape(name)}\b", f"no {name}: {words}")

    def check_rmapdiff(self, words):
        verb = words[1]
        if verb == "gate":
            gate_command.parse_arguments([word for word in words[2:] if "$" not in word])
            return
        if verb == "mutants":
            mutants_command.parse_arguments(words[2:])
            return
        self.assertIn(f"\n  {verb} ", verb_help())
        depth = 2 if verb == "corpus" else 1
        self.check_options(verb_help(*words[1:1 + depth]), words[1 + depth:])

    def check(self, words):
        program = os.path.join(ROOT, words[0])
        self.assertTrue(os.access(program, os.X_OK), words[0])
        if words[0] == "tools/rmapdiff":
            self.check_rmapdiff(words)
        elif words[0] == "tools/fuzz":
            self.check_options(verb_help("fuzz"), words[1:])
        elif words[0] == "tools/coverage":
            coverage.parse_args(words[1:])
        elif words[0] == "tools/test":
            for word in words[1:]:
                self.assertRegex(word, r"^(//\S+|--config=\S+)$")
                if word.startswith("--config="):
                    self.assertIn(f"\nbuild:{word[9:]} ", read(os.path.join(ROOT, ".bazelrc")))
        else:
            self.assertEqual(words[1:], [], words)

    def test_those_of_workflows_and_example(self):
        seen = set()
        for where, text in scripts():
            for words in commands(text):
                with self.subTest(f"{where}: {words}"):
                    self.check(words)
                seen.add(" ".join(words[:2]) if words[0] == "tools/rmapdiff" else words[0])
        self.assertEqual(seen, {".ci/run", "tools/coverage", "tools/fuzz", "tools/setup",
                                "tools/test", "tools/rmapdiff corpus", "tools/rmapdiff gate",
                                "tools/rmapdiff mutants"})

    def test_those_of_the_document(self):
        blocks = re.findall(r"```console\n(.*?)```", read(DOCUMENT), re.DOTALL)
        lines = [line for block in blocks for line in block.splitlines()]
        self.assertGreater(len(lines), 6)
        for line in lines:
            with self.subTest(line):
                self.assertTrue(line.startswith("$ "))
                words, = commands(line[2:])
                self.check(words)

    def test_a_wrong_one_would_be_seen(self):
        for text in ("tools/fuzz --tim=4h", "tools/rmapdiff gat", "tools/nothing", "tools/setup x",
                     "tools/rmapdiff minimize --no x"):
            with self.subTest(text), self.assertRaises(AssertionError):
                self.check(next(commands(text)))
        with self.assertRaises(Failure):
            self.check(["tools/rmapdiff", "gate", "--bogus"])

    def test_scripts_pass_shellcheck(self):
        for where, text in scripts():
            done = subprocess.run(["shellcheck", "--shell=bash", "-"], input=text, text=True,
                                  capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, f"{where}\n{text}\n{done.stdout}")


class WorkflowsTest(unittest.TestCase):

    def setUp(self):
        self.workflows = {os.path.basename(path): yaml.safe_load(read(path)) for path in WORKFLOWS}

    def test_there_are_three(self):
        self.assertEqual(sorted(self.workflows), ["gate.yml", "nightly.yml", "weekly.yml"])

    def test_each_job_is_on_debian_with_a_limit_and_few_rights(self):
        for name, workflow in self.workflows.items():
            self.assertEqual(workflow["permissions"], {"contents": "read"}, name)
            for job in workflow["jobs"].values():
                self.assertEqual(job["container"], "debian:12")
                self.assertLessEqual(job["timeout-minutes"], 360)
                # `sh` would not fail where a pipe does.
                self.assertEqual(job["defaults"]["run"]["shell"], "bash")

    def test_actions_are_those_that_are_known(self):
        for workflow in self.workflows.values():
            used = {step["uses"] for step in steps_of(workflow) if "uses" in step}
            self.assertLessEqual(used, ACTIONS)

    def test_nothing_that_others_write_gets_into_a_script(self):
        for workflow in self.workflows.values():
            for step in steps_of(workflow):
                self.assertNotIn("${{", step.get("run", ""))

    def test_the_gate_has_the_history_and_runs_on_pull_requests(self):
        workflow = self.workflows["gate.yml"]
        self.assertIn("pull_request", workflow[True])  # YAML reads `on` so
        checkout, = [step for step in workflow["jobs"]["gate"]["steps"]
                     if step.get("uses", "").startswith("actions/checkout")]
        self.assertEqual(checkout["with"]["fetch-depth"], 0)

    def test_gitlab_shows_the_junit_report(self):
        example = yaml.safe_load(read(GITLAB))
        self.assertEqual(example["default"]["image"], "debian:12")
        junit = example["gate"]["artifacts"]["reports"]["junit"]
        self.assertIn(f"--junit={junit}", " ".join(example["gate"]["script"]))
        self.assertEqual(example["gate"]["variables"]["GIT_DEPTH"], "0")


class DocumentTest(unittest.TestCase):

    def rule_table(self):
        rows = "".join(f"| `{rule.id}` | {rule.short} |\n" for rule in rules.RULES.values())
        return "| rule | |\n| --- | --- |\n" + rows

    def test_the_rules_are_those_of_the_log(self):
        shown = re.search(r"<!-- rules:begin.*?-->\n(.*?)<!-- rules:end -->", read(DOCUMENT),
                          re.DOTALL)[1]
        self.assertEqual(shown, self.rule_table())

    def test_the_last_lines_are_of_the_form_that_the_gate_prints(self):
        options = types.SimpleNamespace(base="", budget=10 ** 9, limit=1, seed=1, jobs=1, dir="",
                                        corpus="")
        passed = Result(kill_rate.known_of(kill_rate.read(ROOT), options), facts=[
            "ASan and fatal UBSan work in 8 programs",
            "256 seeds and regressions pass on 8 targets",
            "the canary is caught by seeds and by fuzzing",
            "19,999 programs of fuzzing on 8 targets find nothing"])
        failed = Result(cases=[Case("canary", f"{canary.NAME} is caught by the seeds", 0.0,
                                    f"{canary.NAME} is not caught by any of 26 seeds")])
        lines = re.findall(r"^gate: .*$", read(DOCUMENT), re.MULTILINE)
        self.assertEqual(len(lines), 3)
        self.assertIn(passed.last_line(), lines)
        self.assertIn(failed.last_line(), lines)

    def test_every_option_is_told(self):
        text = read(DOCUMENT)
        with open(gate_command.__file__, encoding="utf-8") as file:
            options = re.findall(r'add_argument\("(--\w+)"', file.read())
        self.assertGreater(len(options), 6)
        for option in options:
            self.assertRegex(text, rf"(?m)^\| .*`{option}=")


if __name__ == "__main__":
    unittest.main()

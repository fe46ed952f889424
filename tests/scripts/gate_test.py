"""`rmapdiff gate`: its steps on targets made for it, and that it fails whenever it proves nothing.

The targets are scripts that behave like libFuzzer; what each does with an input stands in the
input. Sanitizers have a test of their own (gate_sanitizers_test), and so has what is written
(gate_reports_test).
"""

import contextlib
import os
import shutil
import stat
import subprocess
import tempfile
import types
import unittest
import unittest.mock as mock

from tests.mutants import mutants
from tests.scripts.gate_fixture import OWN, REGRESSION, Folder
from tools.scripts.common.script import ENVIRONMENT, USAGE, Failure
from tools.scripts.gate import (affected, base, build, canary, command, findings, fuzzing,
                                gate as gate_steps, kill_rate, replaying, result, shares, unchanged)
from tools.scripts.gate.outcome import Artifact, Case, Finding

HERE = os.path.dirname(os.path.abspath(__file__))


class ReplayTest(Folder):

    def replay(self, seeds, **how):
        os.makedirs(self.path("scratch"), exist_ok=True)
        return replaying.replay_target(self.target(seeds, **how), self.path("scratch"))

    def problems(self, replayed):
        return [(case.name, case.problem, case.finding) for case in replayed.cases if case.problem]

    def test_seeds_that_pass_are_counted_by_the_target_itself(self):
        replayed = self.replay({OWN: "accept", REGRESSION: "accept"})
        self.assertEqual(self.problems(replayed), [])
        self.assertEqual([case.name for case in replayed.cases],
                         ["corpus/regressions/b.ops", "corpus/rmap_fuzzer/a.ops",
                          "seeds are executed"])
        self.assertEqual((replayed.seeds, replayed.executed, replayed.regressions), (2, 2, 1))

    def test_an_empty_corpus_fails(self):
        (name, problem, finding), = self.problems(self.replay({}))
        self.assertEqual((name, finding), ("seeds are executed", False))
        self.assertIn("empty corpus", problem)

    def test_a_target_that_accepts_none_of_its_seeds_fails(self):
        self.assertEqual(self.problems(self.replay({OWN: "reject"})),
                         [("seeds are executed", "no seed was executed", False)])

    def test_a_target_that_rejects_one_of_its_seeds_fails(self):
        problems = self.problems(self.replay({OWN: "accept", OWN + "2": "reject"}))
        self.assertEqual(problems, [("seeds are executed", "2 seeds pass, but only 1 are programs "
                                     "for this target", False)])

    def test_a_target_that_keeps_no_figures_has_executed_nothing(self):
        self.assertEqual(self.problems(self.replay({OWN: "accept"}, keeps_none=True)),
                         [("seeds are executed", "no seed was executed", False)])
        replayed = self.replay({"text.txt": "reject"}, name=build.CODEC_TARGET, keeps_none=True)
        self.assertEqual((self.problems(replayed), replayed.executed), ([], 1))

    def test_a_seed_that_fails_is_a_finding_with_its_signature(self):
        replayed = self.replay({OWN: "crash spte/drop/legacy", REGRESSION: "accept"})
        self.assertEqual(self.problems(replayed),
                         [("corpus/rmap_fuzzer/a.ops", "spte/drop/legacy", True)])
        self.assertEqual([(one.raw, one.seed) for one in replayed.failed],
                         [("spte/drop/legacy", "corpus/rmap_fuzzer/a.ops")])

    def test_a_sanitizer_is_read_however_long_its_report(self):
        replayed = self.replay({OWN: "poison", REGRESSION: "accept"})
        self.assertEqual(self.problems(replayed),
                         [("corpus/rmap_fuzzer/a.ops", "use-after-poison/legacy", True)])

    def test_a_program_that_does_not_start_is_no_finding(self):
        target = self.target({OWN: "accept"})
        os.chmod(self.write("rmap_fuzzer_bin", "#!/bin/sh\nexit 0\n"), stat.S_IRWXU)
        replayed = replaying.replay_target(target, self.root)
        self.assertEqual(replayed.failed, [])
        self.assertIn("was not executed", replayed.cases[0].problem)
        self.assertFalse(replayed.cases[0].finding)

    def test_regressions_must_be_executed_by_some_target(self):
        executed = self.replay({OWN: "accept", REGRESSION: "accept"})
        self.assertEqual(replaying.regressions_case([executed]).problem, "")
        ignored = self.replay({OWN: "accept", REGRESSION: "reject"})
        self.assertIn("accepted only 0", replaying.regressions_case([ignored]).problem)
        self.assertIn("no target replays", replaying.regressions_case([]).problem)


class FuzzingTest(Folder):

    BUDGET = fuzzing.Budget(60, 60)

    def fuzz(self, seeds=None, failing=(), budget=BUDGET, folder="fuzz", grown="", **how):
        target = self.target(seeds or {OWN: "accept"}, **how)
        return fuzzing.fuzz(target, budget, 5, self.path(folder),
                            {self.path("rmap_fuzzer_corpus", name) for name in failing}, grown)

    def began(self, folder="fuzz"):
        """What each start had: [runs, inputs...]."""
        with open(self.path(folder, "began"), encoding="utf-8") as file:
            return [line.split() for line in file]

    def contents(self, names, folder="fuzz"):
        texts = []
        for name in names:
            with open(self.path(folder, name), encoding="utf-8") as file:
                texts.append(file.read())
        return texts

    def test_nothing_found(self):
        fuzzed = self.fuzz()
        self.assertEqual((fuzzed.execs, fuzzed.ran, fuzzed.starts, fuzzed.artifacts,
                          fuzzed.problem), (100, 60, 1, [], ""))

    # A scout does what the text after this says, which may use $runs, $seed and $prefix.
    SCOUT = """#!/bin/bash
for word in "$@"; do
  case "$word" in
    -runs=*) runs="${word#*=}" ;;
    -seed=*) seed="${word#*=}" ;;
    -artifact_prefix=*) prefix="${word#*=}" ;;
  esac
done
echo "$@" >> %s
ran() { echo "stat::number_of_executed_units: $1"; }
finds() { printf "$1" > "${prefix}crash-$seed"; echo "SIGNATURE: own/of/scout"
          echo "Test unit written to ${prefix}crash-$seed"; ran 10; exit 77; }
"""

    def scouted(self, script, budget=BUDGET, **how):
        shutil.rmtree(self.path("fuzz"), ignore_errors=True)
        scout = self.write("scout", self.SCOUT % self.path("words") + script, stat.S_IRWXU)
        target = self.target({OWN: "accept"}, **how)._replace(scout=scout)
        return fuzzing.fuzz(target, budget, 5, self.path("fuzz"))

    def test_a_scout_has_what_the_sanitized_target_leaves_of_the_budget(self):
        fuzzed = self.scouted("ran $runs")
        self.assertEqual((fuzzed.ran, fuzzed.scouted, fuzzed.problem, fuzzed.artifacts),
                         (15, 4 * 45, "", []))
        with open(self.path("words"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "rmap_fuzzer -max_len=8 -seed=5 -runs=180 "
                             f"-artifact_prefix={self.path('fuzz', 'scout')}/\n")

    def test_a_finding_of_a_scout_counts_when_the_target_shows_it_and_the_scout_goes_on(self):
        fuzzed = self.scouted("[ $seed -gt 6 ] || finds 'crash leak/of/$seed'; ran $runs")
        self.assertEqual([artifact.raw for artifact in fuzzed.artifacts], ["leak/of/$seed"])
        fuzzed = self.scouted('[ $seed -gt 6 ] || finds "crash leak/of/$seed"; ran $runs',
                              rules="5 leak/of/5")
        self.assertEqual([artifact.raw for artifact in fuzzed.artifacts],
                         ["leak/of/5", "leak/of/6"])
        self.assertEqual((fuzzed.scouted, fuzzed.problem), (180, ""))

    def test_a_finding_that_the_scout_alone_shows_again_counts(self):
        fuzzed = self.scouted('case "$*" in *-runs*) ;; *) echo SIGNATURE: a/b/c; exit 77;; esac\n'
                              "[ $seed -gt 5 ] || finds accept; ran $runs")
        self.assertEqual([artifact.raw for artifact in fuzzed.artifacts], ["a/b/c"])

    def test_a_finding_of_a_scout_that_does_not_come_again_proves_nothing(self):
        fuzzed = self.scouted('case "$*" in *-runs*) ;; *) exit 0;; esac\nfinds accept')
        self.assertEqual(fuzzed.artifacts, [])
        self.assertEqual(fuzzed.problem, "its scout has a finding that does not come again: "
                         "own/of/scout")

    def test_a_scout_that_does_not_work_proves_nothing(self):
        self.assertEqual(self.scouted("exit 9").problem,
                         "its scout: exit code 9 without an artifact")
        self.assertEqual(self.scouted("ran 100").problem,
                         "its scout could run only 100 of 180 programs")

    def test_the_budget_is_of_programs_beyond_the_seeds(self):
        self.fuzz({OWN: "accept", OWN + "2": "accept"})
        self.assertEqual([start[0] for start in self.began()], ["62"])

    def test_after_a_finding_it_goes_on_with_the_next_seed_and_what_is_left(self):
        fuzzed = self.fuzz(rules="5 leak/teardown/sibling\n6 spte/drop/both\n7 spte/drop/both")
        self.assertEqual([artifact.raw for artifact in fuzzed.artifacts],
                         ["leak/teardown/sibling", "spte/drop/both"])
        self.assertEqual((fuzzed.starts, fuzzed.execs, fuzzed.ran, fuzzed.problem),
                         (4, 400, 60, ""))
        # One seed; then what each start has learnt as well.
        self.assertEqual([start[0] for start in self.began()], ["61", "52", "43", "34"])

    def test_a_finding_with_the_last_program_is_the_end(self):
        fuzzed = self.fuzz(rules="5 leak/teardown/sibling", after=60)
        self.assertEqual((fuzzed.starts, fuzzed.ran, fuzzed.problem), (1, 60, ""))

    def test_it_does_not_go_on_for_ever_and_says_so(self):
        rules = "\n".join(f"{seed} leak/teardown/sibling" for seed in range(1000))
        fuzzed = self.fuzz(rules=rules, budget=fuzzing.Budget(60, 60, starts=2))
        self.assertEqual((fuzzed.starts, fuzzed.problem),
                         (2, "could run only 20 of 60 programs: after 2 starts it ended"))

    def test_one_that_cannot_run_its_programs_in_the_limit_says_so(self):
        fuzzed = self.fuzz(budget=fuzzing.Budget(500, 1), busy=True)
        self.assertRegex(fuzzed.problem, r"\Acould run only 99 of 500 programs: \d s of the "
                                         r"processor were not enough\Z")

    def test_inputs_have_the_same_order_everywhere(self):
        self.write("grown/rmap_fuzzer/0123", "accept grown")
        self.write("grown/other_fuzzer/4567", "accept other")
        self.fuzz({"b": "accept b", "a": "accept a"}, grown=self.path("grown"))
        # libFuzzer takes them from the end.
        self.assertEqual(self.contents(self.began()[0][1:]),
                         ["accept grown", "accept b", "accept a"])

    def test_names_may_be_any(self):
        folder = "a b,c&'\n\"d"
        fuzzed = self.fuzz({"x,y z\n": "accept"}, folder=folder, rules="5 a/b/c")
        artifact, = fuzzed.artifacts
        self.assertEqual((fuzzed.problem, fuzzed.ran, artifact.raw), ("", 60, "a/b/c"))
        self.assertTrue(os.path.isfile(artifact.path))

    def test_seeds_that_are_known_to_fail_do_not_end_every_start(self):
        fuzzed = self.fuzz({OWN: "accept", "bad": "crash x/y/z"}, failing=["bad"])
        self.assertEqual((fuzzed.problem, fuzzed.artifacts), ("", []))

    def test_an_input_of_long_runs_that_fails_ends_one_start_only(self):
        self.write("grown/rmap_fuzzer/0123", "crash a/b/c")
        fuzzed = self.fuzz(grown=self.path("grown"))
        self.assertEqual((fuzzed.starts, fuzzed.ran, fuzzed.problem), (2, 60, ""))
        self.assertEqual([artifact.raw for artifact in fuzzed.artifacts], ["a/b/c"])

    def test_a_target_that_executes_nothing_fails(self):
        self.assertEqual(self.fuzz(execs=0).problem, "executed nothing")

    def test_a_target_without_counters_fails(self):
        self.assertIn("blindly", self.fuzz(counters=0).problem)

    def test_a_target_that_ends_badly_without_an_artifact_fails(self):
        self.assertEqual(self.fuzz(ends_with=3).problem, "exit code 3 without an artifact")


class SharesTest(unittest.TestCase):

    def test_each_target_gets_what_its_slowest_fault_needs(self):
        self.assertEqual(shares.shares(1000, ["a", "b"], {"a": 300, "b": 100, "c": 5}),
                         {"a": 750, "b": 250})

    def test_one_without_a_recorded_fault_gets_what_the_middle_one_needs(self):
        self.assertEqual(shares.shares(500, ["a", "b", "c", "new"], {"a": 300, "b": 100, "c": 1}),
                         {"a": 299, "b": 100, "c": 1, "new": 100})
        self.assertEqual(shares.shares(10, ["new"], {}), {"new": 10})

    def test_none_goes_without(self):
        self.assertEqual(shares.shares(10, ["a", "b"], {"a": 3000, "b": 1}), {"a": 10, "b": 1})


class CanaryTest(Folder):

    def setUp(self):
        super().setUp()
        self.mutant = mutants.read(os.path.join(HERE, "..", "mutants", canary.NAME + ".patch"))

    def test_it_is_a_fault_of_one_engine(self):
        self.assertEqual(self.mutant.fields["Equivalent"], "no")
        self.assertEqual(self.mutant.fields["Guilty"], "sibling")

    def seeds(self, seeds):
        target = self.target(seeds, name=self.mutant.fields["Target"])
        return canary.by_seeds(self.mutant, target.binary, target).problem

    def test_seeds_that_fail_for_the_right_reason_catch_it(self):
        self.assertEqual(self.seeds({"a": "accept", "b": "crash spte/drop/sibling"}), "")

    def test_seeds_that_all_pass_do_not(self):
        self.assertEqual(self.seeds({"a": "accept"}),
                         f"{canary.NAME} is not caught by any of 1 seeds")

    def test_the_wrong_engine_is_no_catch(self):
        self.assertIn("blame legacy", self.seeds({"a": "crash spte/drop/legacy"}))

    def search(self, body):
        target = self.target({}, name=self.mutant.fields["Target"])
        os.chmod(self.write("other", "#!/bin/sh\n" + body), stat.S_IRWXU)
        with mock.patch.object(canary, "SECONDS", 1):
            return canary.by_search(self.mutant, self.path("other"), target, 1).problem

    def test_fuzzing_catches_it_or_not(self):
        self.assertEqual(self.search("echo 'SIGNATURE: spte/drop/sibling'; exit 77\n"), "")
        self.assertEqual(self.search("exit 0\n"),
                         f"{canary.NAME} is not caught in 1 s of fuzzing")
        self.assertIn("blames legacy", self.search("echo 'SIGNATURE: a/b/legacy'; exit 77\n"))


class FakeGraph:
    """Bazel's graph of two targets and three files."""

    NEEDS = {"//mmu:both.h": ("a", "b"), "//mmu:one.h": ("a",), "//corpus:b/x.ops": ("b",)}

    def labels(self, files):
        known = {label[2:].replace(":", "/"): label for label in self.NEEDS}
        return {name: known[name] for name in files if name in known}

    def build_files(self, _labels):
        return {"mmu/BUILD"}

    def dependents(self, _labels, files):
        return set(files) | {f"//fuzzers:{target}_bin" for label in files
                             for target in self.NEEDS[label]}


class AffectedTest(Folder):

    def affected(self, *files, gone=()):
        for name in files:
            if name not in gone:
                self.write(name, "")
        return affected.affected(self.root, list(files), ["a", "b"], FakeGraph())

    def test_what_is_built_from_a_file_is_affected(self):
        self.assertEqual(self.affected("mmu/one.h"), (["a"], "", ["mmu/one.h"]))
        self.assertEqual(self.affected("mmu/one.h", "corpus/b/x.ops"),
                         (["a", "b"], "", ["mmu/one.h", "corpus/b/x.ops"]))

    def test_what_is_built_from_nothing_of_it_is_not(self):
        for files in (["README.md", "docs/x.svg"], ["tests/x_test.cc"], []):
            self.assertEqual(self.affected(*files), ([], "", ()))

    def test_in_doubt_everything_is(self):
        for name in (".bazelrc", "WORKSPACE", "mmu/BUILD", "tools/bazel_rules/fuzz.cc",
                     "tools/offline/system.BUILD", "mmu/a b.h"):
            with self.subTest(name):
                names, why, files = self.affected("mmu/one.h", name)
                self.assertEqual(files, ())
                self.assertEqual(names, ["a", "b"])
                self.assertIn(name, why)
        names, why, _ = self.affected("mmu/old.h", gone=["mmu/old.h"])
        self.assertEqual((names, why), (["a", "b"], "mmu/old.h is gone"))

    def test_labels_of_bazel_are_files_again(self):
        graph = affected.Graph(self.root)
        with mock.patch.object(graph, "_query", return_value={"//mmu/base:a.h", "//:WORKSPACE",
                                                              "//corpus:b/x.ops"}):
            self.assertEqual(graph.labels(["mmu/base/a.h", "corpus/b/x.ops", "docs/x"]),
                             {"mmu/base/a.h": "//mmu/base:a.h",
                              "corpus/b/x.ops": "//corpus:b/x.ops"})


class Repository(Folder):
    """Each test has a repository, too, on a branch."""

    def git(self, *words):
        subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e@x", "-c",
                        "commit.gpgsign=false", *words], cwd=self.root, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def commit(self, name, content):
        self.write(name, content)
        self.git("add", "-A")
        self.git("commit", "-m", name)

    def setUp(self):
        super().setUp()
        environment = {"HOME": self.root, "GIT_CONFIG_NOSYSTEM": "1"}
        patcher = mock.patch.dict(os.environ, environment)
        patcher.start()
        self.addCleanup(patcher.stop)
        self.git("init", "-b", "main")
        self.commit("a", "1")
        self.git("checkout", "-b", "change")


class ChangeTest(Repository):

    def test_since_the_merge_base_with_what_is_not_committed_yet(self):
        self.commit("b/with space", "1")
        self.git("checkout", "main")
        self.commit("of-main-alone", "1")
        self.git("checkout", "change")
        self.write("a", "2")
        self.write("untracked", "1")
        self.assertEqual(affected.read_change(self.root, "main").files,
                         ["a", "b/with space", "untracked"])

    def test_a_revision_that_is_none_is_wrong_usage(self):
        with self.assertRaisesRegex(Failure, "--base: 'nothing' is not a revision") as caught:
            affected.read_change(self.root, "nothing")
        self.assertEqual(caught.exception.code, USAGE)

    def test_a_shallow_clone_is_named_as_the_reason(self):
        self.git("checkout", "--orphan", "other")
        self.commit("c", "1")
        with self.assertRaisesRegex(Failure, "expected a complete clone"):
            affected.read_change(self.root, "main")

    def test_the_base_is_checked_out_elsewhere_and_removed(self):
        self.commit("a", "2")
        with base.Base(self.root, "main") as tree:
            path = base.worktree_path(self.root)
            with open(os.path.join(path, "a"), encoding="utf-8") as file:
                self.assertEqual(file.read(), "1")
            self.assertFalse(path.startswith(self.root))
            self.assertIsNone(tree.target("rmap_fuzzer"))  # it has no tools/cli/build.sh
        self.assertFalse(os.path.exists(path))
        self.assertEqual(self.worktrees(), 1)

    def test_the_base_is_where_its_own_script_says_or_its_link_goes(self):
        for said, folder in (("echo $PWD/built", "built"), ("", "bazel-bin")):
            with self.subTest(said):
                self.git("checkout", "main")
                self.write("tools/cli/build.sh", f"#!/bin/bash\ncd ${{0%/*}}/../..\n{said}\n")
                os.chmod(self.path("tools/cli/build.sh"), 0o755)
                self.write(folder + "/fuzzers/x_bin", "")
                self.commit(folder + "/fuzzers/x_options.options", "[libfuzzer]\nruns=1\n")
                with base.Base(self.root, "main") as tree:
                    target = tree.target("x")
                    tree._used_bazel = False
                self.assertEqual(os.path.relpath(target.binary, base.worktree_path(self.root)),
                                 folder + "/fuzzers/x_bin")
                self.assertEqual(target.options, ["-runs=1"])

    def worktrees(self):
        listed = subprocess.run(["git", "worktree", "list"], cwd=self.root, capture_output=True,
                                text=True, check=True).stdout
        return len(listed.splitlines())


class FakeTool:
    """The command line; an artifact's signature stands in it."""

    def __init__(self):
        self.taken_in = []

    def repro(self, path, code=True):  # pylint: disable=unused-argument
        with open(path, encoding="utf-8") as file:
            words = file.read().split()
        signature = words[1] if words[:1] == ["crash"] else ""
        return {"signature": signature, "kind": "divergence", "ops": 1, "report": "REPORT\n"}

    def take_in(self, finding, folder, seconds):
        self.taken_in.append((finding.raw, finding.count, seconds))
        name = finding.signature.replace("/", ".")
        path = os.path.join(folder, "findings", name)
        os.makedirs(path)
        shutil.copy(finding.artifact, os.path.join(path, "finding.json"))
        shutil.copy(finding.artifact, os.path.join(path, "input-1"))
        shutil.copy(finding.artifact, os.path.join(path, "minimal.ops"))
        return {"signature": finding.signature, "folder": name, "artifact": "input-1",
                "minimal": "minimal.ops" if seconds else ""}

    def assemble(self, path, out):
        shutil.copy(path, out)
        return True

    def show(self, path):
        with open(path, encoding="utf-8") as file:
            return file.read()


class FindingsTest(Folder):

    def artifact(self, name, content, **more):
        return Artifact("rmap_fuzzer", self.write(name, content), "raw/raw/raw", **more)

    def test_one_for_each_signature(self):
        found = findings.look([self.artifact("1", "crash a/b/c"), self.artifact("2", "crash d/e/f"),
                               self.artifact("3", "crash a/b/c")], FakeTool())
        self.assertEqual([(one.signature, one.count) for one in found],
                         [("a/b/c", 2), ("d/e/f", 1)])

    def test_a_failing_seed_comes_first_and_takes_what_fuzzing_has_found_of_it(self):
        found = findings.look([self.artifact("1", "crash a/b/c"),
                               self.artifact("2", "crash a/b/c", seed="corpus/x/y.ops")],
                              FakeTool())
        self.assertEqual([(one.signature, one.seed, one.count) for one in found],
                         [("a/b/c", "corpus/x/y.ops", 2)])

    def test_what_does_not_fail_again_keeps_the_signature_of_the_target(self):
        found = findings.look([self.artifact("1", "accept")], FakeTool())
        self.assertEqual([one.signature for one in found], ["raw/raw/raw"])

    def test_the_command_line_files_each_finding(self):
        tool = FakeTool()
        finding, = findings.look([self.artifact("1", "crash a/b/c"),
                                  self.artifact("2", "crash a/b/c")], tool)
        findings.keep(finding, self.root, tool)
        self.assertEqual(tool.taken_in, [("raw/raw/raw", 2, findings.MINIMIZE_SECONDS)])
        self.assertEqual(finding.artifact, self.path("findings", "a.b.c", "input-1"))
        self.assertEqual(finding.minimal, self.path("findings", "a.b.c", "minimal.ops"))
        self.assertEqual((finding.program, finding.kept_note), ("crash a/b/c", ""))

    def test_a_finding_that_cannot_be_filed_is_one_all_the_same(self):
        tool = FakeTool()
        tool.take_in = mock.Mock(side_effect=Failure(ENVIRONMENT, "x: no room"))
        finding, = findings.look([self.artifact("1", "crash a/b/c")], tool)
        findings.keep(finding, self.root, tool)
        self.assertEqual((finding.kept_note, finding.minimal, finding.program),
                         ("x: no room", "", "crash a/b/c"))

    def test_only_findings_of_an_earlier_gate_are_removed(self):
        self.write("findings/a/finding.json", "{}")
        self.write("findings/b/notes.txt", "mine")
        findings.clear(self.path("findings"))
        findings.clear(self.path("none"))
        self.assertEqual(os.listdir(self.path("findings")), ["b"])

    def test_not_everything_is_minimized_where_everything_is_broken(self):
        tool = FakeTool()
        finding, = findings.look([self.artifact("1", "crash a/b/c")], tool)
        findings.keep(finding, self.root, tool, minimize=False)
        self.assertEqual((tool.taken_in[0][2], finding.minimal, finding.program),
                         (0, "", "crash a/b/c"))


class BaseTest(Folder):

    def finding(self, content="crash a/b/sibling", **more):
        return Finding(signature="a/b/sibling", target="rmap_fuzzer", raw="a/b/sibling",
                       artifact=self.write("artifact", content), **more)

    def compare(self, binary, finding):
        before = build.Target("rmap_fuzzer", binary, "", []) if binary else None
        tree = types.SimpleNamespace(target=lambda name: before)
        base.compare(finding, self.target(), tree, FakeTool(), self.root)
        return finding

    def test_the_same_signature_of_the_same_input_is_not_new(self):
        finding = self.compare(self.target().binary, self.finding())
        self.assertTrue(finding.in_base)
        self.assertFalse(finding.blocks)

    def test_another_end_or_none_is_new(self):
        for body in ("exit 0", "echo 'SIGNATURE: x/y/z'; exit 77"):
            os.chmod(self.write("other", f"#!/bin/sh\n{body}\n"), stat.S_IRWXU)
            finding = self.compare(self.path("other"), self.finding())
            self.assertFalse(finding.in_base)
            self.assertTrue(finding.blocks)
            self.assertEqual(finding.base_note, "")

    def test_what_neither_shows_is_new(self):
        self.assertFalse(self.compare(self.target().binary, self.finding("accept")).in_base)

    def test_a_base_that_cannot_be_built_leaves_it_new_and_says_so(self):
        finding = self.compare(None, self.finding())
        self.assertTrue(finding.blocks)
        self.assertIn("cannot be built", finding.base_note)

    def test_a_seed_that_fails_blocks_whatever_the_base_did(self):
        finding = self.compare(self.target().binary, self.finding(seed="corpus/x/y.ops"))
        self.assertTrue(finding.in_base and finding.blocks)


FAULTS = [kill_rate.Fault("f1", "t", 900, False, "seed", "corpus/t/a.ops", True, 0, "a/b/c"),
          kill_rate.Fault("f2", "t", 200, False, "fuzzing", "", False, 812, "a/b/c"),
          kill_rate.Fault("f3", "t", 300, False, "", "", False, 5000, "")]
RATE = kill_rate.KillRate(60, 5, 100, "", {"rmap_fuzzer": 3}, FAULTS)
SEES = "of 3 seeded faults this gate sees 2, 1 of them by a seed made for it"


class GateTest(Folder):
    """All steps together, on one target and a canary that are scripts."""

    def setUp(self):
        super().setUp()
        patcher = mock.patch.object(kill_rate, "read", lambda _: RATE)
        patcher.start()
        self.addCleanup(patcher.stop)

    def run_gate(self, seeds=None, canary_cases=(), canary_binary="binary", sanitizer_problem="",
                 change=None, options=None, touched=affected.Affected([]), **how):
        target = self.target(seeds or {OWN: "accept", REGRESSION: "accept"}, **how)
        options = types.SimpleNamespace(**{
            "base": "main" if change else "", "budget": 60, "limit": 60, "seed": 5, "jobs": 2,
            "dir": self.path("out"), "corpus": "", **(options or {})})
        said = []
        gate = gate_steps.Gate(options, self.root, lambda text, flush=False: said.append(text))
        mutant = types.SimpleNamespace(name="m", fields={"Target": target.name})
        caught = canary_cases or [Case("canary", "by seeds"), Case("canary", "by search")]
        with contextlib.ExitStack() as stack:
            for module, name, value in [
                    (build, "run_build", lambda *_: self.root),
                    (gate_steps.findings, "Tool", lambda *_: FakeTool()),
                    (build, "read_targets", lambda _: [target]),
                    (canary, "build_it", lambda _: canary_binary),
                    (canary, "read", lambda _: mutant),
                    (canary, "by_seeds", lambda *_: caught[0]),
                    (canary, "by_search", lambda *_: caught[1]),
                    (affected, "read_change", lambda *_: change),
                    (affected, "affected", lambda *_: touched),
                    (gate_steps.sanitizers, "check_target",
                     lambda *_: [Case("sanitizers", "s", 0.0, sanitizer_problem)])]:
                stack.enter_context(mock.patch.object(module, name, value))
            return gate.run(), "\n".join(said)

    def test_a_clean_tree_passes_and_the_last_line_says_what_was_proved(self):
        gate, _ = self.run_gate()
        self.assertEqual((gate.exit_code, gate.problems, gate.findings), (0, [], []))
        self.assertEqual(gate.last_line(),
                         "gate: PASS: ASan and fatal UBSan work in 1 program, 2 seeds and "
                         "regressions pass on 1 target, the canary is caught by seeds and by "
                         "fuzzing, 60 programs of fuzzing on 1 target find nothing; " + SEES)

    def test_the_kill_rate_is_of_the_usual_options(self):
        for options in ({"seed": 6}, {"budget": 50}, {"corpus": self.root}):
            with self.subTest(options):
                gate, _ = self.run_gate(options=options)
                self.assertTrue(gate.last_line().endswith("; with its usual options, " + SEES))
        gate, _ = self.run_gate(options={"budget": 70})
        self.assertTrue(gate.last_line().endswith("find nothing; " + SEES))

    def test_a_gate_that_cannot_run_its_programs_proves_nothing(self):
        gate, said = self.run_gate(options={"limit": 1, "budget": 500}, busy=True)
        self.assertEqual(gate.exit_code, ENVIRONMENT)
        self.assertIn("FAILED rmap_fuzzer: is fuzzed: could run only 98 of 500 programs", said)
        self.assertRegex(gate.last_line(), r"\Agate: FAIL: it proves nothing: .*only 98 of 500")

    def test_the_canary_is_not_judged_when_seeds_fail_already(self):
        wrong = [Case("canary", "by seeds", 0.0, "seeds blame legacy"), Case("canary", "x")]
        gate, said = self.run_gate({OWN: "crash a/b/legacy", REGRESSION: "accept"},
                                   canary_cases=wrong)
        self.assertEqual((gate.exit_code, gate.problems), (1, []))
        self.assertIn("not judged: 1 seed of the tree fails already", said)
        self.assertNotIn("canary", gate.last_line())

    def test_findings_are_told_and_count_if_their_folders_cannot_be_written(self):
        with mock.patch.object(FakeTool, "take_in",
                               side_effect=Failure(ENVIRONMENT, "x: No space")):
            gate, said = self.run_gate(rules="5 leak/teardown/sibling")
        self.assertEqual(gate.exit_code, 1)
        self.assertIn("could not be kept: x: No space", said)
        self.assertRegex(gate.last_line(), r"\Agate: FAIL: 1 finding: leak/teardown/sibling; it "
                                           r"proves nothing: .*x: No space")

    def test_findings_count_if_something_fails_before_they_are_looked_at(self):
        with mock.patch.object(findings, "look", side_effect=OSError(28, "No space", "x")):
            gate, _ = self.run_gate(rules="5 leak/teardown/sibling")
        self.assertEqual(gate.exit_code, 1)
        self.assertRegex(gate.last_line(), r"\Agate: FAIL: 1 finding: leak/teardown/sibling; ")

    def test_a_change_of_comments_is_not_fuzzed(self):
        change = affected.Change("b" * 40, ["mmu/x.h"])
        touched = affected.Affected(["rmap_fuzzer"], "", ["mmu/x.h"])
        for same, programs in ((True, "no target is affected, so none was fuzzed"),
                               (False, "60 programs of fuzzing on 1 target")):
            with mock.patch.object(unchanged, "is_same", lambda *_, same=same: same):
                gate, said = self.run_gate(change=change, touched=touched)
            self.assertEqual(gate.exit_code, 0)
            self.assertIn(programs, gate.last_line())
            self.assertEqual("1 file changed in comments alone" in gate.last_line(), same)
            self.assertEqual("unchanged   1 file changed in comments alone" in said, same)

    def test_a_finding_is_kept_whatever_the_folder_of_temporary_files_is_called(self):
        for name in ("a b", "a&b;c", "a'b", 'a"b', "a\nb", "a,b", "$(touch x)"):
            with self.subTest(name):
                os.makedirs(self.path(name))
                with mock.patch.object(tempfile, "tempdir", self.path(name)):
                    gate, _ = self.run_gate(rules="5 leak/teardown/sibling")
                self.assertEqual(gate.last_line(), "gate: FAIL: 1 finding: leak/teardown/sibling")
                self.assertEqual(os.listdir(self.path(name)), [])

    def test_a_finding_makes_it_fail_with_its_signature(self):
        gate, said = self.run_gate(rules="5 leak/teardown/sibling")
        self.assertEqual(gate.exit_code, 1)
        self.assertEqual(gate.last_line(), "gate: FAIL: 1 finding: leak/teardown/sibling")
        self.assertIn("minimal.ops", said)
        case, = [case for case in gate.cases if case.problem]
        self.assertEqual((case.problem, case.text, case.finding),
                         ("leak/teardown/sibling", "REPORT\n", True))
        self.assertRegex(case.again, r"\Atools/rmapdiff repro \S+/minimal\.ops\Z")

    def test_a_seed_that_fails_makes_it_fail(self):
        gate, said = self.run_gate({OWN: "crash a/b/legacy", REGRESSION: "accept"})
        self.assertEqual(gate.exit_code, 1)
        self.assertIn("FAILED rmap_fuzzer: corpus/rmap_fuzzer/a.ops: a/b/legacy", said)
        self.assertIn("a/b/legacy", gate.last_line())

    def test_what_the_base_has_as_well_is_told_and_does_not_make_it_fail(self):
        change = affected.Change("b" * 40, ["x"])

        def compare(_, found, *_more):
            for finding in found:
                finding.in_base = True

        with mock.patch.object(gate_steps.Gate, "_compare_with_base", compare), \
                mock.patch.object(gate_steps.Gate, "_choose",
                                  lambda _, change, targets: (targets, result.Step())):
            gate, said = self.run_gate(rules="5 leak/teardown/sibling", change=change)
        self.assertEqual(gate.exit_code, 0)
        self.assertRegex(gate.last_line(), r"\Agate: PASS: .*; 1 finding that the base has as well")
        self.assertIn("old  leak/teardown/sibling", said)

    def test_each_way_to_prove_nothing_makes_it_fail(self):
        not_caught = [Case("canary", "by seeds", 0.0, "m is not caught"), Case("canary", "x")]
        for problem, how in [
                ("m is not caught", {"canary_cases": not_caught}),
                ("UBSan is recoverable", {"sanitizer_problem": "UBSan is recoverable"}),
                ("no seed was executed", {"seeds": {OWN: "reject", REGRESSION: "reject"}}),
                ("no target replays a regression", {"seeds": {OWN: "accept"}}),
                ("executed nothing", {"execs": 0}),
                ("blindly", {"counters": 0})]:
            with self.subTest(problem):
                gate, _ = self.run_gate(**how)
                self.assertEqual(gate.exit_code, ENVIRONMENT)
                self.assertRegex(gate.last_line(),
                                 f"\\Agate: FAIL: it proves nothing: .*{problem}")

    def test_a_canary_that_cannot_be_built_makes_it_fail(self):
        gate, said = self.run_gate(canary_binary="")
        self.assertEqual(gate.exit_code, ENVIRONMENT)
        self.assertIn("cannot be built, expected tests/mutants/", gate.last_line())
        self.assertIn("NOT BUILT", said)

    def test_what_cannot_be_built_is_a_case_too(self):
        def fail(*_):
            raise Failure(ENVIRONMENT, "gate: cannot be built: //x")
        options = types.SimpleNamespace(base="", budget=1, limit=60, seed=5, jobs=1,
                                        dir=self.root, corpus="")
        with mock.patch.object(build, "run_build", fail):
            gate = gate_steps.Gate(options, self.root, lambda text, flush=False: None).run()
        self.assertEqual(gate.exit_code, ENVIRONMENT)
        self.assertIn("cannot be built: //x", gate.last_line())

    def test_a_change_that_affects_nothing_is_not_fuzzed_and_says_so(self):
        gate, _ = self.run_gate(change=affected.Change("b" * 40, ["README.md"]))
        self.assertEqual(gate.exit_code, 0)
        self.assertIn("no target is affected, so none was fuzzed", gate.last_line())


class CommandTest(Folder):

    def usage(self, *words):
        with self.assertRaises(Failure) as caught:
            command.parse_arguments(words)
        self.assertEqual(caught.exception.code, USAGE)
        return str(caught.exception)

    def test_values_that_make_no_sense(self):
        for word, message in [("--budget=0", "a number from 1"), ("--budget=30s", "a number"),
                              ("--limit=0", "a time like"), ("--limit=x", "a time like"),
                              ("--seed=-1", "a number from 1"), ("--jobs=0", "a number from 1"),
                              ("--base=", "a revision like"), ("--base=-x", "a revision like"),
                              ("--dir=", "is empty"), ("--sarif=", "is empty"),
                              ("--bogus", "unrecognized"), ("extra", "unrecognized")]:
            with self.subTest(word):
                self.assertIn(message, self.usage(word))

    def test_a_report_that_nobody_could_write_is_refused_before_anything_runs(self):
        with self.assertRaisesRegex(Failure, "no folder") as caught:
            command.main([f"--junit={self.root}/none/x.xml", f"--dir={self.root}/out"])
        self.assertEqual(caught.exception.code, USAGE)

    def test_a_corpus_that_is_none_is_refused(self):
        with self.assertRaisesRegex(Failure, "--corpus: .*: no such folder"):
            command.main([f"--corpus={self.root}/none"])

    def test_the_folder_of_a_long_run_is_refused(self):
        self.write("stats.jsonl", "")
        with self.assertRaisesRegex(Failure, "is the folder of a long run"):
            command.main([f"--dir={self.root}"])

    def test_a_report_that_cannot_be_written_is_refused_before_anything_runs(self):
        self.write("folder/x", "")
        for option in ("--sarif", "--junit"):
            with self.assertRaisesRegex(Failure, "folder: cannot be written: Is a dir") as caught:
                command.main([f"{option}={self.root}/folder", f"--dir={self.root}/out"])
            self.assertEqual(caught.exception.code, ENVIRONMENT)
        with self.assertRaisesRegex(Failure, "x/findings: cannot be written: Not a dir"):
            command.main([f"--dir={self.root}/folder/x"])

    def test_a_report_that_could_not_be_written_after_all_hides_no_finding(self):
        gate = result.Result(findings=[Finding("a/b/c", "t", "p", "a/b/c")])
        options = types.SimpleNamespace(sarif=self.path("gone/x.sarif"),
                                        junit=self.path("gone/x.xml"))
        command.write_reports(options, gate, [])
        self.assertEqual(gate.exit_code, 1)
        self.assertRegex(gate.last_line(), r"\Agate: FAIL: 1 finding: a/b/c; it proves nothing: "
                                           r"gate: reports are written: .*gone/x.xml: .* \(and 1 ")


class UnchangedTest(Repository):
    """Whether a change is one of comments."""

    OLD = """\
#define F(x) #x
int a = 1; // one
const char* b = "// c";
const char* c = R"(
  // d)";
"""

    def is_same(self, old, new, name="a.h"):
        self.write(name, old)
        self.git("add", "-A")
        self.git("commit", "--allow-empty", "-m", "old")
        self.write(name, new)
        return unchanged.is_same(self.root, "HEAD", [name])

    def test_comments_blank_lines_and_space(self):
        for old, new in (("// one", "// another"), ("// one", ""), (" // one", ""),
                         ("int a", "// new\n\n  int a"), ("int a", "int /* what\n */   a"),
                         ("// one", "/* one */")):
            self.assertTrue(self.is_same(self.OLD, "// head\n" + self.OLD.replace(old, new)), new)
        self.assertTrue(self.is_same("# a\n\nx y\nz\n", "x  y\n# b\nz\n", name="a.ops"))

    def test_anything_else(self):
        for old, new in (("= 1", "= 2"), ('"// c"', '"// d"'), ("  // d", "// d"),
                         ("int a", "inta"), ("F(x)", "F (x)"), ("a = 1;", "a =\n1;"),
                         ("// one", "// one\\"), ("= 1", "/*= 1*/")):
            self.assertFalse(self.is_same(self.OLD, self.OLD.replace(old, new)), new)
        self.assertFalse(self.is_same("int a = __LINE__;\n", "\nint a = __LINE__;\n"))
        self.assertFalse(self.is_same("# a\n", "# b\n", name="a.bzl"))
        for new in ("x y z\n", "x y\nz 1\n", "x y\n"):
            self.assertFalse(self.is_same("x y\nz\n", new, name="a.ops"), new)

    def test_a_new_file_or_none(self):
        self.write("new.h", "")
        self.assertFalse(unchanged.is_same(self.root, "main", ["new.h"]))
        self.assertFalse(unchanged.is_same(self.root, "main", []))


if __name__ == "__main__":
    unittest.main()

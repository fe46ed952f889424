"""`rmapdiff mutants`: the statistics against worked examples, and trials of targets made for it."""

import contextlib
import io
import json
import os
import stat
import tempfile
import unittest

from bench import false_alarms, scout_speed, search_ab
from tests.mutants import mutants
from tools.scripts.common import script
from tools.scripts.mutants import campaign, finding, mix, survival, survival_plot, table, trial


class SurvivalTest(unittest.TestCase):

    # Klein and Moeschberger's kind of example, small enough to be done by hand.
    TRIALS = [(1.0, True), (2.0, True), (2.0, False), (4.0, True)]

    def test_the_curve_falls_at_each_finding_by_its_share_of_those_at_risk(self):
        self.assertEqual(survival.curve(self.TRIALS),
                         [(0.0, 1.0), (1.0, 0.75), (2.0, 0.5), (4.0, 0.0)])

    def test_the_restricted_mean_is_the_area_below_the_curve(self):
        self.assertAlmostEqual(survival.restricted_mean(self.TRIALS, 4).seconds, 2.75)
        self.assertAlmostEqual(survival.restricted_mean(self.TRIALS, 3).seconds, 2.25)

    def test_without_losses_on_the_way_it_is_the_plain_mean(self):
        trials = [(1.0, True), (3.0, True), (10.0, False), (10.0, False)]
        mean = survival.restricted_mean(trials, 10)
        self.assertAlmostEqual(mean.seconds, 6.0)
        self.assertLess(mean.low, 6.0)
        self.assertGreater(mean.high, 6.0)
        self.assertLessEqual(mean.high, 10.0)

    def test_the_confidence_interval_is_that_of_the_mean(self):
        # Of uncensored times Greenwood's variance is that of the sample, over its size.
        trials = [(float(i), True) for i in range(1, 101)]
        mean = survival.restricted_mean(trials, 1000)
        self.assertAlmostEqual(mean.seconds, 50.5)
        self.assertAlmostEqual(mean.high - mean.seconds, 1.96 * (833.25 / 100) ** 0.5, places=1)

    def test_a_median_that_most_trials_do_not_reach_is_none(self):
        self.assertIsNone(survival.median_time([(1.0, True), (9.0, False), (9.0, False)]))
        self.assertEqual(survival.median_time([(1.0, True), (2.0, True), (9.0, False)]), 2.0)

    def test_a12_and_p_of_equal_and_of_separate_samples(self):
        low, high = [1, 2, 3, 4, 5, 6], [11, 12, 13, 14, 15, 16]
        self.assertEqual(survival.a12(low, high), 0.0)
        self.assertEqual(survival.a12(high, low), 1.0)
        self.assertEqual(survival.a12(low, low), 0.5)
        self.assertEqual(survival.mann_whitney_p([5] * 9, [5] * 9), 1.0)
        self.assertGreater(survival.mann_whitney_p(low, [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]), 0.5)
        # 6 against 6, all apart: z = 17.5 / sqrt(39).
        self.assertAlmostEqual(survival.mann_whitney_p(low, high), 0.00507, places=4)

    def test_a_comparison_is_one_over_the_other(self):
        quick, slow = [(1.0, True)] * 20, [(4.0, True)] * 20
        self.assertAlmostEqual(survival.compare(slow, quick, 60).ratio, 4.0)
        self.assertEqual(survival.compare(slow, quick, 60).a12, 1.0)
        self.assertLess(survival.compare(slow, quick, 60).p, 1e-6)

    def test_the_plot_ends_at_the_limit_and_quotes_names(self):
        script = survival_plot.script({"it's": [(1.0, True), (9.0, False)]}, 9)
        self.assertIn("title 'it''s'", script)
        self.assertIn("\n9 0.500000\ne\n", script)


class FindingTest(unittest.TestCase):

    def test_a_divergence_is_found_by_its_check_and_names_an_engine(self):
        text = "DIVERGENCE\nCHECK: model\nSIGNATURE: rmap-missing/drop/sibling\n==1== ERROR"
        self.assertEqual(finding.read(77, text),
                         ("model", "rmap-missing/drop/sibling", "sibling"))

    def test_time_and_memory_that_run_out_are_findings(self):
        self.assertEqual(finding.read(70, "ALARM").by, "timeout")
        self.assertEqual(finding.read(71, "oom").by, "oom")

    def test_a_sanitizer_is_named_with_what_it_saw(self):
        text = "==7==ERROR: AddressSanitizer: use-after-poison on address 0x1\n"
        self.assertEqual(finding.read(1, text), ("sanitizer", "use-after-poison/unknown", ""))
        text = "mmu/x.h:1:2: runtime error: shift exponent\n"
        self.assertEqual(finding.read(1, text).by, "sanitizer")

    def test_a_stack_with_names_says_so_too(self):
        text = ("ENGINES: legacy=legacy_mmu/descriptor_map.h sibling=mmu/sibling_map.h\n"
                "==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x1\n"
                "    #0 0x55d1 in rmapdiff::DescriptorMap<Limits>::Remove() legacy_mmu/a.h:1:2\n"
                "    #1 0x55d2 in main fuzzers/b.cc:3:4\n\n"
                "freed by thread T0 here:\n    #0 0x55d3 in SiblingMap mmu/c.h:5:6\n")
        self.assertEqual(finding.read(77, text),
                         ("sanitizer", "heap-use-after-free/legacy", "legacy"))

    def test_the_engine_is_the_one_on_the_stack(self):
        engines = finding.engines_of("INFO: Seed: 1\nENGINES: legacy=old/descriptor_map.h "
                                     "sibling=mmu/sibling_map.h third=more/counted_sibling_map.h\n")
        for functions, guilty in [(["rmapdiff::SiblingMap<T>::Unlink"], "sibling"),
                                  (["f(DescriptorMap<T>&)"], "legacy"),
                                  (["f(CountedSiblingMap<T>&)"], "third"),
                                  (["(anonymous)", "/a/old/descriptor_map.h:7:1"], "legacy"),
                                  (["SiblingMap", "DescriptorMap"], ""),
                                  (["f(Graph&)"], "")]:
            self.assertEqual(finding.guilty_of_stack(functions, engines), guilty, functions)
        self.assertEqual(finding.guilty_of_stack(["SiblingMap"], finding.engines_of("")), "")

    def test_a_signal_that_ends_a_scout_is_a_finding(self):
        self.assertEqual(finding.read(77, "==7== ERROR: scout: SEGV\nSUMMARY: SEGV in a scout\n"),
                         ("signal", "SEGV/unknown", ""))

    def test_an_end_without_a_finding_is_none(self):
        self.assertIsNone(finding.read(0, "Done 5 runs"))
        self.assertIsNone(finding.read(2, "no such option"))


class MixTest(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def part(self, name, share, body, head_start=0.0):
        path = os.path.join(self.folder.name, name)
        script.write_whole(path, body)
        return mix.Part(name, share, head_start, lambda seed: ["sh", path, str(seed)], None)

    BUSY = "while :; do :; done"

    def test_parts_have_their_shares_of_the_limit(self):
        parts = [self.part("a", 75, self.BUSY), self.part("b", 25, self.BUSY)]
        with mix.Mix(parts, 1, 2, self.folder.name) as running:
            self.assertEqual([end.code for end in running.ends()], [])
            self.assertGreaterEqual(running.seconds(), 2)
            a, b = (runner.seconds() for runner in running._runners)
        self.assertGreater(a / (a + b), 0.6)
        self.assertLess(a / (a + b), 0.9)

    def test_a_head_start_comes_first_and_does_not_count(self):
        parts = [self.part("a", 75, "exit 5"), self.part("b", 25, "exit 6", 0.1)]
        with mix.Mix(parts, 1, 2, self.folder.name) as running:
            self.assertEqual(next(running.ends()).code, 6)

    def test_a_part_that_ended_goes_on_with_another_seed_unless_it_is_over(self):
        parts = [self.part("a", 1, "echo $1; exit 5"), self.part("b", 1, "exit 0")]
        seeds = []
        with mix.Mix(parts, 7, 60, self.folder.name) as running:
            for end in running.ends():
                seeds += [end.text.strip()] if end.code == 5 else []
                if len(seeds) == 3:
                    break
        self.assertEqual([int(seed) - 7 for seed in seeds], [0, mix.NEXT_SEED, 2 * mix.NEXT_SEED])

    def test_time_that_is_spent_elsewhere_counts(self):
        with mix.Mix([self.part("a", 1, self.BUSY)], 1, 2, self.folder.name) as running:
            running.spend(3)
            self.assertEqual(list(running.ends()), [])
            self.assertEqual(running.seconds(), 3)

    def test_no_process_is_left(self):
        with mix.Mix([self.part("a", 1, self.BUSY), self.part("b", 1, "exit 5")], 1, 9,
                     self.folder.name) as running:
            for _ in running.ends():
                if running._runners[0]._process:
                    break
            child = running._runners[0]._process._child
        self.assertIsNotNone(child.returncode)


TARGET = """#!/bin/sh
for word in "$@"; do case "$word" in -seed=*) seed="${word#-seed=}";; esac; done
%s
"""


class TrialTest(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def target(self, body, name="target"):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(TARGET % body)
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
        return path

    def run_trial(self, mutant, binary, seed, limit, flags=(), **more):
        return trial.run(trial.Task("arm", mutant, seed, binary, flags, **more), limit)

    def test_a_finding_is_recorded_with_its_time(self):
        binary = self.target("echo CHECK: audit; echo SIGNATURE: cycle/map/sibling; exit 77")
        one = self.run_trial("m", binary, 3, 10)
        self.assertEqual(one[:2] + one[4:], ("m", 3, True, "audit", "cycle/map/sibling",
                                             "sibling"))
        self.assertLess(one.seconds, 10)

    def test_who_uses_up_its_time_has_found_nothing(self):
        one = self.run_trial("m", self.target("while :; do :; done"), 1, 1)
        self.assertEqual((one.found, one.seconds), (False, 1.0))

    def test_a_target_that_does_not_work_is_told(self):
        with self.assertRaisesRegex(trial.Broken, "m: seed 1: exit code 9: no good"):
            self.run_trial("m", self.target("echo no good; exit 9"), 1, 5)

    # Finds the same as its arguments' seed says, and writes the input where libFuzzer would.
    FINDS = """
for word in "$@"; do case "$word" in -artifact_prefix=*) out="${word#*=}";; esac; done
echo input > "${out}crash-1"
echo CHECK: audit; echo SIGNATURE: cycle/map/sibling; exit 77"""

    def clean(self, body):
        path = self.path("clean")
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + body + "\n")
        os.chmod(path, 0o755)
        return path

    def test_a_finding_that_the_clean_build_shows_is_none_of_the_mutant(self):
        seen = self.path("seeds")
        clean = self.clean("echo SIGNATURE: cycle/map/sibling; exit 77")
        body = f'echo "$seed" >> {seen}\n[ "$(wc -l < {seen})" -lt 3 ] || exit 0' + self.FINDS
        one = self.run_trial("m", self.target(body), 7, 10, clean=clean)
        self.assertEqual((one.seed, one.found, one.by), (7, False, ""))
        with open(seen, encoding="utf-8") as file:
            self.assertEqual([int(line) for line in file],
                             [7, 7 + mix.NEXT_SEED, 7 + 2 * mix.NEXT_SEED])

    def test_a_finding_that_the_clean_build_does_not_show_counts(self):
        for body in ("exit 0", "echo SIGNATURE: other/map/sibling; exit 77"):
            one = self.run_trial("m", self.target(self.FINDS), 7, 10, clean=self.clean(body))
            self.assertEqual((one.found, one.signature), (True, "cycle/map/sibling"))

    def test_the_input_that_was_found_is_kept_if_asked(self):
        self.run_trial("m", self.target(self.FINDS), 7, 10, keep=self.folder.name)
        with open(self.path("m-7"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "input\n")

    # A scout that finds something at once, and what a target does with an input.
    CONFIRMS = 'case "$*" in *crash-1*) %s;; *) while :; do :; done;; esac'

    def mixed(self, scout, replay, sanitized=25, limit=5, **more):
        return self.run_trial("m", self.target(self.CONFIRMS % replay), 7, limit,
                              scout=self.target(scout, "scout"), target="t", sanitized=sanitized,
                              **more)

    def test_a_finding_of_the_scout_is_what_the_sanitized_target_says(self):
        one = self.mixed(self.FINDS, "echo SIGNATURE: cycle/map/legacy; exit 77")
        self.assertEqual((one.found, one.by, one.signature, one.guilty),
                         (True, "cycle", "cycle/map/legacy", "legacy"))

    def test_a_finding_of_the_scout_counts_if_the_scout_shows_it_again(self):
        one = self.mixed(self.FINDS, "exit 0")
        self.assertEqual((one.found, one.by, one.signature),
                         (True, "audit", "cycle/map/sibling"))

    def test_a_finding_that_does_not_come_again_does_not_count(self):
        once = 'case "$*" in *again-*) exit 0;; esac' + self.FINDS
        one = self.mixed(once, "exit 0", limit=1)
        self.assertEqual((one.found, one.seconds), (False, 1.0))

    def test_a_finding_of_the_scout_that_the_clean_build_shows_is_none_of_the_mutant(self):
        says = "echo SIGNATURE: cycle/map/legacy; exit 77"
        one = self.mixed(self.FINDS, says, limit=1, clean=self.clean(says))
        self.assertFalse(one.found)

    def test_the_time_of_the_confirmation_counts(self):
        busy = "i=0; while [ $i -lt 1000000 ]; do i=$((i + 1)); done; "
        cost = self.run_trial("m", self.target(busy + "exit 0"), 1, 60).seconds
        one = self.mixed(self.FINDS, busy + "echo SIGNATURE: cycle/map/legacy; exit 77", limit=60)
        self.assertTrue(one.found)
        self.assertGreater(one.seconds, cost / 2)

    def test_a_scout_alone_is_a_trial_too(self):
        scout = self.target('echo "$*" > %s; exit 0' % self.path("words"), "scout")
        one = self.run_trial("t", "", 5, 10, ["-runs=100"], scout=scout, target="t", sanitized=0)
        self.assertFalse(one.found)
        self.assertLess(one.seconds, 10)
        with open(self.path("words"), encoding="utf-8") as file:
            self.assertRegex(file.read(), r"\At -seed=5 .*-runs=100\n\Z")

    def task(self, body, seed):
        return trial.Task("arm", "m", seed, self.target(body), (), None, None, "")

    def test_a_campaign_goes_on_where_it_was_stopped(self):
        body = "echo x >> %s; echo SIGNATURE: a/b/c; exit 77" % self.path("ran")
        tasks = [self.task(body, seed) for seed in (1, 2, 3)]
        record = self.path("trials.jsonl")
        first = campaign.run(tasks[:2], 10, 2, record)
        with open(record, "a", encoding="utf-8") as file:
            file.write('{"arm": "arm", "mut')  # cut off
        everything = campaign.run(tasks, 10, 2, record)
        self.assertEqual(everything[:2], first)
        self.assertEqual([each.seed for each in everything], [1, 2, 3])
        with open(self.path("ran"), encoding="utf-8") as file:
            self.assertEqual(len(file.readlines()), 3)
        self.assertEqual(len(campaign.load(record)), 3)


    def test_a_damaged_record_is_said_and_tried_once_more(self):
        body = "echo x >> %s; echo SIGNATURE: a/b/c; exit 77" % self.path("ran")
        tasks = [self.task(body, seed) for seed in (1, 2, 3)]
        path = self.path("trials.jsonl")
        first = campaign.run(tasks, 10, 2, path)
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        good = json.loads(lines[1])
        damage = ["", "{", "[]", "null", "7", "[" * 100000, "\udcff", lines[1][:-5], "{}",
                  json.dumps({**good, "more": 1})]
        for field, value in (("seconds", "x"), ("seconds", float("inf")), ("seconds", True),
                             ("execs", 0.5), ("seed", 10 ** 400), ("found", "no"), ("by", None),
                             ("signature", [])):
            damage.append(json.dumps({**good, field: value}))
        for one in damage:
            with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write("\n".join([lines[0], one, lines[2], ""]))
            with contextlib.redirect_stderr(io.StringIO()) as said:
                self.assertEqual(len(campaign.load(path)), 2, one)
            self.assertRegex(said.getvalue(),
                             r"\A\S+trials.jsonl:2: left out, expected a record of a trial: .+\n\Z")
        with contextlib.redirect_stderr(io.StringIO()):
            again = campaign.run(tasks, 10, 2, path)
        self.assertEqual([each.seed for each in again], [each.seed for each in first])
        with open(self.path("ran"), encoding="utf-8") as file:
            self.assertEqual(len(file.readlines()), 4)

    def test_records_that_are_a_pipe_are_not_waited_for(self):
        os.mkfifo(self.path("trials.jsonl"))
        with self.assertRaises(script.Failure):
            campaign.load(self.path("trials.jsonl"))


def fake_mutant(name, guilty="sibling", equivalent="no"):
    fields = {"Target": "tiny_rmap_fuzzer", "Guilty": guilty, "Equivalent": equivalent}
    return mutants.Mutant(name, fields, {})


def record(name, seconds, found=True, guilty="sibling"):
    return campaign.Record("empty", name, 1, seconds, 100, found, "model" if found else "", "",
                           guilty if found else "")


class SearchAbTest(unittest.TestCase):

    FLAGS = ["-entropic=0", "-max_len=1032", "-use_cmp=0"]
    BUILT = {"all": "/built", "afl": "/afl"}

    def test_arms_are_a_group_or_names_and_always_all_of_the_target(self):
        self.assertEqual(search_ab.arms_of("peers"), ["all", "plain", "afl", "rapidcheck"])
        self.assertEqual(search_ab.arms_of("no-swarm,all,half-len"),
                         ["all", "no-swarm", "half-len"])
        self.assertIn("no-fresh", search_ab.arms_of("techniques"))
        with self.assertRaises(script.Failure) as caught:
            search_ab.arms_of("no-luck")
        self.assertIn("no arm 'no-luck', expected techniques, lengths,", str(caught.exception))

    def test_a_mix_is_an_arm_and_the_peers_have_none(self):
        self.assertEqual(search_ab.arms_of("mixes")[:2], ["all", "sanitized-100"])
        self.assertEqual(search_ab.arms_of("sanitized-7"), ["all", "sanitized-7"])
        for wrong in ("sanitized-0", "sanitized-101"):
            with self.assertRaises(script.Failure):
                search_ab.arms_of(wrong)
        shares = {}
        for arm in ("all", "no-plan", "sanitized-50", "sanitized-100", "plain", "afl"):
            task = search_ab.task(arm, fake_mutant("a"), 1, self.FLAGS, self.BUILT)
            shares[arm] = (task.sanitized, os.path.basename(task.scout))
        usual = (trial.SANITIZED_PERCENT, "a_scout")
        self.assertEqual(shares, {"all": usual, "no-plan": usual, "sanitized-50": (50, "a_scout"),
                                  "sanitized-100": (100, ""), "plain": (100, ""),
                                  "afl": (100, "")})

    def test_an_arm_changes_the_flags_that_it_is_about(self):
        for arm in ("all", "no-swarm"):
            self.assertEqual(search_ab.flags_of(arm, self.FLAGS), self.FLAGS)
        self.assertEqual(search_ab.flags_of("half-len", self.FLAGS),
                         ["-entropic=0", "-use_cmp=0", "-max_len=516"])
        self.assertEqual(search_ab.flags_of("double-len", self.FLAGS)[-1], "-max_len=2064")
        self.assertEqual(search_ab.flags_of("len-control", self.FLAGS),
                         self.FLAGS + ["-len_control=100"])
        self.assertEqual(search_ab.flags_of("plain", self.FLAGS), ["-max_len=1032"])

    def test_each_engine_runs_a_program_of_its_own(self):
        for arm, path in (("all", "/built/tests/mutants/a"),
                          ("no-swarm", "/built/tests/mutants/a"),
                          ("plain", "/built/tests/mutants/a_plain"),
                          ("afl", "/afl/tests/mutants/a_plain"),
                          ("rapidcheck", "/built/tests/mutants/a_rapidcheck")):
            task = search_ab.task(arm, fake_mutant("a"), 1, self.FLAGS, self.BUILT)
            self.assertEqual(task.binary, path)

    def test_what_is_switched_off_in_every_arm_is_so_in_all(self):
        def words(arm, without):
            task = search_ab.task(arm, fake_mutant("a"), 1, self.FLAGS, self.BUILT, without)
            return (task.env or {}).get("RMAPDIFF_SEARCH")
        self.assertEqual(words("all", ["fresh"]), "no-fresh")
        self.assertEqual(words("no-plan", ["fresh"]), "no-fresh,no-plan")
        self.assertEqual(words("no-plan", []), "no-plan")
        self.assertIsNone(words("all", []))
        self.assertIsNone(words("half-len", []))


class FalseAlarmsTest(unittest.TestCase):

    OPTIONS = ["--target=mmu_fuzzer", "--target=oom_fuzzer", "--trials=2", "--programs=50",
               "--seed=7"]

    def test_random_trials_are_of_scouts_alone_and_share_no_seed(self):
        options = false_alarms.parse_arguments(["--with=random", *self.OPTIONS])
        with tempfile.TemporaryDirectory() as built:
            os.mkdir(os.path.join(built, "fuzzers"))
            for name in ("mmu_fuzzer", "oom_fuzzer"):
                script.write_whole(os.path.join(built, "fuzzers", name + "_options.options"),
                                   "[libfuzzer]\nmax_len=1032\n")
            tasks = false_alarms.tasks(options, built)
        self.assertEqual([(one.target, one.seed) for one in tasks],
                         [("mmu_fuzzer", 7), ("oom_fuzzer", 7), ("mmu_fuzzer", 8),
                          ("oom_fuzzer", 8)])
        self.assertEqual((tasks[0].binary, tasks[0].sanitized), ("", 0))
        self.assertEqual(tasks[0].flags, ["-max_len=1032", "-runs=50"])
        self.assertEqual(false_alarms.limit(options), script.MAX_SECONDS)

    def test_the_summary_counts_and_names_what_was_found(self):
        options = false_alarms.parse_arguments(self.OPTIONS)
        records = [campaign.Record("libfuzzer", "mmu_fuzzer", 7, 1800.0, 100, False, "", "", ""),
                   campaign.Record("libfuzzer", "oom_fuzzer", 8, 1800.0, 20, True, "truth",
                                   "truth/access/both", "both")]
        text = false_alarms.summary(records, options, "| 1234567 | `bench/false_alarms` |")
        self.assertIn("FOUND truth/access/both by oom_fuzzer, seed 8, 20 programs\n", text)
        self.assertRegex(text, r"\| 1234567 \| `bench/false_alarms` \| 120 \| 1\.00 \| 1 \|$")


class ScoutSpeedTest(unittest.TestCase):

    def test_the_mix_has_both_rates_by_their_shares_of_the_time(self):
        self.assertEqual(scout_speed.over_sanitized(100, 500, 100), 1)
        self.assertEqual(scout_speed.over_sanitized(100, 500, 25), 4)
        text = scout_speed.table({"a": (100, 500), "b": (100, 100), "c": (100, 300)}, 25)
        self.assertRegex(text, r"\na +100 +500 +5\.00 +4\.00\nb .* 1\.00\nc .* 2\.50\n"
                         r"median +2\.50\Z")


class TableTest(unittest.TestCase):

    def test_all_found_and_rightly_blamed_is_well(self):
        chosen = [fake_mutant("a"), fake_mutant("e", "none", "yes, because")]
        records = [record("a", 1.0), record("a", 3.0), record("e", 60.0, False)]
        summary = table.summarize(chosen, records, 60)
        self.assertTrue(table.all_well(summary))
        self.assertEqual((summary.faults, summary.found, summary.sure), (1, 1, 1))
        self.assertEqual((summary.median, summary.worst), (2.0, 2.0))
        self.assertEqual((summary.equivalents, summary.reported), (1, 0))
        self.assertIn("equivalent, not reported", table.text(summary))

    def test_a_survivor_a_wrong_name_or_a_false_alarm_is_not_well(self):
        equivalent = fake_mutant("e", "none", "yes, because")
        for chosen, records in (([fake_mutant("a")], [record("a", 60.0, False)]),
                                ([fake_mutant("a")], [record("a", 1.0, guilty="legacy")]),
                                ([equivalent], [record("e", 1.0)])):
            summary = table.summarize(chosen, records, 60)
            self.assertFalse(table.all_well(summary), table.text(summary))
        self.assertIn("WRONG ENGINE", table.text(table.summarize(
            [fake_mutant("a")], [record("a", 1.0, guilty="legacy")], 60)))

    def test_a_fault_of_both_may_be_seen_in_either_only_if_its_heading_says_so(self):
        self.assertTrue(table.is_right(fake_mutant("a", "any"), "legacy"))
        self.assertFalse(table.is_right(fake_mutant("a", "both"), "legacy"))

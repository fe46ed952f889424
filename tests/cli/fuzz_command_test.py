"""The promises of `rmapdiff fuzz`, with scripts in place of fuzz targets.

Each script is a target as the supervisor sees it: libFuzzer's log lines, exit codes and files.
"""

import concurrent.futures
import json
import math
import os
import re
import signal
import subprocess
import tempfile
import time
import unittest

from tools.bazel_rules import patience

RMAPDIFF = os.environ.get("RMAPDIFF") or os.path.abspath("tools/cli/rmapdiff")
FAULTY = os.path.abspath("tests/cli/lone/faulty_rmapdiff")  # its engines fail at every operation

# How every script begins. `figures N` prints a line of figures, `report FILE TEXT` ends as an
# input that was found does.
PRELUDE = r"""#!/bin/bash
figures() { printf '#%d\tNEW    cov: 5 ft: %d corp: 3/9b\n' "$1" "$((10 + $1))"; }
for word in "$@"; do
  case "$word" in
    -artifact_prefix=*) prefix="${word#*=}" ;;
    -seed=*) seed="${word#*=}" ;;
  esac
done
report() {
  echo input > "$prefix$1"
  echo "$2"
  echo "artifact_prefix='$prefix'; Test unit written to $prefix$1"
}
"""

STATS = (r"printf 'RMAPDIFF\1\0\0\0\0\0\0\0\144\0\0\0\0\0\0\0\350\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0' "
         '> "$RMAPDIFF_STATS"\n')

STEADY = """
stop() { echo 'stat::number_of_executed_units: 77'; exit 72; }
trap stop INT
figures 1
for i in {2..1000}; do figures 2; sleep 0.1; done
"""

CRASHES = """
figures 3
report crash-00000000000000000000000000000000000000aa 'DIVERGENCE at op 2
SIGNATURE: rmap-missing/drop/sibling
==1== ERROR: libFuzzer: deadly signal
SUMMARY: libFuzzer: deadly signal'
exit 77
"""

# Another finding each time, of each kind.
KINDS = """
figures 3
digits=00000000000000000000000000000000000000a
number="$(cat number 2>/dev/null || echo 0)"
echo "$((number + 1))" > number
case "$number" in
  0) report "crash-${digits}0" 'SIGNATURE: own/one'; exit 77 ;;
  1) report "timeout-${digits}1" 'SUMMARY: libFuzzer: timeout'; exit 70 ;;
  2) report "oom-${digits}2" 'SUMMARY: libFuzzer: out-of-memory'; exit 71 ;;
  3) report "crash-${digits}3" 'SUMMARY: AddressSanitizer: x y'; exit 1 ;;
  4) report "leak-${digits}4" 'SUMMARY: AddressSanitizer: 9 leaked'; exit 77 ;;
  5) kill -SEGV $$ ;;
  *) while :; do sleep 0.1; done ;;
esac
"""


def slug(signature):
    """The name of a finding's folder."""
    code = 0x811c9dc5
    for byte in signature.encode():
        code = (code ^ byte) * 0x01000193 % (1 << 32)
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", signature.replace(".", "_").replace("/", "."))
    return f"{name[:100]}-{code:08x}"


class PatientSuite(unittest.TestSuite):
    """The tests spend their time on waiting, so they wait together."""

    def run(self, result, debug=False):
        tests = []
        pending = [self]
        while pending:
            for one in pending.pop():
                (pending if isinstance(one, unittest.TestSuite) else tests).append(one)
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda test: test.run(result), tests))
        return result


def load_tests(_loader, tests, _pattern):
    return PatientSuite(tests)


class FuzzCommandTest(unittest.TestCase):
    """Each test has a folder of its own: bin/ with the targets, out/ with what comes of them."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.mkdir(self.path("bin"))

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, *names):
        with open(self.path(*names), encoding="utf-8") as file:
            return file.read()

    def target(self, name, script):
        self.write(self.path("bin", name + "_bin"), PRELUDE + script)
        os.chmod(self.path("bin", name + "_bin"), 0o755)
        with open(self.path("bin", "fuzz_targets.txt"), "a", encoding="utf-8") as file:
            file.write(name + "\n")

    def start(self, *words, **options):
        return subprocess.Popen(
            [options.get("program", RMAPDIFF), "fuzz", "--bin-dir=bin", "--dir=out", *words],
            cwd=self.folder, stdout=options.get("stdout", subprocess.PIPE), stderr=subprocess.PIPE,
            text=True, env=options.get("env"))

    def fuzz(self, *words, **options):
        """Returns exit code, standard output, standard error; nothing may be left running."""
        process = self.start(*words, **options)
        output, errors = process.communicate(timeout=patience.SECONDS)
        self.assert_nothing_runs()
        return process.returncode, output, errors

    def running(self):
        """The words of each process that is one of the targets."""
        found = []
        for process in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{process}/cmdline", "rb") as file:
                    found.append(file.read())
            except OSError:
                pass  # it has ended
        return [words for words in found if self.folder.encode() + b"/bin/" in words]

    def assert_nothing_runs(self):
        self.assertEqual(self.running(), [])

    def scout(self, script):
        """Its words go to a file, the name of the target first."""
        self.target_is("scout", f'echo "$@" >> {self.path("scouted")}\n' + script)
        os.rename(self.path("bin", "scout_bin"), self.path("bin", "scout"))

    def target_is(self, name, script):
        """In place of the script that it was."""
        self.write(self.path("bin", "new"), PRELUDE + script)
        os.chmod(self.path("bin", "new"), 0o755)
        os.rename(self.path("bin", "new"), self.path("bin", name + "_bin"))

    def folder_of(self, signature):
        return os.path.join("out", "findings", slug(signature))

    def record(self, signature):
        return json.loads(self.read(self.folder_of(signature), "finding.json"))

    def times_seen(self, signature):
        try:
            return self.record(signature)["count"]
        except FileNotFoundError:
            return 0

    def refused(self, code, words, line):
        self.assertEqual(self.fuzz(*words), (code, "", line + "\n"))

    def summary(self):
        return json.loads(self.read("out", "summary.json"))

    # ---- Usage ----

    def test_values_that_make_no_sense(self):
        self.target("one", STEADY)
        self.target("two", STEADY)
        end = ", see rmapdiff fuzz --help"
        for words, what in (
                (["--time=1y"],
                 "--time: '1y': expected a time like 90s, 10m, 2h or 14d, or 'forever'"),
                (["--time=0"],
                 "--time: '0': expected a time like 90s, 10m, 2h or 14d, or 'forever'"),
                (["--reduce=0"],
                 "--reduce: '0': expected a time like 90s, 10m, 2h or 14d, or 'never'"),
                (["--weight=one"], "--weight: 'one': expected TARGET=N, a target that runs "
                 "and a number from 1 to 100"),
                (["--weight=two=3", "--target=one"], "--weight: 'two=3': expected TARGET=N, "
                 "a target that runs and a number from 1 to 100"),
                (["--jobs=0"], "--jobs: '0': expected a number from 1 to 1024"),
                (["--jobs=x"], "--jobs: 'x': expected a number from 1 to 1024"),
                (["--seed=-1"], "--seed: '-1': expected a number from 0 to 4294967295"),
                (["--target=tow"], "--target: no target 'tow', expected one of one, two"),
                (["--time=1", "--jobs=1"],
                 "--time: 1s is too short for 2 targets, expected at least 2s")):
            self.refused(2, words, "rmapdiff fuzz: " + what + end)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_targets_that_were_not_built(self):
        bin_dir = os.path.realpath(self.path("bin"))
        self.refused(3, [], self.path("bin/fuzz_targets.txt").replace(self.path("bin"), bin_dir) +
                     ": names no fuzz target, expected what tools/fuzz builds")
        self.write(self.path("bin", "fuzz_targets.txt"), "one\n")
        self.refused(3, [], bin_dir + "/one_bin: no such program, expected the fuzz target as "
                     "tools/fuzz builds it")
        self.write(self.path("bin", "fuzz_targets.txt"), "../x\x1b\n")
        self.refused(3, [], bin_dir + "/fuzz_targets.txt: '../x\\x1b': expected the name "
                     "of a fuzz target")

    def test_a_target_that_does_not_run_need_not_be_built(self):
        self.target("one", STEADY)
        with open(self.path("bin", "fuzz_targets.txt"), "a", encoding="utf-8") as file:
            file.write("two\n")
        self.assertEqual(self.fuzz("--target=one", "--time=1", "--jobs=1")[0], 0)
        bin_dir = os.path.realpath(self.path("bin"))
        self.refused(3, ["--target=two"], bin_dir + "/two_bin: no such program, expected the fuzz "
                     "target as tools/fuzz builds it")

    def test_a_folder_that_cannot_be_made(self):
        self.target("one", STEADY)
        self.write(self.path("out"), "a file")
        self.refused(3, [], "out/logs: cannot be made a directory: Not a directory")

    def test_a_folder_that_another_run_uses(self):
        self.target("one", STEADY)
        first = self.start("--time=1h", "--jobs=1")
        first.stdout.readline()
        process = self.start("--time=1")
        output, errors = process.communicate(timeout=patience.SECONDS)
        self.assertEqual((process.returncode, output, errors), (
            3, "", f"out: in use by another run (process {first.pid}), expected a folder of its "
            "own\n"))
        self.assertEqual(self.read("out", ".lock"), f"{first.pid}\n")
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=patience.SECONDS)

    def test_a_summary_that_cannot_be_written_is_told_at_the_start(self):
        self.target("one", STEADY)
        os.makedirs(self.path("out", "summary.json"))
        self.refused(3, [], "out/summary.json: cannot be written: expected a regular file or none")

    # ---- Scouts ----

    def test_scouts_have_the_time_that_the_sanitized_targets_leave(self):
        self.target("mmu_fuzzer", STEADY)
        self.target("no_programs", STEADY)
        self.scout(STATS + STEADY)
        code, output, errors = self.fuzz("--time=8", "--jobs=1", "--sanitized=20",
                                         "--target=mmu_fuzzer", "--target=no_programs")
        self.assertEqual(code, 0, output + errors)
        self.assertIn(", engines legacy,sibling, 20 % sanitized, into out\n", output)
        self.assertRegex(output, r"\nscouts without sanitizers ran 100 of the programs in \d:\d\d "
                         r"of \d:\d\d\n")
        summary = self.summary()
        self.assertEqual(summary["sanitized"], 20)
        one, other = summary["targets"]["mmu_fuzzer"], summary["targets"]["no_programs"]
        self.assertEqual((one["scout_execs"], one["scout_ops"], one["execs"]), (100, 1000, 177))
        self.assertEqual((other["scout_execs"], other["scout_seconds"]), (0, 0))
        self.assertGreater(one["scout_seconds"], one["seconds"] / 2)
        self.assertLess(one["scout_seconds"], one["seconds"])
        self.assertRegex(self.read("scouted"), r"\Ammu_fuzzer .*-seed=\d+ .*-hand_over="
                         r"out/corpus/mmu_fuzzer\n\Z")
        sample = json.loads(self.read("out", "stats.jsonl").splitlines()[-1])
        self.assertEqual((sample["sanitized"], sample["targets"]["mmu_fuzzer"]["scout_execs"]),
                         (20, 100))

    def test_without_a_share_no_scout_runs(self):
        self.target("mmu_fuzzer", STEADY)
        self.scout(STEADY)
        code, output, _ = self.fuzz("--time=1", "--jobs=2", "--sanitized=100")
        self.assertEqual(code, 0)
        self.assertNotIn("sanitized", output)
        self.assertFalse(os.path.exists(self.path("scouted")))
        for wrong in ("0", "101", "x"):
            self.assertEqual(self.fuzz("--sanitized=" + wrong)[0], 2)

    def test_a_scout_that_does_not_work_is_told(self):
        self.target("mmu_fuzzer", STEADY)
        self.scout("echo no good; exit 9\n")
        code, _, errors = self.fuzz("--time=3", "--jobs=1")
        self.assertEqual(code, 3)
        self.assertIn("the scout of mmu_fuzzer did not work, out/logs/mmu_fuzzer-0.scout.log ends "
                      "with\n  no good\n", errors)

    # A program of one operation, which a scout says it has found something in.
    SCOUT_FINDS = """
if [ ! -e found ]; then
  touch found
  figures 3
  name=crash-00000000000000000000000000000000000000bb
  printf '\\1\\1\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' > "$prefix$name"
  echo 'SIGNATURE: own/of/scout'
  echo "Test unit written to $prefix$name"
  exit 77
fi
""" + STEADY

    def test_a_finding_of_a_scout_that_does_not_come_again_does_not_count(self):
        self.target("tiny_rmap_fuzzer", STEADY)
        self.scout(self.SCOUT_FINDS)
        code, output, errors = self.fuzz("--time=4", "--jobs=1")
        self.assertEqual(code, 0, output + errors)
        path = "out/unconfirmed/tiny_rmap_fuzzer/crash-00000000000000000000000000000000000000bb"
        self.assertIn(f"UNCONFIRMED tiny_rmap_fuzzer: a scout alone has found something: {path}\n",
                      output)
        self.assertEqual(os.path.getsize(self.path(path)), 16)
        self.assertIn("own/of/scout", self.read(path + ".json"))
        self.assertEqual(os.listdir(self.path("out", "findings")), [])
        self.assertEqual(os.listdir(self.path("out", "incoming", "tiny_rmap_fuzzer")), [])

    def test_a_finding_of_a_scout_that_comes_again_counts(self):
        self.target("tiny_rmap_fuzzer", STEADY)
        self.scout(self.SCOUT_FINDS)
        code, output, errors = self.fuzz("--time=4", "--jobs=1", program=FAULTY)
        self.assertEqual(code, 1, output + errors)
        [finding] = self.summary()["findings"]
        self.assertNotEqual(finding["signature"], "own/of/scout")
        self.assertIn(f"FINDING tiny_rmap_fuzzer: {finding['signature']}: ", output)
        self.assertFalse(os.path.exists(self.path("out", "unconfirmed")))

    def test_the_next_session_confirms_what_a_scout_has_left(self):
        self.target("tiny_rmap_fuzzer", STEADY)
        self.scout(self.SCOUT_FINDS)
        process = self.start("--time=1h", "--jobs=1")
        log = self.path("out", "logs", "tiny_rmap_fuzzer-0.scout.log")
        patience.wait_for(lambda: os.path.exists(log) and "written to" in self.read(log))
        process.kill()
        process.communicate()
        patience.wait_for(lambda: not self.running())
        code, output, errors = self.fuzz("--time=4", "--jobs=1")
        self.assertEqual(code, 0, output + errors)
        self.assertEqual(os.listdir(self.path("out", "findings")), [])

    # ---- Figures ----

    def test_figures_come_from_the_stats_file_and_the_log(self):
        self.target("counts", STATS + STEADY)
        self.target("silent", STEADY)
        code, output, errors = self.fuzz("--time=2", "--jobs=2", "--seed=7")
        self.assertEqual(code, 0, output + errors)
        summary = self.summary()
        counts, silent = summary["targets"]["counts"], summary["targets"]["silent"]
        self.assertEqual((counts["execs"], counts["ops"], counts["features"], counts["corpus"]),
                         (100, 1000, 12, 3))
        self.assertAlmostEqual(counts["ops_per_second"], 1000 / counts["seconds"], places=3)
        self.assertEqual((silent["execs"], silent["ops"], silent["findings"]), (77, 0, 0))
        self.assertEqual((summary["seed"], summary["jobs"], summary["budget"]), (7, 2, 2))
        self.assertFalse(summary["interrupted"])
        self.assertEqual(summary["findings"], [])
        self.assertRegex(output, r"\Afuzzing counts, silent for 0:02 in 2 jobs, seed 7, "
                         r"engines legacy,sibling, into out\n"
                         r"target +seconds +execs +ops +ops/s +features +corpus +findings\n"
                         r"counts +\d+ +100 +1,000 +\d+ +12 +3 +0\n"
                         r"silent +\d+ +77 +- +- +12 +3 +0\n"
                         r"total +\d+ +177 +1,000 +\d+ +24 +6 +0\n\Z")
        self.assertRegex(errors, r"\A(0:0\d of 0:02  \d+ execs/s  \d+ ops/s  \d+ features  "
                         r"\d+ corpus  0 findings\n)+\Z")
        self.assertRegex(self.read("out", "logs", "silent-1.log"), r"\A#1\tNEW ")

    def test_one_job_gives_every_target_its_turn(self):
        for name in ("one", "two", "three"):
            self.target(name, STEADY)
        code, output, errors = self.fuzz("--time=3", "--jobs=1")
        self.assertEqual(code, 0, output + errors)
        for figures in self.summary()["targets"].values():
            self.assertGreater(figures["seconds"], 0)
            self.assertEqual(figures["execs"], 77)

    def test_only_the_targets_that_are_asked_for_run(self):
        for name in ("one", "two", "three"):
            self.target(name, STEADY)
        self.assertEqual(self.fuzz("--time=1", "--target=three", "--target=one", "--jobs=2")[0], 0)
        self.assertEqual(list(self.summary()["targets"]), ["one", "three"])

    def test_a_target_gets_its_flags_and_its_files(self):
        self.target("one", 'echo "$0 $*"\necho "$ASAN_OPTIONS $RMAPDIFF_STATS"\n' + STEADY)
        os.mkdir(self.path("bin", "one_corpus"))
        self.write(self.path("bin", "one_options.options"), "[libfuzzer]\nmax_len=64\n")
        self.assertEqual(self.fuzz("--time=1", "--jobs=1", "--seed=5")[0], 0)
        bin_dir = os.path.realpath(self.path("bin"))
        line, environment = self.read("out", "logs", "one-0.log").splitlines()[:2]
        self.assertRegex(line, re.escape(bin_dir) + "/one_bin "
                         "-timeout=25 -rss_limit_mb=2560 -report_slow_units=25 -max_len=2056 "
                         r"-max_len=64 -artifact_prefix=out/incoming/one/ "
                         r"-seed=\d+ -max_total_time=\d+ -reload=1 -print_final_stats=1 "
                         f"out/corpus/one {bin_dir}/one_corpus")
        self.assertRegex(environment, "abort_on_error=0:exitcode=1:symbolize=1 out/logs/one.stats$")
        self.assertTrue(os.path.isdir(self.path("out", "corpus", "one")))
        self.fuzz("--time=1", "--jobs=1", "--seed=5")
        self.assertEqual(self.read("out", "logs", "one-0.log").splitlines()[0], line)
        self.fuzz("--time=1", "--jobs=1", "--seed=6")
        self.assertNotEqual(self.read("out", "logs", "one-0.log").splitlines()[0], line)

    # ---- Findings ----

    def test_a_crash_is_kept_once_and_counted(self):
        self.target("one", CRASHES)
        began = time.time()
        process = self.start("--time=1h", "--jobs=1")
        patience.wait_for(lambda: self.times_seen("rmap-missing/drop/sibling") >= 2)
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=patience.SECONDS)
        self.assertEqual(process.returncode, 1, output + errors)
        findings = self.summary()["findings"]
        folder = "out/findings/" + slug("rmap-missing/drop/sibling")
        artifact = folder + "/input-00000000000000000000000000000000000000aa"
        self.assertEqual(len(findings), 1)
        count = findings[0].pop("count")
        self.assertEqual(findings[0], {
            "target": "one", "signature": "rmap-missing/drop/sibling", "kind": "divergence",
            "folder": folder, "artifact": artifact, "report": folder + "/report.txt"})
        # Again and again, but after growing pauses: at once, at once, 0.25 s, 0.5 s, 1 s ...
        self.assertLessEqual(2, count)
        self.assertLessEqual(count, 3 + math.log2(1 + 4 * (time.time() - began)))
        self.assertEqual(self.read(artifact), "input\n")
        self.assertIn("\nDIVERGENCE at op 2\nSIGNATURE: rmap-missing/drop/sibling\n",
                      self.read(folder, "report.txt"))
        record = json.loads(self.read(folder, "finding.json"))
        self.assertLessEqual(int(began), record["first_seen"])
        self.assertLessEqual(record.pop("first_seen"), record["last_seen"])
        self.assertLessEqual(record.pop("last_seen"), time.time())
        self.assertEqual(record, {
            "signature": "rmap-missing/drop/sibling", "target": "one", "kind": "divergence",
            "engine": "", "maps": "", "reproduced": "0/3", "count": count, "ops": 0, "minimal": "",
            "artifact": "input-00000000000000000000000000000000000000aa", "report": "report.txt",
            "draft": ""})
        self.assertEqual(output.count("FINDING "), 1)
        self.assertIn(f"\nFINDING one: rmap-missing/drop/sibling: {folder}\n", output)
        self.assertIn(f"\none: rmap-missing/drop/sibling (divergence, seen {count} times)\n"
                      f"  input   {artifact}\n  report  {folder}/report.txt\n", output)
        self.assertEqual(self.summary()["targets"]["one"]["findings"], 1)
        self.assertEqual(os.listdir(self.path("out", "incoming", "one")), [])

    def test_what_cannot_be_written_in_the_end_hides_no_finding(self):
        self.target("one", "mkdir -p out/summary.json\n" + CRASHES)
        code, output, errors = self.fuzz("--time=3", "--jobs=1")
        self.assertEqual(code, 1, output + errors)
        self.assertIn("\none: rmap-missing/drop/sibling (", output)
        self.assertRegex(errors, r"(?m)^out/summary\.json: cannot be written: Is a directory\n\Z")

    def test_each_way_to_end_is_a_finding_of_its_kind(self):
        self.target("one", KINDS)
        process = self.start("--time=1h", "--jobs=1")
        seen = []
        for line in iter(process.stdout.readline, ""):
            seen.append(line)
            if sum("FINDING" in one for one in seen) == 6:
                break
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=patience.SECONDS)
        self.assertEqual(process.returncode, 1, "".join(seen) + output + errors)
        self.assertEqual([(one["kind"], one["signature"]) for one in self.summary()["findings"]], [
            ("divergence", "own/one"), ("timeout", "unreproduced/timeout"),
            ("oom", "unreproduced/out-of-memory"),
            ("sanitizer", "unreproduced/AddressSanitizer: x y"),
            ("leak", "unreproduced/AddressSanitizer: 9 leaked"),
            ("signal", "unreproduced/signal, exit code 139")])
        self.assertEqual(self.summary()["findings"][5]["artifact"], "")
        self.assertIn("input   none was written", output)
        self.assertEqual(os.listdir(self.path("out", "incoming", "one")), [])

    def test_a_finding_that_is_known_is_met_again(self):
        self.target("one", CRASHES)
        self.assertEqual(self.fuzz("--time=1", "--jobs=1")[0], 1)
        before = self.record("rmap-missing/drop/sibling")
        code, output, _ = self.fuzz("--time=1", "--jobs=1")
        self.assertEqual(code, 1)
        self.assertRegex(output, r"\nFINDING one: rmap-missing/drop/sibling: \S+ \(known\)\n")
        after = self.record("rmap-missing/drop/sibling")
        self.assertEqual(after["count"], before["count"] + self.summary()["findings"][0]["count"])
        self.assertEqual(after["first_seen"], before["first_seen"])

    def test_what_cannot_be_looked_at_is_kept_by_what_the_log_said(self):
        self.target("one", CRASHES)
        process = self.start("--time=1", "--jobs=1", env=dict(os.environ, RMAPDIFF_PROBE="/none"))
        output, errors = process.communicate(timeout=patience.SECONDS)
        self.assertEqual(process.returncode, 1, output + errors)
        self.assertEqual(self.record("rmap-missing/drop/sibling")["reproduced"], "")
        log = self.read("out", "logs", "take-in.log")
        self.assertEqual(log.count("/none: cannot be started"), 2)

    def test_at_most_ten_inputs_of_a_finding_are_kept(self):
        self.target("one", "figures 1\nfor i in {10..29}; do echo $i > "
                    "${prefix}crash-00000000000000000000000000000000000000$i; done\n" + STEADY)
        process = self.start("--time=1h", "--jobs=1")
        incoming = self.path("out", "incoming", "one")
        patience.wait_for(lambda: os.path.isdir(incoming) and sum(
            os.path.getsize(os.path.join(incoming, name)) > 0
            for name in os.listdir(incoming)) == 20)
        process.kill()
        process.communicate()
        self.target_is("one", STEADY)
        # A session that has no time for all of them leaves the rest to the next one.
        patience.wait_for(lambda: self.fuzz("--time=2", "--jobs=1")[0] == 1 and
                          not os.listdir(incoming))
        record = self.record("unreproduced/abort")
        self.assertEqual(record["count"], 20)
        inputs = [name for name in os.listdir(self.path(self.folder_of("unreproduced/abort")))
                  if name.startswith("input-")]
        self.assertEqual(len(inputs), 10)
        self.assertEqual(os.listdir(self.path("out", "incoming", "one")), [])

    def test_an_input_that_ends_the_target_leaves_the_corpus(self):
        digits = "00000000000000000000000000000000000000aa"
        self.target("one", """
for file in "${@: -2:1}"/*aa "${@: -1}"/bad; do
  if [[ -e "$file" ]]; then
    cp "$file" "${prefix}crash-00000000000000000000000000000000000000aa"
    echo "Test unit written to crash-00000000000000000000000000000000000000aa"
    exit 77
  fi
done
""" + STEADY)
        for folder in ("bin/one_corpus", "out/corpus/one"):
            os.makedirs(self.path(folder))
        self.write(self.path("bin", "one_corpus", "bad"), "seed")
        self.write(self.path("bin", "one_corpus", "good"), "good seed")
        self.write(self.path("out", "corpus", "one", digits), "input")
        code, output, errors = self.fuzz("--time=3", "--jobs=1")
        self.assertEqual(code, 1, output + errors)
        self.assertEqual(self.summary()["targets"]["one"]["execs"], 77, "it never got to work")
        self.assertEqual(os.listdir(self.path("out", "corpus", "one")), [])
        self.assertEqual(os.listdir(self.path("out", "quarantine", "one")), [digits])
        self.assertEqual(os.listdir(self.path("out", "seeds", "one")), ["good"])
        self.assertEqual(sorted(os.listdir(self.path("bin", "one_corpus"))), ["bad", "good"])
        # A new build gets them again.
        later = time.time() + 10
        os.utime(self.path("bin", "one_bin"), (later, later))
        self.target_is("one", STEADY)
        os.utime(self.path("bin", "one_bin"), (later, later))
        self.fuzz("--time=1", "--jobs=1")
        self.assertEqual(os.listdir(self.path("out", "corpus", "one")), [digits])
        self.assertFalse(os.path.exists(self.path("out", "seeds", "one")))

    # ---- Time by weight ----

    def test_time_is_shared_by_weight(self):
        self.target("one", STEADY)
        self.target("two", STEADY)
        self.assertEqual(self.fuzz("--time=4", "--jobs=1", "--weight=two=3")[0], 0)
        targets = self.summary()["targets"]
        # How exactly, fuzz_schedule_test says, which has no clock.
        self.assertGreater(targets["two"]["seconds"], targets["one"]["seconds"])

    def test_a_run_without_end_is_ended_by_a_signal(self):
        self.target("one", STEADY)
        process = self.start("--time=forever", "--jobs=1")
        self.assertIn("fuzzing one without end in 1 job", process.stdout.readline())
        patience.wait_for(lambda: os.path.exists(self.path("out", "logs", "one-0.log")))
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=patience.SECONDS)
        self.assertEqual(process.returncode, 0, output + errors)
        self.assertEqual(self.summary()["budget"], 0)

    # ---- Targets that do not work ----

    def test_a_target_that_fails_at_once_is_given_up_and_the_others_go_on(self):
        self.target("bad", "echo 'cannot\x1b go on'\nexit 1\n")
        self.target("good", STEADY)
        code, output, errors = self.fuzz("--time=2", "--jobs=1")
        self.assertEqual(code, 3, output + errors)
        self.assertRegex(errors, r"\nrmapdiff fuzz: bad did not work, out/logs/bad-0.log ends with"
                         r"(\n  cannot\\x1b go on){1,3}\n\Z")
        self.assertEqual(self.summary()["targets"]["bad"]["execs"], 0)
        self.assertEqual(self.summary()["targets"]["good"]["execs"], 77)

    def test_if_all_targets_fail_it_ends_early(self):
        self.target("bad", "exit 0\n")
        self.assertEqual(self.fuzz("--time=1h", "--jobs=2")[0], 3)

    def test_a_target_that_executes_nothing_is_an_error(self):
        self.target("idle", "echo 'thinking'\nsleep 100\n")
        code, output, errors = self.fuzz("--time=1", "--jobs=1")
        self.assertEqual(code, 3, output + errors)
        self.assertIn("rmapdiff fuzz: idle did not work, out/logs/idle-0.log ends with\n"
                      "  thinking\n", errors)

    def test_a_target_that_does_not_stop_is_made_to(self):
        self.target("deaf", "trap '' INT TERM\nfigures 5\nwhile :; do sleep 0.1; done\n")
        code, output, errors = self.fuzz("--time=1", "--jobs=1")
        self.assertEqual(code, 0, output + errors)
        self.assertEqual(self.summary()["targets"]["deaf"]["execs"], 5)

    # ---- Ends ----

    def test_a_signal_ends_it_early_with_a_summary(self):
        self.target("one", CRASHES)
        self.target("two", STEADY)
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start("--time=1h", "--jobs=2")
            self.assertTrue(any("FINDING" in line for line in iter(process.stdout.readline, "")))
            process.send_signal(number)
            output, errors = process.communicate(timeout=patience.SECONDS)
            self.assertEqual(process.returncode, 1, output + errors)
            self.assertTrue(output.startswith("stopping\n"), output)
            self.assertIn("\ntotal ", output)
            self.assertTrue(self.summary()["interrupted"])
            self.assertEqual(len(self.summary()["findings"]), 1)
            os.remove(self.path("out", "summary.json"))
            self.assert_nothing_runs()

    def test_when_it_is_killed_its_processes_end(self):
        self.target("one", STEADY)
        process = self.start("--time=1h", "--jobs=1")
        patience.wait_for(lambda: os.path.exists(self.path("out", "logs", "one-0.log")))
        process.kill()
        process.communicate(timeout=patience.SECONDS)
        patience.wait_for(lambda: not self.running())

    def test_it_goes_on_when_nobody_reads_its_output(self):
        self.target("one", STEADY)
        reader, writer = os.pipe()
        os.close(reader)
        process = self.start("--time=1", "--jobs=1", stdout=writer)
        os.close(writer)
        process.communicate(timeout=patience.SECONDS)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(self.summary()["targets"]["one"]["execs"], 77)


if __name__ == "__main__":
    unittest.main()

"""The promises of `rmapdiff status`, on folders made by hand as `rmapdiff fuzz` leaves them.
"""

import fcntl
import json
import os
import re
import struct
import subprocess
import tempfile
import time
import unittest

from tools.bazel_rules import patience

RMAPDIFF = os.environ.get("RMAPDIFF") or os.path.abspath("tools/cli/rmapdiff")


def target(execs, seconds, **more):
    """The figures of a target, as a line of stats.jsonl has them."""
    return {"execs": execs, "ops": 50 * execs, "seconds": seconds, "coverage": 400,
            "features": 1000, "corpus": 12, "corpus_bytes": 3456, "findings": 0, **more}


def line(when, elapsed, targets, run=1, **more):
    return {"time": when, "run": run, "elapsed": elapsed, "jobs": 2, "seed": 7,
            "targets": targets, "findings": 0, "final": False, **more}


class Metrics:
    """The text format of Prometheus, read by its rules; a line that breaks one is an error."""

    NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
    LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"'

    def __init__(self, text):
        self.types, self.helps, self.values = {}, {}, {}
        self.family = None
        if not text.endswith("\n") or "\n\n" in text:
            raise ValueError("every line ends with one line feed")
        for one in text[:-1].split("\n"):
            if one.startswith("#"):
                self._describe(one)
            else:
                self._sample(one)
        for name in self.types:
            if not any(sample.partition("{")[0] == name for sample in self.values):
                raise ValueError(f"{name} has no sample")

    def _describe(self, text):
        match = re.fullmatch(rf"# (HELP|TYPE) ({self.NAME}) (.+)", text)
        if not match:
            raise ValueError(f"no comment of the format: {text!r}")
        kind, name, rest = match.groups()
        known = self.helps if kind == "HELP" else self.types
        if name in known or (kind == "TYPE" and name not in self.helps):
            raise ValueError(f"HELP, then TYPE, once each: {text!r}")
        if kind == "TYPE" and (rest not in ("counter", "gauge")
                               or (rest == "counter") != name.endswith("_total")):
            raise ValueError(f"counters and they alone end in _total: {text!r}")
        known[name] = rest
        self.family = name

    def _sample(self, text):
        match = re.fullmatch(rf"({self.NAME})(?:\{{(.*)\}})? (\S+)", text)
        if not match or match.group(1) != self.family or self.family not in self.types:
            raise ValueError(f"no sample of {self.family}: {text!r}")
        labels = match.group(2)
        if labels is not None and not re.fullmatch(f"{self.LABEL}(,{self.LABEL})*", labels):
            raise ValueError(f"no labels: {labels!r}")
        names = [name for name, _ in re.findall(self.LABEL, labels or "")]
        key = text.rpartition(" ")[0]
        if key in self.values or len(set(names)) != len(names):
            raise ValueError(f"twice: {key!r}")
        self.values[key] = float(match.group(3))


class StatusCommandTest(unittest.TestCase):
    """Each test has a folder of its own, and in it the run's folder, out."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.now = time.time()
        os.makedirs(self.path("out/logs"))
        os.makedirs(self.path("out/findings"))
        self.write("out/.lock", "4242")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())

    def samples(self, *lines, end=""):
        self.write("out/stats.jsonl", "".join(json.dumps(one) + "\n" for one in lines) + end)

    def finding(self, folder, **what):
        self.write(f"out/findings/{folder}/finding.json", json.dumps(
            {"signature": "rmap-missing/drop/sibling", "target": "rmap_fuzzer",
             "kind": "divergence", "engine": "sibling", "count": 3, "first_seen": 1700000000,
             "last_seen": 1700003600, "artifact": "input-00", "ops": 4, **what}))

    def running(self):
        """As if a session was at work."""
        file = open(self.path("out/.lock"), "rb")
        self.addCleanup(file.close)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def status(self, *words, code=0, stderr=""):
        done = subprocess.run([RMAPDIFF, "status", *words], cwd=self.folder, text=True,
                              capture_output=True, timeout=patience.SECONDS, check=False)
        self.assertEqual((done.returncode, done.stderr), (code, stderr), done.stdout)
        return done.stdout

    def json(self):
        return json.loads(self.status("--json", "out"))

    def metrics(self):
        return Metrics(self.status("--metrics", "out")).values

    def two_samples(self):
        self.samples(
            line(self.now - 100, 400, {"rmap_fuzzer": target(10000, 400),
                                       "mmu_fuzzer": target(1000, 400, features=900)}),
            line(self.now - 40, 460, {"rmap_fuzzer": target(16000, 460),
                                      "mmu_fuzzer": target(1600, 460)}))

    # ---- A run at work ----

    def test_a_run_at_work(self):
        self.two_samples()
        self.finding("rmap-missing.drop.sibling-12345678")
        self.running()
        text = self.status("out")
        self.assertRegex(text, (
            r"\Aout: running \(pid 4242\); 7:40 fuzzed in 1 session, 2 jobs, seed 7\n"
            r"figures of \d{4}-\d\d-\d\d \d\d:\d\d UTC, 0:\d\d ago; now 110 execs/s, 5,500 ops/s "
            r"in all\n\n"
            r"target +execs +execs/s +now +ops/s +features +corpus +last new +findings\n"
            r"mmu_fuzzer +1,600 +3 +10 +174 +1,000 +12 +0:\d\d +0\n"
            r"rmap_fuzzer +16,000 +35 +100 +1,739 +1,000 +12 +1:\d\d +0\n"
            r"total +17,600 +19 +55 +957 +2,000 +24 +0:\d\d +0\n\n"
            r"signature +count +ops +first seen +last seen +target\n"
            r"rmap-missing/drop/sibling +3 +4  2023-11-14 22:13  2023-11-14 23:13  rmap_fuzzer\n"
            r"  out/findings/rmap-missing.drop.sibling-12345678\n\Z"))
        self.assertLessEqual(max(map(len, text.splitlines())), 100)

    def test_the_same_as_json(self):
        self.two_samples()
        self.finding("a-1")
        self.running()
        status = self.json()
        self.assertTrue(status["running"])
        self.assertEqual((status["sessions"], status["jobs"], status["elapsed"]), (1, 2, 460))
        one = status["targets"]["rmap_fuzzer"]
        self.assertEqual((one["execs"], one["ops"], one["features"]), (16000, 800000, 1000))
        self.assertAlmostEqual(one["execs_per_second_now"], 100)
        self.assertAlmostEqual(one["execs_per_second"], 16000 / 460)
        self.assertEqual(status["total"]["execs"], 17600)
        self.assertEqual(status["findings"][0]["folder"], "out/findings/a-1")

    def test_the_counters_that_the_targets_share_are_younger(self):
        self.samples(line(self.now - 50, 10, {"one": target(1000, 10)}, run=1),
                     line(self.now - 10, 20, {"one": target(1500, 20)}, run=2))
        self.write("out/logs/one.stats", b"RMAPDIFF" + struct.pack("=4Q", 1, 700, 35000, 0))
        self.assertEqual(self.json()["targets"]["one"]["execs"], 1500)  # no target counts any more
        self.running()
        self.assertEqual(self.json()["targets"]["one"]["execs"], 1700)
        self.assertEqual(self.json()["targets"]["one"]["ops"], 85000)
        self.write("out/logs/one.stats", b"something else")
        self.assertEqual(self.json()["targets"]["one"]["execs"], 1500)

    def test_a_run_that_has_only_begun(self):
        self.running()
        self.assertEqual(self.status("out"), "out: running (pid 4242); no figures yet\n")
        self.assertEqual(self.json()["targets"], {})
        self.assertEqual(self.metrics()["rmapdiff_running"], 1)

    def test_the_lock_is_not_kept(self):
        self.two_samples()
        self.assertFalse(self.json()["running"])
        self.running()  # can be had
        self.assertTrue(self.json()["running"])
        with open(self.path("out/.lock"), "rb") as file, self.assertRaises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    # ---- Runs that have ended ----

    def test_one_that_ended_and_one_that_was_killed(self):
        one = {"one": target(1, 1)}
        self.samples(line(self.now, 3, one, final=True))
        self.assertTrue(self.status("out").startswith("out: ended; 0:03 fuzzed in 1 session, "))
        self.samples(line(self.now, 3, one, final=True), line(self.now, 5, one, run=2))
        text = self.status("out")
        self.assertTrue(text.startswith("out: not running, and did not end cleanly; 0:05 fuzzed "
                                        "in 2 sessions, "), text)
        self.assertNotIn("in all", text)

    def test_findings_come_latest_first(self):
        self.two_samples()
        self.finding("old-1", signature="old", last_seen=5)
        self.finding("new-1", signature="new", last_seen=7)
        self.finding(".new-2", signature="unfinished", last_seen=9)
        self.assertEqual([one["signature"] for one in self.json()["findings"]], ["new", "old"])

    # ---- Over time ----

    def test_the_figures_over_time(self):
        self.two_samples()
        said = json.loads(self.status("out", "--history"))
        history = said.pop("history")
        self.assertEqual(said.keys(), self.json().keys())
        with open(self.path("out/stats.jsonl"), encoding="utf-8") as file:
            samples = [json.loads(line) for line in file]
        self.assertEqual(history["lines"], len(samples))
        for sample, seen in zip(samples, history["samples"], strict=True):
            self.assertEqual((sample["time"], sample["targets"]["rmap_fuzzer"]["execs"]),
                             (seen["time"], seen["targets"]["rmap_fuzzer"]["execs"]))

    def test_the_report_gets_findings_without_figures(self):
        self.finding("new-1", signature="new")
        said = json.loads(self.status("out", "--history"))
        self.assertEqual(said["history"], {"lines": 0, "samples": []})
        self.assertEqual([one["signature"] for one in said["findings"]], ["new"])
        self.assertEqual(len(said["remarks"]), 1)

    # ---- What is not as it should be ----

    def test_no_folder_and_no_run(self):
        line_of = ", expected one that rmapdiff fuzz --dir has made\n"
        self.status("none", code=2, stderr="none: no such folder" + line_of)
        self.write("file", "x")
        self.status("file", code=2, stderr="file: is not a folder" + line_of)
        expected = ", expected the figures of rmapdiff fuzz --dir\n"
        for words in ([], ["--json"], ["--metrics"]):
            self.status("out", *words, code=2,
                        stderr="out/stats.jsonl: no such file" + expected)
        for content, problem in (("", "has no whole line"),
                                 ('{"time": 1, "targ', "has no whole line"),
                                 ("x\n[]\n{", "2 lines make no sense")):
            self.write("out/stats.jsonl", content)
            self.status("out", code=2, stderr=f"out/stats.jsonl: {problem}" + expected)

    def test_what_is_half_written_is_left_out_and_said(self):
        self.samples(line(self.now, 3, {"one": target(1, 1)}), end='{"time": 9')
        self.assertNotIn("left out", self.status("out"))
        self.samples({"no": "line"}, line(self.now, 3, {"one": target(1, 1)}))
        self.write("out/findings/broken-1/finding.json", '{"signature"')
        text = self.status("out")
        self.assertIn("\nout/stats.jsonl: 1 line makes no sense, left out\n", text)
        self.assertIn("\nout/findings/broken-1/finding.json: left out, expected a finding\n", text)
        self.assertEqual(len(self.json()["remarks"]), 2)

    def test_names_from_files_are_escaped(self):
        self.samples(line(self.now, 3, {"one\x1b[2J": target(1, 1)}))
        self.finding("a\x07", signature='s"\x1b\n\\', kind="k\xff")
        self.running()
        text = self.status("out")
        self.assertIsNone(re.search(r"[^\n -~]", text), text)
        self.metrics()
        self.json()

    def test_wrong_usage(self):
        self.status(code=2, stderr="rmapdiff status: DIR is required, see rmapdiff status --help\n")
        self.status("--json", "--metrics", "out", code=2, stderr=(
            "rmapdiff status: --json excludes --metrics, see rmapdiff status --help\n"))

    # ---- Prometheus ----

    def test_metrics(self):
        self.two_samples()
        self.finding("a-1")
        self.finding("b-2")
        self.running()
        values = self.metrics()
        self.assertEqual(values["rmapdiff_running"], 1)
        self.assertEqual(values["rmapdiff_sessions_total"], 1)
        self.assertEqual(values["rmapdiff_fuzzing_seconds_total"], 460)
        self.assertEqual(values['rmapdiff_execs_total{target="rmap_fuzzer"}'], 16000)
        self.assertEqual(values['rmapdiff_corpus_size_bytes{target="mmu_fuzzer"}'], 3456)
        self.assertEqual(values["rmapdiff_findings"], 2)
        self.assertEqual(values[
            'rmapdiff_finding_seen_total{target="rmap_fuzzer",'
            'signature="rmap-missing/drop/sibling",kind="divergence",engine="sibling",'
            'folder="b-2"}'], 3)

    def test_what_checks_metrics_is_strict(self):
        good = "# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"1\"} 2\n"
        self.assertEqual(Metrics(good).values, {'a_total{x="1"}': 2})
        for bad in (good[:-1], good + good, good.replace("a_total", "a"),
                    good.replace("counter", "gauge"), good.replace('"1"', "1"),
                    good.replace('"1"', '"\\1"'), good.replace("# HELP a_total A.\n", ""),
                    good.replace(" 2", " two"), good + "b 3\n", good + 'a_total{x="1"} 3\n',
                    good.replace('x="1"', 'x="1",x="2"'), good.replace("a_total{", "a-total{")):
            with self.assertRaises(ValueError, msg=bad):
                Metrics(bad)


if __name__ == "__main__":
    unittest.main()

"""The promises of a continuous run about its folder, under any kill and without room on any disk.

The fuzz target is a script that keeps a ledger of what it has written, so that nothing can be lost
without being missed. An input of its corpus holds a number, the "feature" that it reaches.
"""

import hashlib
import json
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest

from tools.bazel_rules import patience, skip

RMAPDIFF = os.environ.get("RMAPDIFF") or os.path.abspath("tools/cli/rmapdiff")
KILLS = int(os.environ.get("KILLS", "55"))
SEED = int(os.environ.get("SEED", "2010"))
FEATURES = 40

# libFuzzer as far as the session sees it. Fuzzing, it adds inputs, and now and then ends with a
# finding; told to merge, it picks the first input of each feature.
TARGET = r"""#!/bin/bash
merge=
for word in "$@"; do
  case "$word" in
    -artifact_prefix=*) prefix="${word#*=}" ;;
    -seed=*) seed="${word#*=}" ;;
    -set_cover_merge=1) merge=yes ;;
    -merge_control_file=*) control="${word#*=}" ;;
  esac
done
if [[ "$merge" ]]; then
  picked="${@: -2:1}" offered=("${@: -1}"/*) count=0
  declare -A seen names=(NAMES)
  lines=("${#offered[@]}" 0 "${offered[@]}")
  for i in "${!offered[@]}"; do
    lines+=("STARTED $i 3")
    read -r feature < "${offered[i]}" || continue
    lines+=("FT $i 1")
    [[ "${seen[$feature]}" ]] && continue
    seen[$feature]=yes
    echo "$feature" > "$picked/${names[$feature]}"
    count=$((count + 1))
  done
  printf '%s\n' "${lines[@]}" > "$control"
  source FOLDER/merge_ends
  echo "MERGE-OUTER: $count new files with 7 new features added; 7 new coverage edges"
  exit 0
fi
trap 'exit 72' INT
corpus="${@: -1}"
ledger() { echo "$@" >> ledger; }
ledger S $$
echo 'INFO: Seed: 1'
printf '#1\tNEW    cov: 5 ft: 9 corp: 3/9b\n'
for ((i = 0; ; ++i)); do
  feature=$(((seed + i) % FEATURES))
  printf -v name '%020d%020d' "$seed" "$i"
  echo "$feature" > "$corpus/$name"
  ledger F "$feature"
  if ((i == 90)); then
    printf -v name '%040x' "$seed"
    echo "$name" > "${prefix}crash-$name"
    ledger A "$name"
    echo "SIGNATURE: bug/$((seed % 10))/sibling"
    echo "Test unit written to ${prefix}crash-$name"
    ledger R "bug/$((seed % 10))/sibling"
    exit 77
  fi
  if [[ -e FOLDER/slowly ]]; then sleep 0.02; elif ((i >= 80)); then sleep 0.002; fi
done
""".replace("FEATURES", str(FEATURES))


def name_of(feature):
    """An input is called by its content."""
    return hashlib.sha1(f"{feature}\n".encode()).hexdigest()


def slug(signature):
    """The name of a finding's folder."""
    code = 0x811c9dc5
    for byte in signature.encode():
        code = (code ^ byte) * 0x01000193 % (1 << 32)
    return f"{signature.replace('/', '.')}-{code:08x}"


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


class RestartTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.mkdir(self.path("bin"))
        self.write("bin/fuzz_targets.txt", "one\n")
        names = " ".join(f"[{i}]={name_of(i)}" for i in [*range(FEATURES), "new"])
        self.write("bin/one_bin", TARGET.replace("NAMES", names).replace("FOLDER", self.folder))
        self.write("merge_ends", "sleep 0.05\n")
        os.chmod(self.path("bin/one_bin"), 0o755)
        self.write("ledger", "")

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, path, text):
        with open(self.path(path), "w", encoding="utf-8") as file:
            file.write(text)

    def start(self, *words, **options):
        return subprocess.Popen(
            [RMAPDIFF, "fuzz", "--bin-dir=bin", "--dir=out", "--jobs=1", *words], cwd=self.folder,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    def finish(self, process):
        """Exit code, standard output, standard error as text."""
        output, errors = process.communicate(timeout=patience.SECONDS)
        text = errors if isinstance(errors, str) else errors.decode()
        return process.returncode, output, text

    def finish_after_reduction(self):
        """The same of a session that is stopped once it has reduced the corpus, however long that
        takes."""
        self.write("slowly", "")
        process = self.start("--time=forever", "--reduce=1s")
        output = ""
        while "reduced the corpus of one from " not in output:
            line = process.stdout.readline()
            self.assertTrue(line, output)
            output += line
        process.send_signal(signal.SIGINT)
        output += process.stdout.read()
        errors = process.stderr.read()
        process.stdout.close()
        process.stderr.close()
        return process.wait(), output, errors

    def ledger(self, kind):
        return [line.split()[1] for line in lines_of(self.path("ledger"))
                if line.startswith(kind + " ")]

    def stats(self):
        return [json.loads(line) for line in lines_of(self.path("out/stats.jsonl"))]

    def features(self, corpus="out/corpus/one"):
        found = set()
        for name in os.listdir(self.path(corpus)):
            found.update(lines_of(self.path(corpus, name)))
        return found

    # ---- Kills ----

    def assert_nothing_is_lost(self):
        self.assertEqual(set(self.ledger("F")) - self.features(), set(), "inputs")
        findings = os.listdir(self.path("out/findings"))
        waiting = os.listdir(self.path("out/incoming/one"))
        inputs = {name for finding in findings
                  for name in os.listdir(self.path("out/findings", finding))}
        for name in self.ledger("A"):
            self.assertTrue("crash-" + name in waiting or "input-" + name in inputs or
                            self.is_one_of_many(name), "artifact " + name)
        for finding in findings:
            if not finding.startswith(".new-"):
                self.assert_finding_is_whole(finding)

    def is_one_of_many(self, name):
        """Of a finding that has its ten inputs, or been met with this very one before."""
        signature = f"bug/{int(name, 16) % 10}/sibling"
        folder = self.path("out/findings", slug(signature))
        return os.path.isdir(folder) and len(os.listdir(folder)) >= 12

    def assert_finding_is_whole(self, finding):
        with open(self.path("out/findings", finding, "finding.json"), encoding="utf-8") as file:
            record = json.load(file)
        self.assertEqual(finding, slug(record["signature"]))
        for name in (record["artifact"], record["report"]):
            self.assertTrue(os.path.getsize(self.path("out/findings", finding, name)) > 0, name)

    def test_kills_at_random_moments_lose_nothing(self):
        chance = random.Random(SEED)
        print(f"seed {SEED}, {KILLS} kills")
        slowest = 0
        for number in range(KILLS):
            before = len(self.ledger("S"))
            began = time.monotonic()
            process = self.start("--time=forever", "--reduce=1s")
            patience.wait_for(lambda: len(self.ledger("S")) > before or process.poll() is not None)
            self.assertIsNone(process.poll(), process.poll() and process.communicate())
            took = time.monotonic() - began
            slowest = max(slowest, took)
            # Now and then long enough for a finding to be kept and a corpus to be reduced.
            time.sleep(chance.uniform(1.0, 1.6) if number % 9 == 8 else chance.uniform(0, 0.25))
            process.kill()
            code, output, errors = self.finish(process)
            self.assertEqual(code, -signal.SIGKILL, output + errors)
            self.assert_nothing_is_lost()
        code, output, errors = self.finish_after_reduction()
        self.assertEqual(code, 1, output + errors)
        self.assert_nothing_is_lost()
        self.assertEqual(os.listdir(self.path("out/incoming/one")), [])
        for signature in self.ledger("R"):
            self.assert_finding_is_whole(slug(signature))
        self.assertGreater(len(self.ledger("R")), 3)
        stats = self.stats()
        self.assertGreater(stats[-1]["targets"]["one"]["reduced_to"], 0)
        self.assertEqual(stats[-1]["run"], KILLS + 1)
        self.assertTrue(stats[-1]["final"])
        elapsed = [line["elapsed"] for line in stats]
        self.assertEqual(elapsed, sorted(elapsed))
        print(f"from a start to its first process: at most {slowest:.2f} s")

    def test_a_half_written_line_of_figures_is_cut_off(self):
        os.makedirs(self.path("out"))
        line = {"time": 1.5, "run": 6, "elapsed": 100, "jobs": 1, "seed": 1, "findings": 0,
                "targets": {"one": {"execs": 1000, "ops": 5, "seconds": 90, "coverage": 700,
                                    "features": 3, "corpus": 2, "corpus_bytes": 9, "findings": 0,
                                    "reduced_to": 2},
                            "other": {"execs": 11}}}
        self.write("out/stats.jsonl", json.dumps(line) + '\n{"time": 17, "ru')
        self.assertNotEqual(self.finish(self.start("--time=1"))[0], 3)
        stats = self.stats()
        self.assertEqual(stats[0], line)
        self.assertEqual([one["run"] for one in stats[1:]], [7] * (len(stats) - 1))
        self.assertGreater(stats[-1]["elapsed"], 100.5)
        one = stats[-1]["targets"]["one"]
        self.assertGreater(one["execs"], 1000)
        self.assertGreater(one["seconds"], 90)
        self.assertEqual((one["coverage"], one["features"], one["ops"]), (700, 9, 5))
        self.assertEqual(one["corpus"], len(os.listdir(self.path("out/corpus/one"))))
        self.assertEqual(stats[-1]["targets"]["other"]["execs"], 11)

    def test_what_a_killed_run_has_left_is_removed(self):
        for folder in ("out/findings/.new-bug-1", "out/corpus/one", "out/incoming/one",
                       "out/reducing/one/picked"):
            os.makedirs(self.path(folder))
        for path in ("out/.rmapdiff-abc", "out/findings/.new-bug-1/report.txt",
                     "out/corpus/one/" + "0" * 40, "out/incoming/one/crash-" + "0" * 40):
            self.write(path, "")
        process = self.start("--time=1")
        patience.wait_for(lambda: self.ledger("S"))
        self.finish(process)
        for path in ("out/.rmapdiff-abc", "out/findings/.new-bug-1", "out/corpus/one/" + "0" * 40,
                     "out/reducing", "out/incoming/one/crash-" + "0" * 40):
            self.assertFalse(os.path.exists(self.path(path)), path)

    # ---- Set cover ----

    def corpus(self, folder, inputs):
        shutil.rmtree(self.path(folder), ignore_errors=True)
        os.makedirs(self.path(folder))
        for i in range(inputs):
            self.write(f"{folder}/{i:040d}", f"{i % FEATURES}\n")

    def reduce(self, seconds=int(patience.SECONDS), megabytes=2560):
        os.makedirs(self.path("incoming"), exist_ok=True)
        return subprocess.Popen(
            [RMAPDIFF, "--reduce", "corpus", "work", "incoming", str(seconds), str(megabytes),
             "bin/one_bin", "-timeout=25"], cwd=self.folder, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True)

    def merging(self):
        """The processes that are in a folder to work in."""
        for process in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{process}/cwd").startswith(self.path("work")):
                    return True
            except OSError:
                pass  # it has ended
        return False

    def test_a_corpus_is_reduced_to_what_reaches_as_much(self):
        self.corpus("corpus", 5 * FEATURES)
        self.write("merge_ends", f"echo new > {self.path('corpus', 'late')}\n")
        code, output, errors = self.finish(self.reduce())
        self.assertEqual(code, 0, errors)
        self.assertEqual(struct.unpack("=3Q", output), (5 * FEATURES, FEATURES, 0))
        self.assertEqual(len(os.listdir(self.path("corpus"))), FEATURES + 1)
        self.assertEqual(self.features("corpus"), {str(i) for i in range(FEATURES)} | {"new"})
        self.assertFalse(os.path.exists(self.path("work")))

    def test_what_was_begun_and_not_measured_stays_unless_it_is_an_artifact(self):
        self.corpus("corpus", 2 * FEATURES)
        names = sorted(os.listdir(self.path("corpus")))
        at = len(names) - 3
        lost, crashing, other = names[at:]
        self.write("merge_ends", f"""
            sed -i '/^FT {at} /d; /^FT {at + 1} /d' "$control"
            echo "Test unit written to ${{prefix}}crash-{name_of((at + 1) % FEATURES)}"
            """)
        code, output, errors = self.finish(self.reduce())
        self.assertEqual(code, 0, errors)
        self.assertEqual(struct.unpack("=3Q", output), (2 * FEATURES, FEATURES + 1, 1))
        left = os.listdir(self.path("corpus"))
        self.assertIn(lost, left)
        self.assertNotIn(crashing, left)
        self.assertNotIn(other, left)

    def test_killed_at_any_point_a_reduction_loses_nothing(self):
        many = 75 * FEATURES
        self.corpus("all", many)
        sizes = []
        for moment in range(40):
            shutil.rmtree(self.path("corpus"), ignore_errors=True)
            shutil.copytree(self.path("all"), self.path("corpus"), copy_function=os.link)
            process = self.reduce()
            if moment < 4:
                time.sleep(moment * 0.05)
            else:  # as files go
                while process.poll() is None and len(os.listdir(self.path("corpus"))) >= many:
                    time.sleep(0.0005)
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.finish(process)
            patience.wait_for(lambda: not self.merging())
            self.assertEqual(self.features("corpus"), {str(i) for i in range(FEATURES)})
            sizes.append(len(os.listdir(self.path("corpus"))))
            if sum(FEATURES < size < many for size in sizes) == 3:
                break
        else:
            self.fail(f"too few kills fell into the removal: {sizes}")
        self.finish(self.reduce())
        self.assertEqual(len(os.listdir(self.path("corpus"))), FEATURES)

    def test_what_libfuzzer_did_not_finish_it_did_not_do(self):
        self.corpus("corpus", 2 * FEATURES)
        not_measured = "did not measure the inputs, exit code "
        one_is_missing = (f"wrote {FEATURES - 1} whole inputs, expected {FEATURES} that it picked; "
                          r"is the disk full\?")
        for end, why in (("exit 1\n", not_measured + r"1, its last words: \(nothing\)"),
                         ("echo x\nkill -9 $$\n", not_measured + "137, its last words: x"),
                         ("sed -i /^STARTED/d\\;/^FT/d $control\n", not_measured + "0, .*"),
                         (": > $control\n", not_measured + "0, .*"),
                         ('picks=("$picked"/*)\nrm "${picks[7]}"\n', one_is_missing),
                         ('picks=("$picked"/*)\n: > "${picks[7]}"\n', one_is_missing)):
            self.write("merge_ends", end)
            code, _, errors = self.finish(self.reduce())
            self.assertEqual(code, 3)
            self.assertRegex(errors, r"(?m)^corpus: cannot be reduced: .*" + why + r"\n\Z")
            self.assertEqual(len(os.listdir(self.path("corpus"))), 2 * FEATURES)

    def test_a_reduction_has_limits_of_its_own(self):
        self.corpus("corpus", 2 * FEATURES)
        self.write("merge_ends", f"echo $$ > {self.path('merging')}\nsleep 1000\n")
        for limits, why in (((1, 2560), "takes longer than 1 s"),
                            ((1000, 1), "takes more than 1 MB")):
            self.write("merging", "")
            code, _, errors = self.finish(self.reduce(*limits))
            self.assertEqual((code, errors), (3, f"corpus: cannot be reduced: {why}\n"))
            self.assertEqual(len(os.listdir(self.path("corpus"))), 2 * FEATURES)
            patience.wait_for(lambda: not self.merging())
            for process in lines_of(self.path("merging")):
                patience.wait_for(lambda number=process: not os.path.exists(f"/proc/{number}"))

    def test_what_ends_the_target_as_it_merges_is_a_finding(self):
        self.write("merge_ends", 'echo input > "${prefix}crash-' + "b" * 40 + '"\n')
        self.corpus("out/corpus/one", 150)
        code, output, errors = self.finish_after_reduction()
        self.assertEqual(code, 1, output + errors)
        self.assertIn("FINDING one: unreproduced/abort: ", output)

    def test_a_killed_session_takes_its_merge_with_it(self):
        self.write("merge_ends", f"echo $$ > {self.path('merging')}\nsleep 60\n")
        self.corpus("out/corpus/one", 150)
        process = self.start("--time=forever", "--reduce=1s")
        patience.wait_for(lambda: os.path.exists(self.path("merging")) and
                          lines_of(self.path("merging")))
        merging = int(lines_of(self.path("merging"))[0])
        process.kill()
        self.finish(process)
        patience.wait_for(lambda: not os.path.exists(f"/proc/{merging}"))

    # ---- No room ----

    def test_a_full_disk_ends_it_with_a_line(self):
        os.mkdir(self.path("out"))
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "none",
                                  self.path("out")], capture_output=True, check=False)
        if mounted.returncode != 0:
            skip.skip_for("no-tmpfs", mounted.stderr.decode().strip())
        try:
            process = self.start("--time=forever")
            patience.wait_for(lambda: self.ledger("F"))
            self.write("out/ballast", "x" * (17 << 20))
            code, output, errors = self.finish(process)
            with open(self.path("out/summary.json"), encoding="utf-8") as file:
                found = json.load(file)["findings"] or "more in out/incoming" in errors
            self.assertEqual(code, 1 if found else 3, output + errors)
            self.assertRegex(errors, r"(?m)^out: the disk is full, 1\d MB are left, expected at "
                                     r"least 16\n\Z")
            self.assertTrue(self.stats()[-1]["final"])
            self.assertTrue(os.path.exists(self.path("out/summary.json")))
            self.assert_nothing_is_lost()
            code, _, errors = self.finish(self.start("--time=1"))
            self.assertEqual(code, 3)
            self.assertRegex(errors, r"\Aout: the disk is full, [^\n]*\n\Z")
            os.remove(self.path("out/ballast"))
            before = len(self.ledger("F"))
            process = self.start("--time=forever")
            patience.wait_for(lambda: process.poll() is not None or len(self.ledger("F")) > before)
            process.send_signal(signal.SIGINT)
            code, output, errors = self.finish(process)
            self.assertNotEqual(code, 3, output + errors)
        finally:
            subprocess.run(["umount", self.path("out")], check=True)

    def test_a_line_of_figures_that_does_not_fit_is_taken_back(self):
        os.mkdir(self.path("out"))
        line = json.dumps({"time": 1, "run": 1, "elapsed": 1, "filler": "x" * 39_800}) + "\n"
        self.write("out/stats.jsonl", line)
        process = self.start("--time=forever", preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (40_000, 40_000)))
        code, output, errors = self.finish(process)
        with open(self.path("out/summary.json"), encoding="utf-8") as file:
            found = json.load(file)["findings"] or "more in out/incoming" in errors
        self.assertEqual(code, 1 if found else 3, output + errors)
        self.assertRegex(errors, r"(?m)^out/stats.jsonl: cannot be written: (File too large|No "
                                 r"space left on device)\n\Z")
        with open(self.path("out/stats.jsonl"), encoding="utf-8") as file:
            self.assertEqual(file.read(), line)


if __name__ == "__main__":
    unittest.main()

"""Fuzzes one target with AFL++ for a while: it must start, run, find new paths, and find no fault.

What it finds is copied to $TEST_UNDECLARED_OUTPUTS_DIR. Exit code: 0 all is well, 1 otherwise.
"""

import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

# How much of what afl-fuzz printed is shown: its end, where it says why it stopped.
OUTPUT_LIMIT = 4000

COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x0e\x0f]")

# A test has no screen, cannot set up the machine, and wants every finding of a sanitizer to abort.
ENVIRONMENT = {
    "AFL_FORKSRV_INIT_TMOUT": "30000",
    "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1",
    "AFL_NO_AFFINITY": "1",
    "AFL_NO_UI": "1",
    "AFL_SKIP_CPUFREQ": "1",
    "ASAN_OPTIONS": "abort_on_error=1:symbolize=0:detect_leaks=0",
}


def read_stats(path):
    """The figures that afl-fuzz leaves behind, by name; empty if it has not come so far."""
    try:
        with open(path, encoding="utf-8") as lines:
            pairs = [line.partition(":") for line in lines]
    except FileNotFoundError:
        return {}
    return {name.strip(): value.strip() for name, _, value in pairs}


def judge(code, stats, seeds):
    """What is wrong, nothing if all is well."""
    if not stats:
        return [f"exit code {code}, and no figures: is the target built with --config=afl?"]
    crashes, hangs, inputs = (int(stats[name]) for name in (
        "saved_crashes", "saved_hangs", "corpus_count"))
    grown = f"expected more than the {seeds} seeds"
    checks = ((code == 0, f"exit code {code}, expected 0"),
              (crashes == 0, f"{crashes} crashes, expected none"),
              (hangs == 0, f"{hangs} inputs that hang, expected none"),
              (inputs > seeds, f"{inputs} inputs in the corpus, {grown}"))
    return [complaint for is_fine, complaint in checks if not is_fine]


def keep(found, outputs):
    """Copies what crashed or hung to where Bazel collects what a test leaves behind."""
    for path in glob.glob(f"{glob.escape(found)}/*/id:*") if outputs else ():
        kind, name = path.split("/")[-2:]
        if kind in ("crashes", "hangs"):
            # The names hold colons, which a zip for everybody may not.
            shutil.copyfile(path, os.path.join(outputs, f"{kind}-" + re.sub(r"\W", "-", name)))


def fuzz(args, scratch):
    """Runs afl-fuzz; returns exit code, output and figures."""
    # In a sandbox seeds are symbolic links, which afl-fuzz does not take.
    seeds, found = os.path.join(scratch, "seeds"), os.path.join(scratch, "found")
    shutil.copytree(args.corpus, seeds)
    command = ["afl-fuzz", "-V", str(args.seconds), "-m", "none", "-i", seeds, "-o", found]
    done = subprocess.run(
        [*command, "--", os.path.abspath(args.binary)], env={**os.environ, **ENVIRONMENT},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    found = os.path.join(found, "default")
    keep(found, os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR"))
    return (done.returncode, done.stdout.decode("utf-8", "replace"),
            read_stats(os.path.join(found, "fuzzer_stats")))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for flag in ("name", "binary", "corpus"):
        parser.add_argument("--" + flag, required=True)
    parser.add_argument("--seconds", type=int, default=60)
    args = parser.parse_args()
    if not shutil.which("afl-fuzz"):
        print(f"{args.name}: there is no afl-fuzz: tools/setup --for=engines")
        return 1
    with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as scratch:
        code, output, stats = fuzz(args, scratch)
    complaints = judge(code, stats, len(os.listdir(args.corpus)))
    for complaint in complaints:
        print(f"FAILED: {args.name}: {complaint}")
    if code != 0:
        print(COLOURS.sub("", output)[-OUTPUT_LIMIT:])
    print(f"{args.name}: " + ", ".join(
        f"{stats.get(name, '?')} {name}" for name in (
            "execs_done", "execs_per_sec", "corpus_count", "edges_found", "stability",
            "saved_crashes", "saved_hangs")))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())

"""The cost of `rmapdiff fuzz` over libFuzzer alone, as a ratio.

    bench/fuzz_overhead [--target=tiny_rmap_fuzzer] [--rounds=5] [--time=20]

Runs in turn the target under `rmapdiff fuzz` and the same target by itself. Both have the same
flags, the same seed and an empty corpus. The figures are programs per second of the processor time
of all processes, programs per second of the clock, and the session's own share of the processor
time. The last lines are the medians over all rounds, with their range. The clock stops a target, so
with the same seed it does not always do the same. On a busy machine only the last line means much.

Exit code: 0, or 3 if something cannot be built or run.
"""

import json
import os
import re
import resource
import statistics
import subprocess
import tempfile
import time

from tools.bazel_rules import replay
from tools.scripts.common.script import ROOT, Parser, duration, number, run_build, run_main


def build(target):
    """Returns the folder of the products."""
    names = [f"//fuzzers:{target}_{part}" for part in ("bin", "corpus", "options")]
    return run_build(ROOT, ["tools/cli/rmapdiff", "//tools/cli:rmapdiff",
                            "//fuzzers:fuzz_targets_list", *names])


def own_seconds(pid):
    """The processor time of the process itself, without its children; None if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(command, log=os.devnull):
    """Runs the command. Returns its seconds of the clock, of the processor, and of it alone.

    The second figure includes its children, the third does not. `log` gets its standard error.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    own = 0
    with open(log, "wb") as errors, \
            subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors) as process:
        while process.poll() is None:
            own = own_seconds(process.pid) or own
            time.sleep(0.05)
    clock = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock, (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime), own


class Rates:
    """Programs per second."""

    def __init__(self, execs, clock, processor, own):
        self.by_clock = execs / clock
        self.by_processor = execs / processor
        self.own_share = own / processor


def bin_folder(target, built, folder):
    """Makes a folder of the products with this target alone."""
    made = os.path.join(folder, "bin")
    os.makedirs(made)
    for name in (f"{target}_bin", f"{target}_corpus", f"{target}_options.options"):
        os.symlink(os.path.join(built, "fuzzers", name), os.path.join(made, name))
    with open(os.path.join(made, "fuzz_targets.txt"), "w", encoding="utf-8") as file:
        file.write(target + "\n")
    return made


def under_session(target, built, seconds, folder):
    """The target's rates, and the command line with which the session started it."""
    out = os.path.join(folder, "out")
    times = measured([
        os.path.join(built, "tools/cli/rmapdiff"), "fuzz",
        "--bin-dir=" + bin_folder(target, built, folder), "--dir=" + out, f"--time={seconds}s",
        "--jobs=1"])
    with open(os.path.join(out, "summary.json"), encoding="utf-8") as file:
        figures = json.load(file)["targets"][target]
    with open(os.path.join(out, "logs", target + "-0.log"), encoding="utf-8",
              errors="replace") as file:
        seed = re.search(r"^INFO: Seed: (\d+)$", file.read(), re.M)[1]
    return Rates(figures["execs"], *times), seed


def alone(target, built, seconds, seed, folder):
    made = bin_folder(target, built, folder)
    options = replay.read_options(os.path.join(made, target + "_options.options"))
    os.makedirs(os.path.join(folder, "corpus"))
    log = os.path.join(folder, "log")
    words = [os.path.join(made, target + "_bin"), "-timeout=25", "-report_slow_units=25",
             "-rss_limit_mb=2560", "-max_len=2056", "-reload=1", "-print_final_stats=1",
             "-artifact_prefix=" + folder + "/", f"-seed={seed}", f"-max_total_time={seconds}",
             *options, os.path.join(folder, "corpus"), os.path.join(made, target + "_corpus")]
    times = measured(words, log)
    with open(log, encoding="utf-8", errors="replace") as file:
        execs = int(re.search(r"number_of_executed_units:\s*(\d+)", file.read())[1])
    return Rates(execs, *times)


def summary(name, ratios):
    return (f"{name}: {statistics.median(ratios):.3f} of libFuzzer alone "
            f"({min(ratios):.3f} to {max(ratios):.3f})")


def main(arguments):
    parser = Parser("bench/fuzz_overhead", __doc__)
    parser.add_argument("--target", default="tiny_rmap_fuzzer")
    parser.add_argument("--rounds", type=number(1000), default=5, metavar="N")
    parser.add_argument("--time", type=duration, default=20, metavar="TIME",
                        help="for each of the two [20s]")
    words = parser.parse_args(arguments)
    built = build(words.target)
    by_processor, by_clock, own = [], [], []
    for count in range(1, words.rounds + 1):
        with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
            ours, seed = under_session(words.target, built, words.time, first)
            theirs = alone(words.target, built, words.time, seed, second)
        by_processor.append(ours.by_processor / theirs.by_processor)
        by_clock.append(ours.by_clock / theirs.by_clock)
        own.append(ours.own_share)
        print(f"round {count}: per second of the processor {ours.by_processor:.0f} and "
              f"{theirs.by_processor:.0f} alone, by the clock {ours.by_clock:.0f} and "
              f"{theirs.by_clock:.0f}", flush=True)
    print(summary("per second of the processor", by_processor))
    print(summary("per second by the clock", by_clock))
    print(f"of the processor, the session itself took {100 * statistics.median(own):.2f} % "
          f"({100 * min(own):.2f} to {100 * max(own):.2f})")
    return 0


if __name__ == "__main__":
    run_main("bench/fuzz_overhead", main)

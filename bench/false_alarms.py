"""Looks for findings in the unmodified MMUs. Each is a false alarm of a judge, or a bug.

A trial is one process. There are two ways to look:

  libfuzzer  the fuzz target as it is built for fuzzing, from an empty corpus, for --time of the
             processor: its corpus leads it to places that chance alone does not reach
  random     --programs random programs by a scout (fuzzers/scout_main.cc), without sanitizers: this
             runs several times as many programs a second

DIR gets each input with a finding, and trials.jsonl with a line for each trial. A line is appended
when its trial ends, and a run that was stopped goes on from there. The last line of the output is
one for the table of docs/finding-power.md.

Exit code: 0 no finding, 1 a finding, 2 wrong usage, 3 environment.
"""

import os

from tools.scripts.common import script
from tools.scripts.gate import build as gate_build
from tools.scripts.mutants import campaign, command, trial

TARGETS = ("tiny_mmu_fuzzer", "mmu_fuzzer", "direct_fuzzer", "dirty_log_fuzzer", "oom_fuzzer",
           "tiny_rmap_fuzzer", "rmap_fuzzer")
WHOLE_MMU = TARGETS[:5]
MAX_PROGRAMS = 10 ** 9
SECONDS_AN_HOUR = 3600


def parse_arguments(words):
    parser = script.Parser("bench/false_alarms", __doc__)
    parser.add_argument("--with", choices=("libfuzzer", "random"), default="libfuzzer", dest="way",
                        help="how to look [libfuzzer]")
    parser.add_argument("--target", action="append", choices=TARGETS, default=[],
                        help="can be repeated [those of a whole MMU]")
    parser.add_argument("--trials", type=script.number(10 ** 6), default=10, metavar="N",
                        help="of each target [10]")
    parser.add_argument("--time", type=script.duration, default=60, metavar="TIME",
                        help="of the processor, for a trial of libfuzzer [60s]")
    parser.add_argument("--programs", type=script.number(MAX_PROGRAMS), default=100000,
                        metavar="N", help="for a trial of random [100000]")
    parser.add_argument("--seed", type=script.number(2 ** 31), default=1, metavar="N",
                        help="of the first trial of each target [1]")
    parser.add_argument("--jobs", type=script.number(command.MAX_JOBS), default=os.cpu_count())
    parser.add_argument("--dir", type=script.not_empty, default="alarms-out", metavar="DIR",
                        help="for the records and what is found [alarms-out]")
    return parser.parse_args(words)


def build(options):
    """Returns the folder that bazel-bin would link to."""
    parts = ("options",) if options.way == "random" else ("bin", "options")
    labels = ["//fuzzers:scout"] * (options.way == "random") + [
        f"//fuzzers:{target}_{part}" for target in options.target for part in parts]
    return script.run_build(script.ROOT, [labels[0][2:].replace(":", "/"), *labels])


def tasks(options, built):
    """Trials round by round, so that a run that is stopped has tried every target."""
    fuzzers = os.path.join(built, "fuzzers")
    random = options.way == "random"
    made = []
    for count in range(options.trials):
        for target in options.target:
            fuzzed = gate_build.read_target(fuzzers, target)
            made.append(trial.Task(
                arm=options.way, mutant=target, seed=options.seed + count,
                binary="" if random else fuzzed.binary,
                scout=os.path.realpath(os.path.join(fuzzers, "scout")) if random else "",
                sanitized=0 if random else 100,
                flags=fuzzed.options + [f"-runs={options.programs}"] * random,
                target=target, keep=options.dir))
    return made


def limit(options):
    """The seconds of a trial. A trial of random ends by its count, unless a program never ends."""
    return options.time if options.way == "libfuzzer" else script.MAX_SECONDS


def revision():
    try:
        return script.output_of(["git", "describe", "--always", "--dirty", "--abbrev=7"],
                                cwd=script.ROOT).strip()
    except script.Failure:
        return "unknown"


def summary(records, options, tried):
    """A line for each target, and the row for docs/finding-power.md, which begins with `tried`."""
    lines = []
    for target in options.target:
        own = [one for one in records if one.mutant == target]
        lines.append(f"{target:<18} {len(own):>6,} trials {sum(one.execs for one in own):>12,} "
                     f"programs {sum(one.seconds for one in own) / SECONDS_AN_HOUR:>7.2f} "
                     f"core-hours {sum(one.found for one in own):>3} findings")
    lines += [f"FOUND {one.signature} by {one.mutant}, seed {one.seed}, {one.execs} programs"
              for one in records if one.found]
    hours = sum(one.seconds for one in records) / SECONDS_AN_HOUR
    lines.append(f"{tried} {sum(one.execs for one in records):,} | {hours:.2f} "
                 f"| {sum(one.found for one in records)} |")
    return "\n".join(lines)


def main(words):
    options = parse_arguments(words)
    options.target = options.target or list(WHOLE_MMU)
    os.makedirs(options.dir, exist_ok=True)
    built = build(options)
    tried = f"| {revision()} | `{' '.join(['bench/false_alarms', *words])}` |"
    records = campaign.run(tasks(options, built), limit(options), options.jobs,
                           os.path.join(options.dir, "trials.jsonl"), command.Progress())
    print(summary(records, options, tried))
    return script.FINDING if any(one.found for one in records) else script.DONE


if __name__ == "__main__":
    script.run_main("bench/false_alarms", main)

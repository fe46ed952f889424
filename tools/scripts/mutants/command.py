"""Hunts seeded faults and says how long each survives: the ground truth of the fuzz targets.

Each mutant of tests/mutants is built as the fuzz target that its heading names, and as a scout
without sanitizers. A trial lets both take turns on one core, until the fault is found or the time
is up. Each trial has another seed, and begins with an empty corpus unless --corpus=seeds. Times are
of the processor, of the whole mix, with the start of the programs.
Equivalent mutants must not be reported; they get a trial for every twenty.

DIR gets trials.jsonl (a line a trial, appended as they end: a run that was stopped goes on there),
table.txt and survival.svg.

With --as-gate it says instead whether the gate's own steps see each fault: the replay of the seeds,
then fuzzing with the gate's seed, shares and budget. DIR gets as_gate.jsonl, which is gone on with
likewise, and gate.json, the kill rate: docs/finding-power/gate.json with what was measured in place
of what it said.

Exit code: 0 every fault was found at least once, its engine named, and no equivalent mutant was
reported; with --as-gate: the gate sees every fault, but for those of which the kill rate says that
it does not; 1 otherwise; 2 wrong usage; 3 environment.
"""

import fnmatch
import glob
import os
import sys
import tempfile

from tests.mutants import mutants
from tools.scripts.common import maps
from tools.scripts.common.script import (DONE, FINDING, ROOT, USAGE, Failure, Parser, duration,
                                         not_empty, number, run_build, run_main, write_whole)
from tools.scripts.gate import build as gate_build, kill_rate
from tools.scripts.mutants import as_gate, campaign, survival_plot, table, trial

MUTANTS = os.path.join(ROOT, "tests", "mutants")
MAX_TRIALS, MAX_JOBS = 1000, 256
GATE_LIMIT = 3600  # seconds of the processor for one fault; its budget is of programs
OF_TRIALS = ("--trials", "--time", "--seed", "--corpus", "--sanitized")  # the gate has its own
TRIALS_PER_EQUIVALENT = 20


def parse_arguments(words):
    parser = Parser("rmapdiff mutants", __doc__,
                    "tools/rmapdiff mutants --only='sibling_*' --trials=3")
    parser.add_argument("--only", action="append", metavar="GLOB", default=[],
                        help="only these mutants; can be repeated [all]")
    parser.add_argument("--trials", type=number(MAX_TRIALS), default=1, metavar="N",
                        help="so many for each mutant [1]")
    parser.add_argument("--time", type=duration, default=60, metavar="TIME",
                        help="of the processor, for each trial: 90, 90s, 10m, 2h [60s]")
    parser.add_argument("--jobs", type=number(MAX_JOBS), default=os.cpu_count(), metavar="N",
                        help="so many trials at a time [the CPUs]")
    parser.add_argument("--seed", type=number(2 ** 31), default=1, metavar="N",
                        help="of the first trial; the next ones have the next [1]")
    parser.add_argument("--corpus", choices=("empty", "seeds"), default="empty",
                        help="where each trial begins [empty]")
    parser.add_argument("--sanitized", type=number(100), default=trial.SANITIZED_PERCENT,
                        metavar="PERCENT",
                        help="of a trial's time for the fuzz target with sanitizers; a scout has "
                             f"the rest [{trial.SANITIZED_PERCENT}]")
    parser.add_argument("--dir", type=not_empty, default="mutants-out", metavar="DIR",
                        help="for the records and the plot [mutants-out]")
    maps.add_option(parser)
    parser.add_argument("--as-gate", action="store_true",
                        help="ask whether the steps of `rmapdiff gate` see each fault")
    parser.add_argument("--counted", action="store_true",
                        help="only the mutants that the gate's kill rate counts")
    options = parser.parse_args(words)
    maps.choose(options.maps)
    given = [word.split("=")[0] for word in words if word.split("=")[0] in OF_TRIALS]
    if options.as_gate and given:
        parser.error(f"{given[0]} is of trials, expected none with --as-gate")
    if options.counted:
        options.only += [fault.name for fault in kill_rate.read(ROOT).faults]
    return options


def select(globs):
    """The mutants whose names match one of the globs, in order; all if there are none."""
    known = [mutants.read(patch) for patch in sorted(glob.glob(os.path.join(MUTANTS, "*.patch")))]
    for pattern in globs:
        if not any(fnmatch.fnmatchcase(mutant.name, pattern) for mutant in known):
            raise Failure(USAGE, f"--only: no mutant is called '{pattern}', see tests/mutants")
    return [mutant for mutant in known
            if not globs or any(fnmatch.fnmatchcase(mutant.name, glob) for glob in globs)]


def build(chosen, sanitized):
    """Builds the programs of the mutants, a scout if it has a share of the time, and what their own
    targets are run with; returns the folder that bazel-bin would stand for."""
    parts = ("", "_scout") if sanitized < 100 else ("",)
    targets = sorted({mutant.fields["Target"] for mutant in chosen})
    labels = [f"//tests/mutants:{mutant.name}{part}" for mutant in chosen for part in parts]
    for target in targets:
        labels += [f"//fuzzers:{target}_{part}" for part in ("bin", "options", "corpus")]
    return run_build(ROOT, [f"tests/mutants/{chosen[0].name}", "--keep_going", *labels])


def trials_of(mutant, trials):
    if mutant.fields["Equivalent"] == "no":
        return trials
    return -(-trials // TRIALS_PER_EQUIVALENT)


def make_tasks(chosen, options, built):
    fuzzers = os.path.join(built, "fuzzers")
    targets = {name: gate_build.read_target(fuzzers, name)
               for name in {mutant.fields["Target"] for mutant in chosen}}
    tasks = []
    for count in range(options.trials):
        for mutant in chosen:
            if count >= trials_of(mutant, options.trials):
                continue
            target = targets[mutant.fields["Target"]]
            program = os.path.join(built, "tests", "mutants", mutant.name)
            tasks.append(trial.Task(
                arm=options.corpus, mutant=mutant.name, seed=options.seed + count,
                binary=os.path.realpath(program), sanitized=options.sanitized,
                scout=os.path.realpath(program + "_scout") if options.sanitized < 100 else "",
                flags=target.options, env=None,
                seeds=target.seeds if options.corpus == "seeds" else None,
                target=target.name, clean=target.binary))
    return tasks


class Progress:
    """A line that is written over on a terminal; else one line for every tenth."""

    def __init__(self):
        self._terminal = sys.stderr.isatty()
        self._tenth = 0

    def __call__(self, record, done, all_tasks):
        line = f"{done}/{all_tasks} trials, {record.mutant}"
        if self._terminal:
            print(f"\r\033[K{line}", end="\n" if done == all_tasks else "", file=sys.stderr,
                  flush=True)
        elif done * 10 // all_tasks > self._tenth:
            self._tenth = done * 10 // all_tasks
            print(line, file=sys.stderr, flush=True)


def build_as_gate(chosen):
    """Builds the mutants, and the seeds and options of all fuzz targets, but not these; returns the
    folder that bazel-bin would stand for."""
    targets = sorted(mutants.PROGRAMS)
    return run_build(ROOT, [
        f"tests/mutants/{chosen[0].name}", "--keep_going", "//fuzzers:fuzz_targets_list",
        *(f"//tests/mutants:{mutant.name}{part}" for mutant in chosen for part in ("", "_scout")),
        *(f"//fuzzers:{target}_{part}" for target in targets for part in ("options", "corpus"))])


def measure_as_gate(chosen, options, built):
    """The faults of the chosen mutants, by the gate's own steps."""
    rate = kill_rate.read(ROOT)
    targets = {mutant.name: mutant.fields["Target"] for mutant in select([])
               if mutant.fields["Equivalent"] == "no"}
    with open(os.path.join(ROOT, kill_rate.MEDIANS), encoding="utf-8") as file:
        medians = kill_rate.medians(file.read())
    rate = rate._replace(needs=kill_rate.needs(medians, targets))
    with tempfile.TemporaryDirectory(prefix="rmapdiff-as-gate-") as scratch:
        records = campaign.go_on(
            as_gate.make_tasks(chosen, rate, built, GATE_LIMIT),
            lambda one: (one.mutant, one.state),
            lambda task: as_gate.look(task, ROOT, os.path.join(scratch, task.mutant)),
            as_gate.Record, os.path.join(options.dir, as_gate.RECORDS), options.jobs, Progress())
    faults = [as_gate.fault_of(record, targets[record.mutant], medians, rate.slow)
              for record in records]
    return rate, faults


def main_as_gate(options):
    chosen = [mutant for mutant in select(options.only) if mutant.fields["Equivalent"] == "no"]
    if not chosen:
        raise Failure(USAGE, "--only: all of these are equivalent, expected a fault")
    os.makedirs(options.dir, exist_ok=True)  # before the build, which takes hours
    built = build_as_gate(chosen)
    rate, faults = measure_as_gate(chosen, options, built)
    merged = as_gate.merge(rate, faults)
    write_whole(os.path.join(options.dir, "gate.json"), kill_rate.text_of(merged))
    print(as_gate.table(faults) + "\n" + kill_rate.sentence(merged._replace(faults=faults)))
    lost = as_gate.lost(rate, faults)
    if lost:
        print(f"not seen, though the kill rate does not say so: {', '.join(lost)}")
    return FINDING if lost else DONE


def main(words):
    options = parse_arguments(words)
    if options.as_gate:
        return main_as_gate(options)
    chosen = select(options.only)
    os.makedirs(options.dir, exist_ok=True)  # before the build, which takes hours
    built = build(chosen, options.sanitized)
    records = campaign.run(make_tasks(chosen, options, built), options.time, options.jobs,
                           os.path.join(options.dir, "trials.jsonl"), Progress())
    summary = table.summarize(chosen, records, options.time)
    text = table.text(summary)
    write_whole(os.path.join(options.dir, "table.txt"), text)
    survival_plot.write(os.path.join(options.dir, "survival.svg"),
                        {"all faults": table.fault_trials(chosen, records)}, options.time)
    print(text, end="")
    return DONE if table.all_well(summary) else FINDING


if __name__ == "__main__":
    run_main("rmapdiff mutants", main)

"""Measures each search technique, mixes of scouts and sanitizers, and the peers on seeded faults.

Each arm tries each fault of the sample --trials times, from an empty corpus. All arms use the same
seeds:

  all           the mix as `rmapdiff mutants` has it: the fuzz target and its scout
  sanitized-N   a mix in which N percent of the time are for the fuzz target; with 100 there is no
                scout
  no-TECHNIQUE  without one of its techniques (fuzzers/search/techniques.h)
  half-len, double-len
                with half and twice the -max_len of its options
  len-control   with libFuzzer's growing limit, which a custom mutator switches off
  plain         libFuzzer on bytes: no mutator of ours
  afl           AFL++ on bytes, persistent mode
  rapidcheck    a RapidCheck state machine (bench/peers)

Three figures compare an arm with `all`: the ratio of the restricted mean survival times (above 1:
`all` is quicker), Vargha and Delaney's A12 (above 0.5: the same) and the p-value of the
Mann-Whitney test. Times are of the processor. AFL++ spreads over processes, so its times are of the
clock.

Exit code: 0 done, 2 wrong usage, 3 environment.
"""

import os
import re

from tools.scripts.common import script
from tools.scripts.gate import build as gate_build
from tools.scripts.mutants import campaign, command, survival, survival_plot, trial

TECHNIQUES = ("bytes", "boundary", "fresh", "plan", "repeat", "retarget",
              "splice", "swarm")
LENGTHS = ("double-len", "half-len", "len-control")
MIXES = ("sanitized-100", "sanitized-50", "sanitized-33", "sanitized-12")
MIX = re.compile(r"sanitized-(100|[1-9][0-9]?)")
PEERS = ("plain", "afl", "rapidcheck")
SAMPLE = os.path.join(script.ROOT, "bench", "search_sample.txt")


def read_sample():
    with open(SAMPLE, encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def arms_of(words):
    """The arms to run, `all` first; raises Failure."""
    techniques = ["all"] + ["no-" + technique for technique in TECHNIQUES]
    known = techniques + list(LENGTHS) + list(PEERS)
    names = {"techniques": techniques, "lengths": ["all", *LENGTHS], "mixes": ["all", *MIXES],
             "peers": ["all", *PEERS]}
    arms = names.get(words, ["all"] + [arm for arm in words.split(",") if arm != "all"])
    for arm in arms:
        if arm not in known and not MIX.fullmatch(arm):
            raise script.Failure(script.USAGE, f"--arms: no arm '{arm}', expected techniques, "
                                 f"lengths, mixes, peers or some of {', '.join(known)}, "
                                 "sanitized-N")
    return arms


def sanitized(arm):
    """Percent of the time for the program of the arm; the rest is for a scout."""
    mix = MIX.fullmatch(arm)
    if mix:
        return int(mix[1])
    return 100 if arm in PEERS else trial.SANITIZED_PERCENT


def target(arm, mutant):
    """The target of tests/mutants that an arm runs."""
    return mutant.name + {"plain": "_plain", "afl": "_plain",
                          "rapidcheck": "_rapidcheck"}.get(arm, "")


def binary(arm, mutant, built):
    """The path of the target. `built` is the result of `build`."""
    folder = built["afl" if arm == "afl" else "all"]
    return os.path.realpath(os.path.join(folder, "tests", "mutants", target(arm, mutant)))


def build(mutants, arms):
    """Builds the programs of the arms; raises Failure. Returns the folders of the products by name.

    "all" is the folder that bazel-bin would link to. AFL++ has another compiler, and so another
    folder: "afl".
    """
    if set(arms) & set(PEERS):
        script.set_up(script.ROOT, "peers")
    labels = {f"//tests/mutants:{target(arm, mutant)}" for mutant in mutants
              for arm in arms if arm != "afl"}
    labels |= {f"//tests/mutants:{mutant.name}_scout" for mutant in mutants
               for arm in arms if sanitized(arm) < 100}
    labels |= {f"//fuzzers:{mutant.fields['Target']}_{part}" for mutant in mutants
               for part in ("bin", "options")}
    first = next(label for label in sorted(labels) if label.startswith("//tests/mutants:"))
    product = first[2:].replace(":", "/")
    built = {"all": script.run_build(script.ROOT, [product, "--keep_going", *sorted(labels)])}
    if "afl" in arms:
        built["afl"] = script.run_build(script.ROOT, [
            "--apart=afl", f"tests/mutants/{target('afl', mutants[0])}", "--keep_going",
            *(f"//tests/mutants:{target('afl', mutant)}" for mutant in mutants)])
    return built


def flags_of(arm, flags):
    """The target's flags, changed for the arm."""
    # The targets' options switch techniques off for our search. A peer keeps its defaults.
    if arm in PEERS:
        return [flag for flag in flags if not flag.startswith(("-entropic", "-use_cmp"))]
    if arm == "len-control":
        return flags + ["-len_control=100"]
    if arm not in LENGTHS:
        return flags
    name = "-max_len="
    length = next(int(flag[len(name):]) for flag in flags if flag.startswith(name))
    return [flag for flag in flags if not flag.startswith(name)] + [
        f"{name}{length * 2 if arm == 'double-len' else length // 2}"]


def task(arm, mutant, seed, flags, built, without=()):
    flags = flags_of(arm, flags)
    off = ["no-" + technique for technique in without] + [arm] * arm.startswith("no-")
    env = {"RMAPDIFF_SEARCH": ",".join(off)} if off else None
    share = sanitized(arm)
    scout = os.path.join(built["all"], "tests", "mutants", mutant.name + "_scout")
    clean = os.path.join(built["all"], "fuzzers", mutant.fields["Target"] + "_bin")
    return trial.Task(arm, mutant.name, seed, binary(arm, mutant, built), flags, env,
                      {"afl": trial.AFL}.get(arm), mutant.fields["Target"],
                      clean="" if arm in PEERS else os.path.realpath(clean),
                      scout=os.path.realpath(scout) if share < 100 else "", sanitized=share)


def table(records, arms, limit):
    lines = [f"{'arm':<14} {'found':>9} {'median':>7} {'mean':>7}  {'95 % confidence':<16} "
             f"{'ratio':>6} {'A12':>5} {'p':>8}"]
    trials = {arm: [(one.seconds, one.found) for one in records if one.arm == arm]
              for arm in arms}
    for arm in arms:
        mean = survival.restricted_mean(trials[arm], limit)
        median = survival.median_time(trials[arm])
        found = sum(was_found for _, was_found in trials[arm])
        compared = survival.compare(trials[arm], trials["all"], limit)
        shown = "-" if median is None else f"{median:.2f}"
        lines.append(f"{arm:<14} {found:>4}/{len(trials[arm]):<4} {shown:>7} {mean.seconds:>7.2f}"
                     f"  {mean.low:>6.2f} to {mean.high:<6.2f} {compared.ratio:>6.2f} "
                     f"{compared.a12:>5.2f} {compared.p:>8.2g}")
    return "\n".join(lines) + "\n"


def parse_arguments(words):
    parser = script.Parser("bench/search_ab", __doc__)
    parser.add_argument("--arms", default="techniques", metavar="ARMS",
                        help="techniques, lengths, mixes, peers, or names with commas [techniques]")
    parser.add_argument("--without", action="append", choices=TECHNIQUES, default=[],
                        help="switched off in every arm, `all` too; can be repeated [none]")
    parser.add_argument("--only", action="append", metavar="GLOB", default=[],
                        help="only these mutants [those of bench/search_sample.txt]")
    parser.add_argument("--trials", type=script.number(command.MAX_TRIALS), default=20)
    parser.add_argument("--time", type=script.duration, default=60, metavar="TIME",
                        help="for each trial [60s]")
    parser.add_argument("--jobs", type=script.number(command.MAX_JOBS), default=os.cpu_count())
    parser.add_argument("--dir", type=script.not_empty, default="search-out", metavar="DIR",
                        help="for the records and the plot [search-out]")
    return parser.parse_args(words)


def main(words):
    options = parse_arguments(words)
    arms = arms_of(options.arms)
    mutants = command.select(options.only or read_sample())
    built = build(mutants, arms)
    os.makedirs(options.dir, exist_ok=True)
    targets = {mutant.fields["Target"] for mutant in mutants}
    fuzzers = os.path.join(built["all"], "fuzzers")
    flags = {name: gate_build.read_target(fuzzers, name).options for name in targets}
    tasks = [task(arm, mutant, seed, flags[mutant.fields["Target"]], built, options.without)
             for seed in range(1, options.trials + 1) for mutant in mutants for arm in arms]
    records = campaign.run(tasks, options.time, options.jobs,
                           os.path.join(options.dir, "trials.jsonl"), command.Progress())
    text = table(records, arms, options.time)
    script.write_whole(os.path.join(options.dir, "table.txt"), text)
    survival_plot.write(
        os.path.join(options.dir, "survival.svg"),
        {arm: [(one.seconds, one.found) for one in records if one.arm == arm] for arm in arms},
        options.time)
    print(f"{len(mutants)} faults, {options.trials} trials of {options.time} s each")
    print(text, end="")
    return script.DONE


if __name__ == "__main__":
    script.run_main("bench/search_ab", main)

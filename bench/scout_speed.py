"""Compares the checked operations per second of scouts with those of the sanitized targets.

Each target has one fixed set of programs, of its scout. The sanitized target and the scout run the
set in turn, with the same judges. Times are of the processor, with the start of the program.

The last columns are of the mix of `tools/fuzz`: operations per second over those of the sanitized
target alone.

Exit code: 0 done, 2 wrong usage, 3 environment.
"""

import os
import statistics
import tempfile

from bench import false_alarms
from tools.scripts.common import processor, script
from tools.scripts.gate import build as gate_build
from tools.scripts.mutants import trial

RUNS = 300  # programs, of which the scout keeps two thirds
LIMIT = 600  # seconds


def parse_arguments(words):
    parser = script.Parser("bench/scout_speed", __doc__)
    parser.add_argument("--target", action="append", choices=false_alarms.TARGETS, default=[],
                        help="can be repeated [all that run programs]")
    parser.add_argument("--rounds", type=script.number(100), default=3, metavar="N",
                        help="how often each runs the set [3]")
    parser.add_argument("--sanitized", type=script.number(100), default=trial.SANITIZED_PERCENT,
                        metavar="PERCENT", help="of the time of the mix for the sanitized target "
                        f"[{trial.SANITIZED_PERCENT}]")
    return parser.parse_args(words)


def build(targets):
    """Returns the folder of the fuzz targets and of the scout."""
    labels = ["//fuzzers:scout", *(f"//fuzzers:{target}_{part}" for target in targets
                                   for part in ("bin", "options"))]
    return os.path.join(script.run_build(script.ROOT, ["fuzzers/scout", *labels]), "fuzzers")


def _rate(command, folder):
    """Operations per second of a command that keeps live counters."""
    stats = os.path.join(folder, "stats")
    if os.path.exists(stats):
        os.remove(stats)
    log = os.path.join(folder, "log")
    code, seconds = processor.run(command, LIMIT, log,
                                  env={**os.environ, "RMAPDIFF_STATS": stats})
    if code != 0:
        raise script.Failure(script.ENVIRONMENT, f"{command[0]}: exit code {code}")
    return trial.read_counts(stats).ops / seconds


def measure(target, rounds, folder):
    """(operations per second of the sanitized target, of the scout), each a median."""
    programs = os.path.join(folder, "programs")
    os.mkdir(programs)
    scout = [target.scout, target.name, *target.options]
    _rate([*scout, f"-runs={RUNS}", f"-hand_over={programs}", "-hand_over_gap=1"], folder)
    files = sorted(os.path.join(programs, name) for name in os.listdir(programs))
    rates = [(_rate([target.binary, *target.options, "-runs=0", programs], folder),
              _rate([*scout, *files], folder)) for _ in range(rounds)]
    return tuple(statistics.median(one) for one in zip(*rates))


def over_sanitized(sanitized, scout, percent):
    """Operations per second of the mix over those of the sanitized target alone."""
    return (percent + (100 - percent) * scout / sanitized) / 100


def table(rows, percent):
    """rows: {target: the result of measure}."""
    lines = [f"{'target':<18} {'sanitized':>10} {'scout':>10} {'ratio':>6} {f'{percent} % mix':>9}"]
    ratios = []
    for name, (sanitized, scout) in rows.items():
        ratios.append(over_sanitized(sanitized, scout, percent))
        lines.append(f"{name:<18} {sanitized:>10,.0f} {scout:>10,.0f} {scout / sanitized:>6.2f} "
                     f"{ratios[-1]:>9.2f}")
    lines.append(f"{'median':<18} {'':>10} {'':>10} {'':>6} {statistics.median(ratios):>9.2f}")
    return "\n".join(lines)


def main(words):
    options = parse_arguments(words)
    names = options.target or list(false_alarms.TARGETS)
    built = build(names)
    rows = {}
    for name in names:
        with tempfile.TemporaryDirectory(prefix="rmapdiff-scout-speed-") as folder:
            rows[name] = measure(gate_build.read_target(built, name), options.rounds, folder)
    print(table(rows, options.sanitized))
    return script.DONE


if __name__ == "__main__":
    script.run_main("bench/scout_speed", main)

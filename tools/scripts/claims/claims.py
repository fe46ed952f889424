"""Measures what the patch promises and what it admits, and writes it down.

Everything is measured on optimised builds of the sources that are tested: times by Google
Benchmark, the maps taking turns; instructions by callgrind, where a clock is too noisy; memory and
allocations by counters; complexity by pmccabe. The results go to DIR/results.json, the tables into
docs/claims.md and docs/claims/all_figures.md between their markers, the plots to docs/claims/*.svg.
The verdicts are printed. A file is replaced as a whole, or not at all.

Exit code: 0 done, 1 a measurement failed, 2 wrong usage, 3 environment (programs that cannot be
built).
"""

import argparse
import json
import os
import signal
import sys
import tempfile

from tools.scripts.claims import document, measure, plots, results as results_lib, tables, verdicts
from tools.scripts.common.script import (ENVIRONMENT, FINDING as FAILED, ROOT, USAGE, Failure,
                                         run_build, set_up, write_whole)

DOCUMENTS = ("docs/claims.md", "docs/claims/all_figures.md")
FORMAT = "rmapdiff-claims-1"


def repetitions(word):
    if not word.isdigit() or not 1 <= int(word) <= 1000:
        raise argparse.ArgumentTypeError(f"'{word}', expected a number from 1 to 1000")
    return int(word)


def parse_args(words):
    parser = argparse.ArgumentParser(
        prog="tools/claims", description=__doc__, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", metavar="DIR", default="claims-report",
                        help="for the raw results [claims-report]")
    parser.add_argument("--repetitions", metavar="N", type=repetitions, default=15,
                        help="of each time [15]")
    parser.add_argument("--render", action="store_true",
                        help="measure nothing: write down what DIR/results.json has")
    parser.add_argument("--print", action="store_true",
                        help="only print the verdicts, leave the documents as they are")
    return parser.parse_args(words)


def say(text):
    print(f"claims: {text}", file=sys.stderr, flush=True)


def build():
    """Builds the programs; returns their folder, by a path that no other build moves."""
    set_up(ROOT, "claims")
    targets = ["//bench:rmap_bench", "//bench:rmap_steps", "//bench:rmap_facts"]
    return os.path.join(run_build(ROOT, ["bench/rmap_bench", *targets]), "bench")


def collect(built, folder, count):
    """Runs every measurement, one after the other: they must not disturb each other."""
    raw = {"format": FORMAT, "repetitions": count, "machine": measure.machine()}
    say("sizes")
    raw["sizes"] = measure.measure_sizes(ROOT)
    say("memory and allocations")
    raw["facts"] = json.loads(measure.run([os.path.join(built, "rmap_facts")]))
    say("instructions, by callgrind")
    raw["steps"] = measure.measure_steps(os.path.join(built, "rmap_steps"), folder)
    say(f"times, {count} repetitions")
    raw["times"], raw["fits"] = measure.measure_times(
        os.path.join(built, "rmap_bench"), count, os.path.join(folder, "bench.json"))
    return raw


def load(path):
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # a pipe would be waited for
            raise ValueError("expected a file")
        with open(path, encoding="utf-8") as file:
            raw = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise Failure(USAGE, f"{path}: cannot be read: {error}") from error
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise Failure(USAGE, f"{path}: expected format {FORMAT}, of tools/claims")
    return raw


def obtain(args):
    """The raw results: measured, and kept, or those of an earlier run."""
    path = os.path.join(args.dir, "results.json")
    if args.render:
        return load(path)
    built = build()
    os.makedirs(args.dir, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="claims.") as scratch:
        raw = collect(built, scratch, args.repetitions)
    write_whole(path, json.dumps(raw, indent=1) + "\n")
    return raw


def write_documents(results):
    """Fills the documents; nothing is written before everything is made."""
    parts = {name: make(results) for name, make in tables.PARTS.items()}
    filled = {}
    for path in DOCUMENTS:
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            text = file.read()
        wanted = document.names(text)
        filled[path] = document.fill(text, {name: parts.pop(name) for name in wanted
                                            if name in parts})
    if parts:
        raise document.BadDocument(f"no document has a place for {', '.join(sorted(parts))}")
    plots.draw(results, os.path.join(ROOT, "docs/claims"))
    for path, text in filled.items():
        write_whole(os.path.join(ROOT, path), text)


def write_down(results, args):
    for found in verdicts.judge(results):
        print(f"{found.verdict:15} {found.claim}\n{'':15} {found.figure}")
    if not args.print:
        write_documents(results)
    return 0


def run(args):
    raw = obtain(args)
    if not args.render:
        return write_down(results_lib.Results(raw), args)
    try:
        return write_down(results_lib.Results(raw), args)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        path = os.path.join(args.dir, "results.json")
        raise Failure(USAGE, f"{path}: is damaged, expected results as tools/claims writes them: "
                             f"{type(error).__name__} {error}") from error


def main():
    args = parse_args(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        return run(args)
    except Failure as error:
        say(error)
        return error.code
    except (measure.Failure, document.BadDocument) as error:
        say(error)
        return FAILED
    except OSError as error:
        say(error)
        return ENVIRONMENT
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())

"""Measures what the patch promises and what it admits, and writes it down.

Everything is measured on optimised builds of the sources that are tested: times by Google
Benchmark, the maps taking turns; instructions by callgrind, where a clock is too noisy; memory and
allocations by counters; complexity by pmccabe. The results go to DIR/results.json, the tables into
docs/claims.md and docs/claims/all_figures.md between their markers, the plots to docs/claims/*.svg.
The verdicts are printed. A file is replaced as a whole, or not at all.

Exit code: 0 done, 1 a measurement failed, 2 wrong usage, 3 environment (programs that cannot be
built).
"""

import json
import os
import sys
import tempfile

from tools.scripts.claims import document, measure, plots, results as results_lib, tables, verdicts
from tools.scripts.common.script import (FINDING as FAILED, ROOT, USAGE, Failure, Parser,
                                         end_in_order, not_empty, number, run_build, run_main,
                                         set_up, write_whole)

DOCUMENTS = ("docs/claims.md", "docs/claims/all_figures.md")
FORMAT = "rmapdiff-claims-1"
RESULTS = "results.json"  # in DIR


def parse_args(words):
    parser = Parser("tools/claims", __doc__)
    parser.add_argument("--dir", type=not_empty, metavar="DIR", default="claims-report",
                        help="for the raw results [claims-report]")
    parser.add_argument("--repetitions", metavar="N", type=number(1000), default=15,
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


def load(name):
    try:
        if os.path.exists(name) and not os.path.isfile(name):  # a pipe would be waited for
            raise ValueError("expected a file")
        with open(name, encoding="utf-8") as file:
            raw = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise Failure(USAGE, f"{name}: cannot be read: {error}") from error
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise Failure(USAGE, f"{name}: expected format {FORMAT}, of tools/claims")
    return raw


def obtain(args):
    """The raw results: measured, and kept, or those of an earlier run."""
    kept = os.path.join(args.dir, RESULTS)
    if args.render:
        return load(kept)
    built = build()
    os.makedirs(args.dir, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="claims.") as scratch:
        raw = collect(built, scratch, args.repetitions)
    write_whole(kept, json.dumps(raw, indent=1) + "\n")
    return raw


def write_documents(results):
    """Fills the documents; nothing is written before everything is made."""
    parts = {name: make(results) for name, make in tables.PARTS.items()}
    filled = {}
    for name in DOCUMENTS:
        with open(os.path.join(ROOT, name), encoding="utf-8") as file:
            text = file.read()
        filled[name] = document.fill(text, {part: parts.pop(part) for part in document.names(text)
                                            if part in parts})
    if parts:
        raise Failure(FAILED, f"no document has a place for {', '.join(sorted(parts))}")
    plots.draw(results, os.path.join(ROOT, "docs/claims"))
    for name, text in filled.items():
        write_whole(os.path.join(ROOT, name), text)


def write_down(results, args):
    for found in verdicts.judge(results):
        print(f"{found.verdict:15} {found.claim}\n{'':15} {found.figure}")
    if not args.print:
        write_documents(results)
    return 0


def main(words):
    args = parse_args(words)
    end_in_order()
    results = results_lib.Results(obtain(args))
    try:
        return write_down(results, args)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        if not args.render:
            raise
        raise Failure(USAGE, f"{os.path.join(args.dir, RESULTS)}: is damaged, expected results as "
                             f"tools/claims writes them: {type(error).__name__} {error}") from error


if __name__ == "__main__":
    run_main("tools/claims", main)

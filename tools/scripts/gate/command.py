"""Says whether a change may go in, and proves that it would have noticed.

Replays every seed and regression on every fuzz target, has a seeded fault caught, sees the
sanitizers at work, and fuzzes the targets that the change affects, with a fixed seed. Findings that
the base revision has as well are listed as old, and do not make it fail. The last line states the
proof.

An empty corpus, a target that executes nothing, a sanitizer that is missing or not fatal, a canary
that is not caught: each makes it fail, because then nothing is proved.

Exit code: 0 nothing new was found, 1 a finding, 2 wrong usage, 3 environment (it cannot be built,
or proves nothing), 4 internal error.
"""

import argparse
import json
import os
import shlex

from tools.scripts.common import maps
from tools.scripts.common.script import (ENVIRONMENT, ROOT, USAGE, Failure, Parser,
                                         check_writable, duration, not_empty, number, output_of,
                                         run_main, write_whole)
from tools.scripts.gate import junit, kill_rate, sarif
from tools.scripts.gate.gate import Gate

MAX_JOBS, MAX_SEED, MAX_PROGRAMS = 256, 2 ** 31, 10 ** 9
LIMIT = 3600  # seconds: a machine that is thirty times slower still has a verdict


def revision(word):
    if not word or word.startswith("-"):
        raise argparse.ArgumentTypeError(f"'{word}': expected a revision like origin/main")
    return word


def parse_arguments(words):
    parser = Parser("rmapdiff gate", __doc__,
                    "tools/rmapdiff gate --base=origin/main --sarif=gate.sarif")
    parser.add_argument("--base", type=revision, metavar="REV",
                        help="fuzz what has changed since this revision, and tell what it has as "
                             "well from what is new [fuzz everything]")
    usual = kill_rate.read(ROOT)
    parser.add_argument("--budget", type=number(MAX_PROGRAMS), default=usual.programs, metavar="N",
                        help="programs of fuzzing under sanitizers, shared by the targets as "
                             "their slowest faults need; scouts have three quarters of it, and "
                             f"run four programs for each [{usual.programs}]")
    parser.add_argument("--limit", type=duration, default=LIMIT, metavar="TIME",
                        help="of the processor, for the fuzzing of each target; one that cannot "
                             "run its programs in it proves nothing: 90, 90s, 10m, 2h "
                             f"[{LIMIT // 60}m]")
    parser.add_argument("--seed", type=number(MAX_SEED), default=usual.seed, metavar="N",
                        help=f"where all pseudo-random choices begin [{usual.seed}]")
    parser.add_argument("--jobs", type=number(MAX_JOBS), default=os.cpu_count(), metavar="N",
                        help="so many processes at a time [the CPUs]")
    maps.add_option(parser)
    parser.add_argument("--corpus", type=not_empty, metavar="DIR",
                        help="begin with the programs in DIR/TARGET as well: the corpus of a long "
                             "run of tools/fuzz")
    parser.add_argument("--dir", type=not_empty, default="gate-out", metavar="DIR",
                        help="for findings; those of an earlier gate are removed [gate-out]")
    parser.add_argument("--sarif", type=not_empty, metavar="FILE", help="write a SARIF 2.1.0 log")
    parser.add_argument("--junit", type=not_empty, metavar="FILE", help="write JUnit XML")
    return parser.parse_args(words)


def head_revision():
    try:
        return output_of(["git", "rev-parse", "HEAD"], cwd=ROOT).strip()
    except Failure:
        return ""


def check_outputs(options):
    """Refuses a file that cannot be written before anything runs."""
    if os.path.exists(os.path.join(options.dir, "stats.jsonl")):
        raise Failure(USAGE, f"--dir: {options.dir} is the folder of a long run, expected "
                             "one that may be cleared")
    for name in (options.sarif, options.junit):
        folder_of_file = os.path.dirname(name or "") or "."
        if not os.path.isdir(folder_of_file):
            raise Failure(USAGE, f"{name}: no folder {folder_of_file} to write it to")
    try:
        os.makedirs(os.path.join(options.dir, "findings"), exist_ok=True)
        for name in (options.sarif, options.junit, os.path.join(options.dir, "findings", "new")):
            if name:
                check_writable(name)
    except OSError as error:
        raise Failure(ENVIRONMENT, f"{error.filename}: cannot be written: "
                                   f"{error.strerror}") from error


def _write(result, file, text):
    """A report that cannot be written hides neither the other one nor what was found."""
    try:
        write_whole(file, text)
    except OSError as error:
        result.add_problem("reports are written", f"{file}: cannot be written: {error.strerror}")


def write_reports(options, result, words):
    if options.junit:
        _write(result, options.junit, junit.document(result.cases))
    if options.sarif:
        command = shlex.join(["tools/rmapdiff", "gate", *words])
        log = sarif.log(result.findings, result.problems, command, result.exit_code,
                        head_revision(), result.base)
        _write(result, options.sarif, json.dumps(log, indent=2) + "\n")


def main(words):
    options = parse_arguments(words)
    if options.corpus and not os.path.isdir(options.corpus):
        raise Failure(USAGE, f"--corpus: {options.corpus}: no such folder")
    check_outputs(options)
    print(f"{'engines':<11} {maps.choose(options.maps)}", flush=True)
    result = Gate(options).run()
    write_reports(options, result, words)
    print(result.last_line())
    return result.exit_code


if __name__ == "__main__":
    run_main("rmapdiff gate", main)

"""Writes one page on a run: what was found, what it grew, and what its corpus does.

DIR is the folder of `rmapdiff fuzz --dir=DIR`; it may still be written to. The page needs nothing
but itself: no network, no other file, no script. What DIR does not have, the page says.

Exit code: 0 the page is written, whatever it shows; 2 wrong usage, or DIR is not the folder of a
run; 3 environment (the page cannot be written); 4 internal error.
"""

import os
import sys
import time

from tools.scripts.common.printable import one_line
from tools.scripts.common.script import (DONE, ENVIRONMENT, ROOT, USAGE, Failure, Parser,
                                         run_main, write_whole)
from tools.scripts.report import (corpus_stats, findings_section, growth, mutation, operations,
                                  overview, page, run_folder, words)

RMAPDIFF = os.path.join(ROOT, "tools", "rmapdiff")


def parse_arguments(arguments):
    parser = Parser("rmapdiff report", __doc__, "tools/rmapdiff report out -o report.html")
    parser.add_argument("dir", metavar="DIR", help="the folder of a run")
    parser.add_argument("-o", "--output", default="report.html", metavar="FILE",
                        help="the page, - for standard output [report.html]")
    parser.add_argument("--status", metavar="FILE",
                        help="what `rmapdiff status --history DIR` has printed; without it, it is "
                        "run")
    parser.add_argument("--corpus-stats", metavar="FILE",
                        help="what `rmapdiff corpus stats --json DIR/corpus` has printed; without "
                        "it, it is run")
    return parser.parse_args(arguments)


def read_corpus(options):
    """({target: Stats}, why there is none)."""
    try:
        if options.corpus_stats:
            return corpus_stats.read(options.corpus_stats), ""
        if sys.stderr.isatty():
            print("running the corpus", file=sys.stderr)
        return corpus_stats.ask(RMAPDIFF, os.path.join(options.dir, "corpus")), ""
    except Failure as error:
        return {}, str(error)


def read_mutation(folder):
    """(Mutation or None, what is wrong with it)."""
    try:
        return mutation.read(os.path.join(folder, "mutants")), ""
    except Failure as error:
        return None, str(error)


def make_page(run, corpus, mutants, now):
    """corpus, mutants: a value and what is wrong with it, as above."""
    targets = overview.targets_of(run.history)
    return page.render(run.name, [
        overview.section_of(run, now), findings_section.section_of(run),
        growth.section_of(run.history, targets), operations.section_of(*corpus),
        mutation.section_of(*mutants)])


def write(path, content):
    try:
        if path == "-" and sys.stdout is None:
            raise Failure(ENVIRONMENT, "standard output: is closed, expected to write there")
        if path == "-":
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        elif os.path.isdir(path):
            raise Failure(USAGE, f"{path}: is a folder, expected a file to write")
        else:
            write_whole(path, content)
    except OSError as error:
        raise Failure(ENVIRONMENT, f"{path}: cannot be written: {error.strerror}") from None


def main(arguments):
    options = parse_arguments(arguments)
    status = (run_folder.load(options.status) if options.status
              else run_folder.ask(RMAPDIFF, options.dir))
    try:
        if options.status:
            run_folder.check_same(options.dir, status)
        run = run_folder.read(options.dir, status)
    except (AttributeError, KeyError, TypeError):
        raise Failure(USAGE, f"{options.status}: expected what `rmapdiff status --history` prints"
                      ) from None
    content = make_page(run, read_corpus(options), read_mutation(options.dir), time.time())
    write(options.output, content)
    if options.output != "-":
        print(f"{one_line(options.output)}: {words.size(len(content))}, "
              f"{words.plural(len(run.findings), 'finding')}")
    return DONE


if __name__ == "__main__":
    run_main("rmapdiff report", main)

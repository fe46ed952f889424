"""The operations of a corpus and their outcomes, as `rmapdiff corpus stats --json` says."""

import collections
import json
import os
import re

from tools.scripts.common.script import USAGE, Failure, output_of

SECONDS = 1800

HISTOGRAMS = ("rmap_lengths", "parent_lengths", "program_lengths")

# outcomes: {operation: {outcome: count}}. The histograms: {bucket: count}, in order.
Stats = collections.namedtuple("Stats", ("programs", "ops", "unreadable", "outcomes") + HISTOGRAMS)


def ask(rmapdiff, folder):
    """{target: Stats} of a corpus, by the command line; raises Failure."""
    if not os.path.isdir(folder):
        raise Failure(USAGE, "the run has no folder corpus/")
    return parse(output_of([rmapdiff, "corpus", "stats", "--json", os.path.abspath(folder)],
                           timeout=SECONDS, answers=True), "rmapdiff corpus stats")


def read(path):
    """The same of a file."""
    try:
        with open(path, encoding="utf-8") as file:
            return parse(file.read(), path)
    except (OSError, ValueError) as error:
        raise Failure(USAGE, f"{path}: cannot be read: {error}") from None


def parse(content, name):
    try:
        return {target: _stats(values) for target, values in json.loads(content)["targets"].items()}
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError,
            RecursionError) as error:
        raise Failure(USAGE, f"{name}: expected what `rmapdiff corpus stats --json` prints: "
                             f"{error!r}") from None


def _stats(values):
    return Stats(*(int(values[name]) for name in ("programs", "ops", "unreadable")),
                 {op: _counts(counts) for op, counts in values["outcomes"].items()},
                 *(_in_order(_counts(values[name])) for name in HISTOGRAMS))


def _counts(values):
    return {name: int(count) for name, count in values.items()}


def _in_order(counts):
    """By where a bucket such as "5-8" begins."""
    return {bucket: counts[bucket]
            for bucket in sorted(counts, key=lambda bucket: int(re.match("[0-9]+", bucket)[0]))}


def together(targets):
    """The sum over targets."""
    outcomes = collections.defaultdict(collections.Counter)
    histograms = [collections.Counter() for _ in HISTOGRAMS]
    for stats in targets.values():
        for op, counts in stats.outcomes.items():
            outcomes[op].update(counts)
        for histogram, name in zip(histograms, HISTOGRAMS):
            histogram.update(getattr(stats, name))
    return Stats(*(sum(getattr(stats, name) for stats in targets.values())
                   for name in ("programs", "ops", "unreadable")),
                 outcomes, *map(_in_order, histograms))

"""What the programs of the corpus do, as `rmapdiff corpus stats --json` says."""

import collections
import os
import subprocess

from tools.scripts.report import files

LONGEST = 64 << 20
SECONDS = 1800

HISTOGRAMS = ("rmap_lengths", "parent_lengths", "program_lengths")

# outcomes: {operation: {outcome: count}}. The histograms: {bucket: count}, in order.
Stats = collections.namedtuple("Stats", ("programs", "octets", "ops", "unreadable", "outcomes")
                               + HISTOGRAMS)


class NoStats(Exception):
    """Why there are none, in one line."""


def ask(rmapdiff, folder):
    """{target: Stats} of a corpus, by the command line."""
    if not os.path.isdir(folder):
        raise NoStats("the run has no folder corpus/")
    command = [rmapdiff, "corpus", "stats", "--json", os.path.abspath(folder)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoStats(f"rmapdiff corpus stats: {error}") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "backslashreplace").strip().split("\n")[-1]
        raise NoStats(f"rmapdiff corpus stats: exit code {done.returncode}: {said[:300]}")
    return parse(done.stdout, "rmapdiff corpus stats")


def read(path):
    """The same of a file."""
    try:
        text, whole = files.read_text(path, LONGEST)
    except files.Unreadable as error:
        raise NoStats(f"{path} {error}") from None
    if not whole:
        raise NoStats(f"{path} is longer than {LONGEST >> 20} MiB")
    return parse(text, path)


def parse(content, name):
    try:
        targets = files.parse_object(content).get("targets")
    except ValueError as error:
        raise NoStats(f"{name}: no JSON: {error}") from None
    if not isinstance(targets, dict):
        raise NoStats(f"{name}: expected an object 'targets'")
    return {target: _stats(values) for target, values in targets.items()
            if isinstance(values, dict)}


def _stats(values):
    outcomes = {op: _counts(counts) for op, counts in _object(values.get("outcomes")).items()}
    numbers = [files.number(values.get(key)) or 0 for key in ("programs", "bytes", "ops")]
    unreadable = values.get("unreadable")
    unreadable = len(unreadable) if isinstance(unreadable, list) else files.number(unreadable) or 0
    return Stats(*numbers, unreadable, outcomes, *[_histogram(values.get(name))
                                                   for name in HISTOGRAMS])


def _object(value):
    return value if isinstance(value, dict) else {}


def _counts(value):
    return {key: files.number(count) or 0 for key, count in _object(value).items()}


def _begin(bucket):
    """Where a bucket such as "5-8" begins; others stand last."""
    digits = bucket.partition("-")[0].rstrip("+")
    is_number = digits.isascii() and digits.isdigit() and len(digits) < 20
    return (0, int(digits)) if is_number else (1, 0)


def _histogram(value):
    counts = _counts(value)
    return {bucket: counts[bucket] for bucket in sorted(counts, key=_begin)}


def together(targets):
    """The sum over targets."""
    outcomes, histograms = {}, [{} for _ in HISTOGRAMS]
    for stats in targets.values():
        for op, counts in stats.outcomes.items():
            _add(outcomes.setdefault(op, {}), counts)
        for histogram, name in zip(histograms, HISTOGRAMS):
            _add(histogram, getattr(stats, name))
    numbers = [sum(getattr(stats, name) for stats in targets.values())
               for name in ("programs", "octets", "ops", "unreadable")]
    return Stats(*numbers, outcomes, *[_histogram(histogram) for histogram in histograms])


def _add(total, counts):
    for key, value in counts.items():
        total[key] = total.get(key, 0) + value

"""The table of `rmapdiff mutants`: from records to a summary, and from that to text and JSON."""

import collections
import statistics

from tools.scripts.mutants import survival

# mutant: its name. trials, found: how many. median: seconds, None if fewer than half have found it.
# mean: restricted, worst: of the trials that have found it. execs: median of those. by: {check:
# how many}. right: how many named the engine that is at fault, of `named`, those that name one.
Row = collections.namedtuple(
    "Row", "mutant target equivalent trials found median mean worst execs by right named")

# score: share of faults that were found at all; sure: of those found in at least 19 of 20 trials.
Summary = collections.namedtuple(
    "Summary", "limit rows faults found sure median worst mean equivalents reported")

SURE = 0.95


def is_right(mutant, guilty):
    return mutant.fields["Guilty"] in (guilty, "any")


def summarize_one(mutant, records, limit):
    found = [record for record in records if record.found]
    trials = [(record.seconds, record.found) for record in records]
    by = collections.Counter(record.by for record in found)
    named = [record for record in found if record.guilty]
    return Row(
        mutant=mutant.name, target=mutant.fields["Target"],
        equivalent=mutant.fields["Equivalent"] != "no", trials=len(records), found=len(found),
        median=survival.median_time(trials), mean=survival.restricted_mean(trials, limit).seconds,
        worst=max((record.seconds for record in found), default=None),
        execs=statistics.median([record.execs for record in found]) if found else None,
        by=dict(by.most_common()), right=sum(is_right(mutant, record.guilty) for record in named),
        named=len(named))


def fault_trials(chosen, records):
    """[(seconds, found)] of all mutants that are faults."""
    faults = {mutant.name for mutant in chosen if mutant.fields["Equivalent"] == "no"}
    return [(record.seconds, record.found) for record in records if record.mutant in faults]


def summarize(chosen, records, limit):
    by_mutant = collections.defaultdict(list)
    for record in records:
        by_mutant[record.mutant].append(record)
    rows = [summarize_one(mutant, by_mutant[mutant.name], limit) for mutant in chosen]
    faults = [row for row in rows if not row.equivalent]
    equivalents = [row for row in rows if row.equivalent]
    trials = fault_trials(chosen, records)
    return Summary(
        limit=limit, rows=rows, faults=len(faults), found=sum(row.found > 0 for row in faults),
        sure=sum(row.found >= SURE * row.trials for row in faults),
        median=statistics.median([limit if row.median is None else row.median for row in faults])
        if faults else None,
        worst=max((limit if row.median is None else row.median for row in faults), default=None),
        mean=survival.restricted_mean(trials, limit) if trials else None,
        equivalents=len(equivalents), reported=sum(row.found > 0 for row in equivalents))


def all_well(summary):
    return (summary.found == summary.faults and summary.reported == 0
            and all(row.right == row.named for row in summary.rows if not row.equivalent))


def _seconds(value):
    return "-" if value is None else f"{value:.2f}"


def remark(row):
    """By which checks a mutant was found, and what is wrong with that."""
    by = ", ".join(f"{check} {count}" for check, count in row.by.items())
    if row.equivalent:
        return f"REPORTED: {by}" if row.found else "equivalent, not reported"
    if row.right < row.named:
        return f"{by}; WRONG ENGINE in {row.named - row.right}"
    return by


def figures(summary):
    """[(name, figure)] of all faults and of the equivalent mutants."""
    pairs = []
    if summary.faults:
        share, mean = 100 * summary.found / summary.faults, summary.mean
        pairs = [
            ("mutation score", f"{summary.found} of {summary.faults} faults found, {share:.1f} %"),
            ("found in 19 of 20", f"{summary.sure} of {summary.faults}"),
            ("median of medians", f"{summary.median:.2f} s"),
            ("worst median", f"{summary.worst:.2f} s"),
            ("restricted mean", f"{mean.seconds:.2f} s at {summary.limit:g} s, 95 % confidence "
                                f"{mean.low:.2f} to {mean.high:.2f}")]
    return pairs + [("equivalent mutants",
                     f"{summary.reported} of {summary.equivalents} reported")]


def _row_text(row):
    execs = "-" if row.execs is None else f"{row.execs:.0f}"
    return (f"{row.mutant:<44} {row.found:>3}/{row.trials:<3} {_seconds(row.median):>7} "
            f"{_seconds(row.worst):>7} {_seconds(row.mean):>7} {execs:>8}  {remark(row)}".rstrip())


def text(summary):
    lines = [f"{'mutant':<44} {'found':>7} {'median':>7} {'worst':>7} {'mean':>7} {'execs':>8}"
             "  found by"]
    lines += [_row_text(row) for row in summary.rows]
    lines += ["", *(f"{name:<22}{figure}" for name, figure in figures(summary))]
    return "\n".join(lines) + "\n"

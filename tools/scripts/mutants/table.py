"""The table of `rmapdiff mutants`: from records to a summary, and from that to text and JSON."""

import collections

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
        execs=survival.median([record.execs for record in found]) if found else None,
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
        median=survival.median([limit if row.median is None else row.median for row in faults])
        if faults else None,
        worst=max((limit if row.median is None else row.median for row in faults), default=None),
        mean=survival.restricted_mean(trials, limit) if trials else None,
        equivalents=len(equivalents), reported=sum(row.found > 0 for row in equivalents))


def all_well(summary):
    return (summary.found == summary.faults and summary.reported == 0
            and all(row.right == row.named for row in summary.rows if not row.equivalent))


def _seconds(value):
    return "-" if value is None else f"{value:.2f}"


def _row_text(row):
    by = ", ".join(f"{check} {count}" for check, count in row.by.items())
    if row.equivalent:
        remark = f"REPORTED: {by}" if row.found else "equivalent, not reported"
    elif row.right < row.named:
        remark = f"{by}; WRONG ENGINE in {row.named - row.right}"
    else:
        remark = by
    execs = "-" if row.execs is None else f"{row.execs:.0f}"
    return (f"{row.mutant:<44} {row.found:>3}/{row.trials:<3} {_seconds(row.median):>7} "
            f"{_seconds(row.worst):>7} {_seconds(row.mean):>7} {execs:>8}  {remark}".rstrip())


def text(summary):
    lines = [f"{'mutant':<44} {'found':>7} {'median':>7} {'worst':>7} {'mean':>7} {'execs':>8}"
             "  found by"]
    lines += [_row_text(row) for row in summary.rows]
    lines.append("")
    if summary.faults:
        share = 100 * summary.found / summary.faults
        mean = summary.mean
        lines += [
            f"mutation score        {summary.found} of {summary.faults} faults found, "
            f"{share:.1f} %",
            f"found in 19 of 20     {summary.sure} of {summary.faults}",
            f"median of medians     {summary.median:.2f} s",
            f"worst median          {summary.worst:.2f} s",
            f"restricted mean       {mean.seconds:.2f} s at {summary.limit} s, 95 % confidence "
            f"{mean.low:.2f} to {mean.high:.2f}",
        ]
    lines.append(f"equivalent mutants    {summary.reported} of {summary.equivalents} reported")
    return "\n".join(lines) + "\n"


def as_json(summary):
    values = summary._asdict()
    values["rows"] = [row._asdict() for row in summary.rows]
    values["mean"] = summary.mean._asdict() if summary.mean else None
    return values

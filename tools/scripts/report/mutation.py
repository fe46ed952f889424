"""How long seeded faults survive, if `rmapdiff mutants --dir=DIR/mutants` has been run."""

import collections
import glob
import math
import os

from tests.mutants import mutants
from tools.scripts.common.script import ROOT, USAGE, Failure
from tools.scripts.mutants import campaign, survival, table as mutant_table
from tools.scripts.report import axes, figure, words
from tools.scripts.report.markup import element, facts, note, section, table

MUTANTS = os.path.join(ROOT, "tests", "mutants")
LONGEST = 256 << 20
SHOWN = 20
FIRST = 0.01  # seconds: where the axis begins

# summary: as tools/scripts/mutants/table.py makes it. trials: [(seconds, found)] of all faults.
Mutation = collections.namedtuple("Mutation", "summary trials")


def read(folder):
    """None where no mutants were hunted. Raises Failure."""
    path = os.path.join(folder, "trials.jsonl")
    if not os.path.lexists(path):
        return None
    try:
        if os.path.getsize(path) > LONGEST or not os.path.isfile(path):
            raise Failure(USAGE, f"mutants/trials.jsonl: no file of at most {LONGEST >> 20} MiB")
        records = campaign.load(path)
        if not records and os.path.getsize(path) > 0:
            raise Failure(USAGE, "mutants/trials.jsonl: holds no record of a trial")
        known = [mutants.read(patch) for patch in sorted(glob.glob(f"{MUTANTS}/*.patch"))]
        return judge(known, records)
    except (OSError, ValueError, TypeError, KeyError, RecursionError, mutants.Malformed) as error:
        raise Failure(USAGE, f"mutants/trials.jsonl: {error}") from None


def judge(known, records):
    """Of the mutants that are still there; None if there is no trial of any."""
    tried = {record.mutant for record in records}
    chosen = [mutant for mutant in known if mutant.name in tried]
    names = {mutant.name for mutant in chosen}
    records = [record for record in records if record.mutant in names]
    if not records:
        return None
    limit = _limit(records)
    return Mutation(mutant_table.summarize(chosen, records, limit),
                    mutant_table.fault_trials(chosen, records))


def _limit(records):
    """The time that a trial had: a trial without a finding has used all of it."""
    spent = [record.seconds for record in records if not record.found]
    return max(spent) if spent else math.ceil(max(record.seconds for record in records))


def _range(trials, limit):
    """The logarithmic axis: from a power of ten below the first finding to the end."""
    first = min((seconds for seconds, found in trials if found and seconds > 0), default=FIRST)
    return 10.0 ** math.floor(math.log10(max(first, 1e-3) / 1.5)), max(limit, 0.1)


def _curve(mutation):
    """The figure of the survival of all faults, "" if there is no trial of one."""
    if not mutation.trials:
        return ""
    begin, end = _range(mutation.trials, mutation.summary.limit)
    points = [(max(seconds, begin), 100 * share)
              for seconds, share in survival.curve(mutation.trials)]
    drawn = figure.draw(figure.Figure(
        points=points + [(end, points[-1][1])], x_range=(begin, end), y_range=(0, 100),
        x_tics=[(10.0 ** i, f"{10.0 ** i:g}") for i in range(-3, 6) if begin <= 10.0 ** i <= end],
        y_tics=axes.value_tics(100, 5), width=560, height=220, steps=True, log_x=True,
        summary=f"{points[-1][1]:.1f} % of the trials have found nothing in {end:g} seconds"))
    label = element("figcaption", element("b", "Trials that have found nothing yet, %"),
                    "by seconds of the processor")
    return element("figure", label, drawn, class_="survival")


def _score(summary):
    bad = {"mutation score": summary.found < summary.faults,
           "equivalent mutants": summary.reported > 0}
    return facts([(name, element("span", value, class_="bad" if bad.get(name) else None))
                  for name, value in mutant_table.figures(summary)])


def _seconds(value):
    return element("td", "–" if value is None else f"{value:.2f}", class_="n")


def _row(row):
    missed = not row.equivalent and row.found < row.trials
    wrong = row.equivalent and row.found
    found = element("td", f"{row.found}/{row.trials}", class_="n bad" if missed or wrong else "n")
    return [row.mutant, found, _seconds(row.median), _seconds(row.worst), _seconds(row.mean),
            element("td", words.count(row.execs), class_="n"), mutant_table.remark(row)]


def _hardness(row):
    """The order of rows: wrongly reported ones, those never found, then the slowest."""
    return (not (row.equivalent and row.found), row.equivalent, -row.mean, row.mutant)


def _table(caption, rows):
    heads = ["mutant", "found", "median, s", "worst, s", "mean, s", "programs", "found by"]
    return table(caption, heads, [_row(row) for row in rows], class_="mutants")


def section_of(mutation, problem):
    title = "Mutation score and survival"
    if problem:
        return section("mutants", title, note(f"{problem}."))
    if mutation is None:
        return section("mutants", title, note(
            "Not measured: `rmapdiff mutants --dir=DIR/mutants` hunts seeded faults and says how "
            "long each survives."))
    rows = sorted(mutation.summary.rows, key=_hardness)
    rest = rows[SHOWN:]
    return section(
        "mutants", title, _score(mutation.summary), _curve(mutation),
        _table("Mutants, those that survive longest first", rows[:SHOWN]),
        element("details", element("summary", f"{len(rest)} more"), _table("The others", rest))
        if rest else "")

"""What grew, and how fast: curves of the whole run, and a row of small ones for each target."""

import collections

from tools.scripts.report import axes, figure, series, words
from tools.scripts.report.markup import element, join, note, section

POINTS = 400
SMALL_POINTS = 150
MOST_TARGETS = 40
MOST_MARKS = 40

# rate: how much of it a second.
Curve = collections.namedtuple("Curve", "field title rate")

CURVES = (
    Curve("coverage", "Coverage, edges", False),
    Curve("features", "Features", False),
    Curve("corpus", "Corpus, inputs", False),
    Curve("execs", "Programs a second", True),
    Curve("ops", "Operations a second", True),
    Curve("findings", "Distinct findings", False),
)
SMALL_CURVES = (
    Curve("coverage", "coverage, edges", False),
    Curve("features", "features", False),
    Curve("corpus", "corpus, inputs", False),
    Curve("ops", "operations a second of its own", True),
)


def _plot(points, span, marks, small, curve):
    """None if nothing is known of it."""
    known = [y for _, y in points if y is not None]
    if len(known) < 2:
        return None
    unit, unit_name, _ = axes.time_unit(span)
    top = max(known) or 1
    y_tics = axes.ends(top) if small else axes.value_tics(top, 4, whole=not curve.rate)
    first, last = words.short(known[0]), words.short(known[-1])
    summary = (f"{curve.title}: {first} at first, {words.short(max(known))} at most, {last} at the "
               f"end; 0 to {span / unit:.3g} {unit_name}")
    return figure.Figure(
        points=[(x / unit, y) for x, y in points], x_range=(0, span / unit),
        y_range=(0, 1.04 * top), x_tics=axes.time_tics(span, 4 if small else 8), y_tics=y_tics,
        width=260 if small else 370, height=92 if small else 168,
        marks=[x / unit for x in marks],
        steps=curve.field == "findings", summary=summary)


def points_of_run(samples, curve):
    if curve.field == "findings":
        return series.findings(samples)
    counts = series.of_run(samples, curve.field)
    return series.rates(counts) if curve.rate else counts


def points_of_target(samples, name, curve):
    counts = series.of_target(samples, name, curve.field)
    clock = series.of_target(samples, name, "seconds")
    return series.rates(counts, clock) if curve.rate else counts


def plots(history, targets):
    """{name: Figure}: "run FIELD" and "NUMBER FIELD" for each target."""
    samples = history.samples
    span = samples[-1].elapsed if samples else 0
    if span <= 0:
        return {}
    marks = [session.elapsed for session in history.sessions[1:][-MOST_MARKS:]]
    some, few = series.spread(samples, POINTS), series.spread(samples, SMALL_POINTS)
    found = {f"run {curve.field}": _plot(points_of_run(some, curve), span, marks, False, curve)
             for curve in CURVES}
    for i, name in enumerate(targets[:MOST_TARGETS]):
        for curve in SMALL_CURVES:
            found[f"{i} {curve.field}"] = _plot(points_of_target(few, name, curve), span, marks,
                                                True, curve)
    return {name: plot for name, plot in found.items() if plot}


def _last(points):
    known = [y for _, y in points if y is not None]
    return known[-1] if known else None


def _large(history, drawn):
    boxes = []
    for curve in CURVES:
        value = words.short(_mean_rate(history, curve.field) if curve.rate
                            else _last(points_of_run(history.samples, curve)))
        label = element("figcaption", element("b", curve.title), " ",
                        element("span", f"{value} on average" if curve.rate else value))
        boxes.append(element("figure", label, figure.place(drawn, f"run {curve.field}")))
    return element("div", *boxes, class_="curves")


def _mean_rate(history, field):
    (elapsed, total), = series.of_run(history.samples[-1:], field)
    return total / elapsed if total is not None and elapsed > 0 else None


def _small(targets, drawn):
    heads = element("tr", element("th", "target", scope="col"),
                    [element("th", curve.title, scope="col") for curve in SMALL_CURVES])
    rows = [element("tr", element("th", name, scope="row"),
                    [element("td", figure.place(drawn, f"{i} {curve.field}"))
                     for curve in SMALL_CURVES])
            for i, name in enumerate(targets[:MOST_TARGETS])]
    caption = element("caption", "Each target by itself, each on a scale of its own")
    return element("div", element("table", caption, element("thead", heads),
                                  element("tbody", *rows), class_="matrix"), class_="wide")


def _reading(history):
    thinned = len(history.samples) > POINTS or history.lines > len(history.samples)
    text = "Time is that of all sessions together."
    if len(history.sessions) > 1:
        text += " A dotted line is where the run was started again."
    if thinned:
        text += (f" Of {history.lines:,} lines of stats.jsonl at most {POINTS} are drawn; a rate is"
                 " the mean between two of them.")
    return element("p", text + " What two targets reach counts twice in a sum.", class_="hint")


def section_of(history, targets, drawn):
    if not history.samples or history.samples[-1].elapsed <= 0 or len(history.samples) < 2:
        return section("growth", "Over time", note("stats.jsonl has too few lines to draw."))
    return section("growth", "Over time", _reading(history), _large(history, drawn),
                   join(_small(targets, drawn)) if len(targets) > 1 else "")

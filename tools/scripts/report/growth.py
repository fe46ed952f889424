"""The growth of a run: its curves, and a row of small ones for each target."""

import collections

from tools.scripts.report import axes, figure, series, words
from tools.scripts.report.markup import element, note, section

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


# How the figures of a section are drawn. span: seconds of the run. marks: seconds at which it was
# started again.
Drawing = collections.namedtuple("Drawing", "samples span marks small")


def _draw(points, drawing, curve):
    """The figure of a curve, "" if nothing is known of it."""
    known = [y for _, y in points if y is not None]
    if len(known) < 2:
        return ""
    unit, unit_name, _ = axes.time_unit(drawing.span)
    end, small = drawing.span / unit, drawing.small
    top = max(known) or 1
    first, last = words.short(known[0]), words.short(known[-1])
    return figure.draw(figure.Figure(
        points=[(x / unit, y) for x, y in points], x_range=(0, end), y_range=(0, 1.04 * top),
        x_tics=axes.time_tics(drawing.span, 4 if small else 8),
        y_tics=axes.ends(top) if small else axes.value_tics(top, 4, whole=not curve.rate),
        width=260 if small else 370, height=92 if small else 168,
        marks=[x / unit for x in drawing.marks], steps=curve.field == "findings",
        summary=f"{curve.title}: {first} at first, {words.short(max(known))} at most, {last} at "
                f"the end; 0 to {end:.3g} {unit_name}"))


def points_of_run(samples, curve):
    if curve.field == "findings":
        return series.findings(samples)
    counts = series.of_run(samples, curve.field)
    return series.rates(counts) if curve.rate else counts


def points_of_target(samples, name, curve):
    counts = series.of_target(samples, name, curve.field)
    clock = series.of_target(samples, name, "seconds")
    return series.rates(counts, clock) if curve.rate else counts


def _last(points):
    known = [y for _, y in points if y is not None]
    return known[-1] if known else None


def _large(history, drawing):
    boxes = []
    for curve in CURVES:
        value = words.short(_mean_rate(history, curve.field) if curve.rate
                            else _last(points_of_run(history.samples, curve)))
        label = element("figcaption", element("b", curve.title), " ",
                        element("span", f"{value} on average" if curve.rate else value))
        boxes.append(element("figure", label, _draw(points_of_run(drawing.samples, curve), drawing,
                                                    curve)))
    return element("div", *boxes, class_="curves")


def _mean_rate(history, field):
    (elapsed, total), = series.of_run(history.samples[-1:], field)
    return total / elapsed if total is not None and elapsed > 0 else None


def _small(targets, drawing):
    heads = element("tr", element("th", "target", scope="col"),
                    [element("th", curve.title, scope="col") for curve in SMALL_CURVES])
    rows = [element("tr", element("th", name, scope="row"),
                    [element("td", _draw(points_of_target(drawing.samples, name, curve), drawing,
                                         curve)) for curve in SMALL_CURVES])
            for name in targets[:MOST_TARGETS]]
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


def section_of(history, targets):
    samples = history.samples
    if len(samples) < 2 or samples[-1].elapsed <= 0:
        return section("growth", "Over time", note("stats.jsonl has too few lines to draw."))
    marks = [session.elapsed for session in history.sessions[1:][-MOST_MARKS:]]
    large, small = (Drawing(series.spread(samples, most), samples[-1].elapsed, marks, is_small)
                    for most, is_small in ((POINTS, False), (SMALL_POINTS, True)))
    return section("growth", "Over time", _reading(history), _large(history, large),
                   _small(targets, small) if len(targets) > 1 else "")

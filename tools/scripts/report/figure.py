"""Figures as SVG that stands in a page: lines and words, each of a class of the style sheet.

So one figure serves a light and a dark page.
"""

import collections
import math

from tools.scripts.report.markup import element

# Pixels around the plot, for the labels; and how long a tic is.
LEFT, RIGHT, TOP, BOTTOM, TIC = 44, 10, 8, 24, 4

# points: [(x, y)], y None for a gap. tics: [(position, label)]. marks: x of lines across. steps: as
# a staircase. summary: the figure in words, for a reader who cannot see it.
Figure = collections.namedtuple(
    "Figure", "points x_range y_range x_tics y_tics width height marks steps log_x summary",
    defaults=((), False, False, ""))


def _scale(value_range, begin, end, log=False):
    """A function from values of a range, logarithmic or not, to pixels from `begin` to `end`."""
    of = math.log10 if log else float
    low, high = map(of, value_range)
    return lambda value: begin + (of(value) - low) / (high - low) * (end - begin)


def _line(class_, *points):
    return element("path", class_=class_,
                   d="M" + " L".join(f"{x:.2f},{y:.2f}" for x, y in points))


def _curves(figure, x_of, y_of):
    """The curve in pixels, a list of points for each part between two gaps."""
    parts = [[]]
    for x, y in figure.points:
        if y is None:
            parts.append([])
            continue
        if figure.steps and parts[-1]:
            parts[-1].append((x_of(x), parts[-1][-1][1]))
        parts[-1].append((x_of(x), y_of(y)))
    return [part for part in parts if part]


def _label(text, x, y, anchor):
    return element("text", text, x=f"{x:.2f}", y=f"{y:.2f}", text_anchor=anchor)


def draw(figure):
    """A Figure as an element of a page."""
    width, height = figure.width, figure.height
    right, bottom = width - RIGHT, height - BOTTOM
    x_of = _scale(figure.x_range, LEFT, right, figure.log_x)
    y_of = _scale(figure.y_range, bottom, TOP)
    parts = [_line("grid", (LEFT, y_of(y)), (right, y_of(y))) for y, _ in figure.y_tics]
    parts += [_line("axis", (x_of(x), bottom), (x_of(x), bottom - TIC)) for x, _ in figure.x_tics]
    parts += [_line("axis", (LEFT, bottom), (right, bottom))]
    parts += [_line("mark", (x_of(x), bottom), (x_of(x), TOP)) for x in figure.marks]
    parts += [_line("line", *part) for part in _curves(figure, x_of, y_of)]
    parts += [_label(text, x_of(x), height - 6, "middle") for x, text in figure.x_tics]
    parts += [_label(text, LEFT - 6, y_of(y) + 4, "end") for y, text in figure.y_tics]
    return element("svg", *parts, viewBox=f"0 0 {width} {height}", role="img",
                   aria_label=figure.summary)

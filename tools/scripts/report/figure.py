"""Figures by gnuplot, as SVG that stands in a page and takes its colours from it.

gnuplot is given numbers and nothing else: names, which a run could choose, stay with the page, and
so does the path of its output, for gnuplot runs what stands between backquotes in a string. Of
what it draws only lines and words are taken over, with a class for each colour that it was told to
use, so that one figure serves a light and a dark page.
"""

import collections
import os
import shutil
import subprocess
import tempfile
from xml.etree import ElementTree

from tools.scripts.report.markup import Html, element

SECONDS = 60

# points: [(x, y)], y None for a gap. tics: [(position, label)]. marks: x of lines across. steps: as
# a staircase. summary: what it shows, for who cannot see it.
Figure = collections.namedtuple(
    "Figure", "points x_range y_range x_tics y_tics width height marks steps log_x summary",
    defaults=((), False, False, ""))

CLASSES = {"rgb(1,1,1)": "axis", "rgb(2,2,2)": "tic", "rgb(3,3,3)": "grid", "rgb(4,4,4)": "mark",
           "rgb(5,5,5)": "line"}

HEAD = """\
set encoding utf8
set border 1 lc rgb "#010101"
set tics scale 0.4 nomirror textcolor rgb "#020202"
set ytics scale 0 offset 0.6
set grid ytics lc rgb "#030303" lw 1
unset key
"""


class NoFigures(Exception):
    """Why there are none, in one line."""


def _tics(tics):
    return ", ".join(f'"{label}" {position:.10g}' for position, label in tics)


def _data(points):
    return "\n".join("" if y is None else f"{x:.10g} {y:.10g}" for x, y in points)


def script(figure, output):
    """What gnuplot is to do."""
    width, height = figure.width, figure.height
    left, right = 44 / width, 1 - 10 / width
    bottom, top = 24 / height, 1 - 8 / height
    lines = [
        "reset", f'set terminal svg size {width},{height} dynamic font "sans-serif,11"',
        f'set output "{output}"', HEAD,
        f"set lmargin at screen {left:.4f}\nset rmargin at screen {right:.4f}",
        f"set bmargin at screen {bottom:.4f}\nset tmargin at screen {top:.4f}",
        "set xrange [{:.10g}:{:.10g}]".format(*figure.x_range),
        "set yrange [{:.10g}:{:.10g}]".format(*figure.y_range),
        f"set xtics ({_tics(figure.x_tics)})", f"set ytics ({_tics(figure.y_tics)})",
    ]
    if figure.log_x:
        lines.append("set logscale x")
    lines += [f'set arrow from {x:.10g}, graph 0 to {x:.10g}, graph 1 nohead lc rgb "#040404"'
              for x in figure.marks]
    style = "steps" if figure.steps else "lines"
    lines += [f"$data << EOD\n{_data(figure.points)}\nEOD",
              f'plot $data using 1:2 with {style} lc rgb "#050505" lw 1.6']
    return "\n".join(lines) + "\n"


def _class_of(color):
    return CLASSES.get(color.replace(" ", ""))


def _numbers(text):
    """x and y of translate(x,y)."""
    x, _, y = text.partition("(")[2].rstrip(")").partition(",")
    return x, y


def rewrite(svg, figure):
    """The lines and words of gnuplot's SVG, as an element of a page."""
    space = "{http://www.w3.org/2000/svg}"
    parts, seen = [], set()
    for node in ElementTree.fromstring(svg).iter():
        if node.tag == f"{space}path" and _class_of(node.get("stroke", "")):
            part = element("path", class_=_class_of(node.get("stroke")),
                           d=" ".join(node.get("d").split()))
        elif node.tag == f"{space}g" and _class_of(node.get("fill", "")) == "tic":
            x, y = _numbers(node.get("transform"))
            words = "".join(node.itertext()).strip()
            part = element("text", words, x=x, y=y, text_anchor=node.get("text-anchor"))
        else:
            continue
        # gnuplot draws the border twice.
        if part not in seen:
            parts.append(part)
            seen.add(part)
    return element("svg", *parts, viewBox=f"0 0 {figure.width} {figure.height}", role="img",
                   aria_label=figure.summary)


def draw(figures):
    """{name: Figure} to {name: Html}, by one run of gnuplot."""
    if not figures:
        return {}
    if shutil.which("gnuplot") is None:
        raise NoFigures("there are no plots: gnuplot is not installed (tools/setup would)")
    names = list(figures)
    with tempfile.TemporaryDirectory(prefix="rmapdiff-report-") as folder:
        outputs = [f"{i}.svg" for i in range(len(names))]
        text = "".join(script(figures[name], output) for name, output in zip(names, outputs))
        try:
            subprocess.run(["gnuplot", "-d", "-"], cwd=folder, input=text.encode(),
                           capture_output=True, check=True, timeout=SECONDS)
            return {name: rewrite(_read(os.path.join(folder, output)), figures[name])
                    for name, output in zip(names, outputs)}
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode("utf-8", "replace").strip().split("\n")[-1]
            raise NoFigures(f"there are no plots: gnuplot: {said}") from None
        except (OSError, subprocess.TimeoutExpired, ElementTree.ParseError) as error:
            raise NoFigures(f"there are no plots: gnuplot: {error}") from None


def _read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def place(drawn, name):
    """A figure, or nothing in its place."""
    return drawn.get(name, Html(""))

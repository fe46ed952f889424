"""Survival curves as a picture: SVG by gnuplot, time on a logarithmic axis."""

import shutil
import subprocess

from tools.scripts.common.script import write_whole
from tools.scripts.mutants import survival

BEGIN = 0.01  # seconds: where the axis begins
HEIGHT = 480  # of the picture, in pixels


def visible(points):
    """The steps of a curve that are a pixel high, those below that in one; the last one as well."""
    shown = points[:1]
    for point in points[1:]:
        if shown[-1][1] - point[1] >= 1 / HEIGHT or point is points[-1]:
            shown.append(point)
    return shown


def script(curves, limit):
    """The script for gnuplot of {name: trials}."""
    lines = [
        f"set terminal svg size 860,{HEIGHT} dynamic font 'sans-serif,14' background '#ffffff'",
        "set logscale x", f"set xrange [{BEGIN}:{limit}]", "set yrange [0:1]",
        "set xlabel 'seconds of the processor'", "set ylabel 'share of trials not yet found'",
        "set grid linecolor '#dddddd'", "set key bottom left", "set border 3",
        "set xtics nomirror", "set ytics nomirror",
    ]
    plots = []
    for i, name in enumerate(curves):
        title = name.replace("'", "''")
        plots.append(f"'-' using 1:2 with steps linewidth 2 linetype {i + 1} title '{title}'")
    lines.append("plot " + ", ".join(plots))
    for trials in curves.values():
        points = visible(survival.curve(trials))
        lines += [f"{max(seconds, BEGIN):.4f} {share:.6f}" for seconds, share in points]
        lines += [f"{limit} {points[-1][1]:.6f}", "e"]
    return "\n".join(lines) + "\n"


def write(path, curves, limit):
    """Whole or not at all; nothing where gnuplot is not installed."""
    if shutil.which("gnuplot") is None:
        return
    run = subprocess.run(["gnuplot"], input=script(curves, limit).encode(), capture_output=True,
                         check=True)
    write_whole(path, run.stdout)

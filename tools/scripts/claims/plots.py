"""The results as SVG, by gnuplot. Each plot is a script with its data in it, as text."""

import os

from tools.scripts.claims import measure, results as results_lib
from tools.scripts.claims.results import MAPS
from tools.scripts.claims.tables import GUESTS

COLORS = {"legacy": "#d55e00", "sibling": "#0072b2", "counted": "#009e73"}
POINTS = {"legacy": 7, "sibling": 5, "counted": 9}

HEAD = """\
set terminal svg size {width},{height} font "sans-serif,13" background "#ffffff" linewidth 1.2
set output "{output}"
set encoding utf8
set grid xtics ytics lc rgb "#dddddd" lw 1
set border 3 lc rgb "#555555"
set tics nomirror textcolor rgb "#333333"
set key left top reverse Left samplen 3
"""

LOG_AXES = """\
set logscale xy
set xrange [0.9:1150]
set xtics (1, 2, 4, 8, 16, 64, 256, 1000)
set xlabel "n, entries of the list"
set format y "10^{%T}"
"""


def data_block(name, rows):
    lines = "\n".join(" ".join(str(cell) for cell in row) for row in rows)
    return f"${name} << EOD\n{lines}\nEOD\n"


def times_rows(results, case, of_map, layout):
    """n, median, first and third quartile, in nanoseconds."""
    rows = []
    for n in results.lengths():
        found = results.time(case, of_map, layout, n)
        rows.append((n, *(f"{value * 1e9:.4g}" for value in (found.median, found.low, found.high))))
    return rows


def time_curves(results, curves):
    """A block of data and a plot of it for each (case, map, layout, dash, title)."""
    blocks, plots = "", []
    for index, (case, of_map, layout, dash, title) in enumerate(curves):
        blocks += data_block(f"t{index}", times_rows(results, case, of_map, layout))
        plots.append(f'$t{index} using 1:2:3:4 with yerrorlines lc rgb "{COLORS[of_map]}" '
                     f"dt {dash} pt {POINTS[of_map]} ps 0.6 title \"{title}\"")
    return blocks, ", \\\n  ".join(plots)


def by_map_and_layout(case, maps=MAPS[:2]):
    return [(case, of_map, layout, dash, f"{of_map}, {layout}")
            for of_map in maps for dash, layout in ((1, "scattered"), (2, "packed"))]


def step_curves(results, case, maps):
    blocks, plots = "", []
    for index, of_map in enumerate(maps):
        rows = [(n, f"{results.steps(case, of_map, n):.6g}") for n in results.lengths()]
        blocks += data_block(f"s{index}", rows)
        plots.append(f'$s{index} using 1:2 with linespoints lc rgb "{COLORS[of_map]}" '
                     f"pt {POINTS[of_map]} ps 0.6 title \"{of_map}, exponent "
                     f"{results.steps_exponent(case, of_map):.2f}\"")
    return blocks, ", \\\n  ".join(plots)


def two_panels(results, case, what, maps):
    """Time on the left, instructions on the right, both on log axes."""
    time_data, time_plots = time_curves(results, by_map_and_layout(case, maps))
    step_data, step_plots = step_curves(results, case, maps)
    return (time_data + step_data + LOG_AXES
            + "set multiplot layout 1,2\n"
            + f'set title "{what}: time"\nset ylabel "nanoseconds"\nplot {time_plots}\n'
            + f'set title "{what}: instructions"\nset ylabel "instructions"\nplot {step_plots}\n'
            + "unset multiplot\n")


def traverse(results):
    return two_panels(results, "traverse", "A traversal by rmap\\\\_next", MAPS[:2])


def add(results):
    return two_panels(results, "add", "rmap\\\\_add of the nth entry", MAPS)


def remove(results):
    curves = [(f"remove_{place}", of_map, "scattered", dash, f"{of_map}, the {place} of the list")
              for of_map in MAPS[:2] for dash, place in ((1, "tail"), (2, "head"))]
    blocks, plots = time_curves(results, curves)
    return (blocks + LOG_AXES + 'set title "rmap\\\\_remove, entries scattered"\n'
            + f'set ylabel "nanoseconds"\nplot {plots}\n')


def memory(results):
    blocks, plots, marks = "", [], ""
    sibling = results.fills("sibling", 1)
    blocks += data_block("sibling", [(fill, f"{value:.5g}") for fill, value in sibling])
    plots.append(f'$sibling using 1:2 with lines lw 2 lc rgb "{COLORS["sibling"]}" '
                 'title "sibling, any length of list"')
    for index, n in enumerate((1, 2, 4)):
        rows = [(fill, f"{value:.5g}") for fill, value in results.fills("legacy", n)]
        blocks += data_block(f"legacy{n}", rows)
        plots.append(f'$legacy{n} using 1:2 with lines lw 1.5 dt {index + 1} '
                     f'lc rgb "{COLORS["legacy"]}" title "legacy, each frame mapped {n}x"')
        predicted = results_lib.predicted_break_even(n)
        if predicted is None:
            continue
        measured = results.break_even("sibling", n)
        marks += (f'set arrow from {predicted:.1f}, graph 0 to {predicted:.1f}, graph 0.52 nohead '
                  f'dt 3 lc rgb "#777777"\n'
                  f'set label "n = {n}: break-even\\npredicted {predicted:.1f}'
                  f'\\nmeasured {measured}" at {predicted:.1f}, graph 0.66 center '
                  'textcolor rgb "#333333"\n')
    return (blocks + marks + "set logscale y 2\nset xrange [0:520]\nset xtics 64\n"
            'set key right top noreverse Right\nset yrange [16:2048]\n'
            'set title "Memory of shadow pages and reverse map"\n'
            'set xlabel "entries in use of the 512 of each shadow page"\n'
            'set ylabel "bytes per mapping"\n'
            "plot " + ", \\\n  ".join(plots) + "\n")


def guests(results):
    blocks, plots = "", []
    for offset, of_map in ((-0.18, "sibling"), (0.18, "counted")):
        rows = []
        for index, case in enumerate(GUESTS):
            found = results.time_ratio(case, "legacy", of_map)
            rows.append((f"{index + offset:.2f}", *(f"{value:.4g}" for value in (
                found.median, found.low, found.high))))
        blocks += data_block(of_map, rows)
        plots.append(f"${of_map} using 1:2:($1-0.16):($1+0.16):($2<1?$2:1):($2<1?1:$2) "
                     f'with boxxyerror fs solid 0.85 noborder lc rgb "{COLORS[of_map]}" '
                     f'title "legacy over {of_map}"')
        plots.append(f"${of_map} using 1:3:(0):($4-$3) with vectors heads size 0.06,90 "
                     'lc rgb "#111111" notitle')
    tics = ", ".join(f'"{case}" {index}' for index, case in enumerate(GUESTS))
    tics = tics.replace("_", "\\\\_")
    return (blocks + f"set xtics ({tics}) rotate by -20 scale 0\nset logscale y\n"
            "set yrange [0.02:20]\nset xrange [-0.6:7.6]\n"
            'set ytics ("1/50" 0.02, "1/20" 0.05, "1/10" 0.1, "1/5" 0.2, "1/2" 0.5, "1" 1, "2" 2, '
            '"5" 5, "10" 10, "20" 20)\n'
            'set arrow from -0.6, 1 to 7.6, 1 nohead lc rgb "#222222" lw 1 front\n'
            'set title "Whole guests: time of legacy over time of the lists (above 1 the list is '
            'faster)"\nset ylabel "ratio of times"\n'
            "plot " + ", \\\n  ".join(plots) + "\n")


SIZES = {"traverse": (920, 400), "add": (920, 400), "remove": (560, 400), "memory": (640, 420),
         "guests": (860, 400)}
PLOTS = {function.__name__: function for function in (traverse, add, remove, memory, guests)}


def script(name, results, output):
    width, height = SIZES[name]
    return HEAD.format(width=width, height=height, output=output) + PLOTS[name](results)


def draw(results, folder):
    """Draws every plot into a folder, whole or not at all; returns the names of the files."""
    names = []
    for name in PLOTS:
        path = os.path.join(folder, f"{name}.svg")
        scratch = os.path.join(folder, f".{name}.svg.new")
        try:
            measure.run(["gnuplot", "-"], input=script(name, results, scratch))
            os.replace(scratch, path)
        finally:
            if os.path.exists(scratch):
                os.unlink(scratch)
        names.append(os.path.basename(path))
    return names

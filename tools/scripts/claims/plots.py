"""The results as SVG, by gnuplot. Each plot is a script with its data in it, as text."""

import itertools
import os

from tools.scripts.claims import measure, results as results_lib
from tools.scripts.claims.results import MAPS
from tools.scripts.claims.tables import GUESTS

# One for each map, in the order of results.MAPS.
COLORS = dict(zip(MAPS, itertools.cycle(("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00"))))
POINTS = dict(zip(MAPS, itertools.cycle((7, 5, 9, 11, 13))))

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


class Curves:
    """Data in blocks, and the command that plots them."""

    def __init__(self, prefix="d"):
        self.data = ""
        self._prefix = prefix
        self._plots = []

    def add(self, rows, *ways):
        """Rows of cells, plotted in each of some ways: the words of gnuplot that follow the data.
        """
        name = f"${self._prefix}{len(self._plots)}"
        lines = "\n".join(" ".join(str(cell) for cell in row) for row in rows)
        self.data += f"{name} << EOD\n{lines}\nEOD\n"
        self._plots += [f"{name} {way}" for way in ways]

    def plot(self):
        return "plot " + ", \\\n  ".join(self._plots) + "\n"


def with_quartiles(x, found, scale=1.0):
    return (x, *(f"{value * scale:.4g}" for value in (found.median, found.low, found.high)))


def time_curves(results, curves):
    """Nanoseconds, with quartiles, of each (case, map, layout, dash, title)."""
    drawn = Curves("t")
    for case, of_map, layout, dash, title in curves:
        drawn.add([with_quartiles(n, results.time(case, of_map, layout, n), 1e9)
                   for n in results.lengths()],
                  f'using 1:2:3:4 with yerrorlines lc rgb "{COLORS[of_map]}" dt {dash} '
                  f'pt {POINTS[of_map]} ps 0.6 title "{title}"')
    return drawn


def by_map_and_layout(case, maps=MAPS[:2]):
    return [(case, of_map, layout, dash, f"{of_map}, {layout}")
            for of_map in maps for dash, layout in ((1, "scattered"), (2, "packed"))]


def step_curves(results, case, maps):
    drawn = Curves("s")
    for of_map in maps:
        drawn.add([(n, f"{results.steps(case, of_map, n):.6g}") for n in results.lengths()],
                  f'using 1:2 with linespoints lc rgb "{COLORS[of_map]}" pt {POINTS[of_map]} '
                  f'ps 0.6 title "{of_map}, exponent {results.steps_exponent(case, of_map):.2f}"')
    return drawn


def two_panels(results, case, what, maps):
    """Time on the left, instructions on the right, both on log axes."""
    times = time_curves(results, by_map_and_layout(case, maps))
    steps = step_curves(results, case, maps)
    return (times.data + steps.data + LOG_AXES
            + "set multiplot layout 1,2\n"
            + f'set title "{what}: time"\nset ylabel "nanoseconds"\n{times.plot()}'
            + f'set title "{what}: instructions"\nset ylabel "instructions"\n{steps.plot()}'
            + "unset multiplot\n")


def traverse(results):
    return two_panels(results, "traverse", "A traversal by rmap\\\\_next", MAPS[:2])


def add(results):
    return two_panels(results, "add", "rmap\\\\_add of the nth entry", MAPS)


def remove(results):
    curves = [(f"remove_{place}", of_map, "scattered", dash, f"{of_map}, the {place} of the list")
              for of_map in MAPS[:2] for dash, place in ((1, "tail"), (2, "head"))]
    times = time_curves(results, curves)
    return (times.data + LOG_AXES + 'set title "rmap\\\\_remove, entries scattered"\n'
            + 'set ylabel "nanoseconds"\n' + times.plot())


def memory(results):
    drawn, marks = Curves(), ""
    drawn.add([(fill, f"{value:.5g}") for fill, value in results.fills("sibling", 1)],
              f'using 1:2 with lines lw 2 lc rgb "{COLORS["sibling"]}" '
              'title "sibling, any length of list"')
    for index, n in enumerate((1, 2, 4)):
        drawn.add([(fill, f"{value:.5g}") for fill, value in results.fills("legacy", n)],
                  f'using 1:2 with lines lw 1.5 dt {index + 1} lc rgb "{COLORS["legacy"]}" '
                  f'title "legacy, each frame mapped {n}x"')
        predicted = results_lib.predicted_break_even(n)
        if predicted is None:
            continue
        measured = results.break_even("sibling", n)
        marks += (f'set arrow from {predicted:.1f}, graph 0 to {predicted:.1f}, graph 0.52 nohead '
                  f'dt 3 lc rgb "#777777"\n'
                  f'set label "n = {n}: break-even\\npredicted {predicted:.1f}'
                  f'\\nmeasured {measured}" at {predicted:.1f}, graph 0.66 center '
                  'textcolor rgb "#333333"\n')
    return (drawn.data + marks + "set logscale y 2\nset xrange [0:520]\nset xtics 64\n"
            'set key right top noreverse Right\nset yrange [16:2048]\n'
            'set title "Memory of shadow pages and reverse map"\n'
            'set xlabel "entries in use of the 512 of each shadow page"\n'
            'set ylabel "bytes per mapping"\n' + drawn.plot())


def guests(results):
    drawn = Curves()
    for offset, of_map in ((-0.18, "sibling"), (0.18, "counted")):
        drawn.add([with_quartiles(f"{index + offset:.2f}",
                                  results.time_ratio(case, "legacy", of_map))
                   for index, case in enumerate(GUESTS)],
                  "using 1:2:($1-0.16):($1+0.16):($2<1?$2:1):($2<1?1:$2) with boxxyerror "
                  f'fs solid 0.85 noborder lc rgb "{COLORS[of_map]}" title "legacy over {of_map}"',
                  'using 1:3:(0):($4-$3) with vectors heads size 0.06,90 lc rgb "#111111" notitle')
    tics = ", ".join(f'"{case}" {index}' for index, case in enumerate(GUESTS))
    tics = tics.replace("_", "\\\\_")
    return (drawn.data + f"set xtics ({tics}) rotate by -20 scale 0\nset logscale y\n"
            "set yrange [0.02:20]\nset xrange [-0.6:7.6]\n"
            'set ytics ("1/50" 0.02, "1/20" 0.05, "1/10" 0.1, "1/5" 0.2, "1/2" 0.5, "1" 1, "2" 2, '
            '"5" 5, "10" 10, "20" 20)\n'
            'set arrow from -0.6, 1 to 7.6, 1 nohead lc rgb "#222222" lw 1 front\n'
            'set title "Whole guests: time of legacy over time of the lists (above 1 the list is '
            'faster)"\nset ylabel "ratio of times"\n' + drawn.plot())


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

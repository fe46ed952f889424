"""Where the tics of an axis stand, and what they say."""

import math

from tools.scripts.report import words

# Units of the time axis: seconds, name, and the steps that its tics may have.
UNITS = (
    (1, "s", (1, 2, 5, 10, 15, 30, 60)),
    (60, "min", (1, 2, 5, 10, 15, 30, 60)),
    (3600, "h", (1, 2, 3, 6, 12, 24)),
    (86400, "d", (1, 2, 5, 7, 14, 28)),
)


def time_unit(seconds):
    """The unit that such a span is read in: (seconds, name, steps)."""
    fitting = [unit for unit in UNITS if seconds >= 3 * unit[0]]
    return fitting[-1] if fitting else UNITS[0]


def time_tics(seconds, most):
    """[(position in the unit, label)] from 0 to the end; the last label names the unit."""
    length, name, steps = time_unit(seconds)
    span = seconds / length
    step = next((step for step in steps if span / step <= most), nice_step(span / most))
    tics = [(i * step, words.short(i * step)) for i in range(int(span / step + 1e-9) + 1)]
    return tics[:-1] + [(tics[-1][0], f"{tics[-1][1]} {name}")]


def nice_step(least):
    """The least of 1, 2, 5, 10, 20, 50 ... that is not below."""
    if least <= 0:
        return 1
    power = 10 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def value_tics(highest, most, whole=False):
    """[(position, label)] from 0 to the last round value that is not above the highest."""
    step = nice_step(highest / most)
    if whole:
        step = max(step, 1)
    return [(i * step, words.short(i * step)) for i in range(int(highest / step + 1e-9) + 1)]


def ends(highest):
    """Of an axis that has room for two labels: 0 and the highest value itself."""
    return [(0, "0"), (highest, words.short(highest))]

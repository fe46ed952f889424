"""Numbers out of samples: ratios with their spread, exponents, and how a number is written."""

import collections
import math
import statistics


# The median of some samples and the quartiles around it.
Spread = collections.namedtuple("Spread", "median low high")


def spread(samples):
    """REQUIRES: at least one sample."""
    if len(samples) == 1:
        return Spread(samples[0], samples[0], samples[0])
    low, median, high = statistics.quantiles(samples, n=4, method="inclusive")
    return Spread(median, low, high)


def ratio(over, under):
    """The spread of one series over another, repetition by repetition of one run."""
    if len(over) != len(under):
        raise ValueError(f"{len(over)} samples over {len(under)}, expected as many")
    return spread([a / b for a, b in zip(over, under)])


def exponent(points):
    """The slope of a straight line through (n, cost) on log axes, by least squares.

    REQUIRES: two different n at least, everything positive.
    """
    lengths, costs = zip(*points)
    return statistics.linear_regression(list(map(math.log, lengths)),
                                        list(map(math.log, costs))).slope


def number(value):
    """Three digits that count, and no more than that: 0.0123, 1.23, 12.3, 123, 1,230."""
    if value == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    if digits <= 0:
        return f"{rounded:,.0f}"
    return f"{rounded:,.{digits}f}"


def times(value):
    """A factor: 0.49x, 3.14x, 46.2x, 209x."""
    if value < 10:
        return f"{value:.2f}x"
    return f"{value:.1f}x" if value < 100 else f"{value:,.0f}x"


def times_spread(found):
    """A factor with its quartiles."""
    return f"{times(found.median)} ({times(found.low)[:-1]}..{times(found.high)[:-1]})"


def duration(seconds):
    """With the unit that suits it."""
    for unit, scale in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{number(seconds / scale)} {unit}"
    return f"{number(seconds / 1e-9)} ns"


def size(amount):
    """Bytes with the unit that suits them."""
    for unit, scale in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if abs(amount) >= scale:
            return f"{number(amount / scale)} {unit}"
    return f"{number(amount)} B"

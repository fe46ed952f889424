"""How long seeded faults survive, as figures: pure functions.

A trial is (seconds, found): the time at which the fault was found, or at which the trial ended
without. Kaplan and Meier 1958 for the curve, its area up to a limit for the restricted mean, with
Greenwood's variance (as in Klein and Moeschberger, Survival Analysis, 4.5). Two samples of times
are compared by Vargha and Delaney's A12 (2000) and the Mann-Whitney test with the normal
approximation, corrected for ties.
"""

import collections
import math
import statistics

Z95 = 1.959964

Mean = collections.namedtuple("Mean", "seconds low high")
Comparison = collections.namedtuple("Comparison", "ratio a12 p")


def curve(trials):
    """[(seconds, share that has survived from then on)], beginning with (0.0, 1.0)."""
    points = [(0.0, 1.0)]
    at_risk = len(trials)
    for seconds, group in _by_time(trials):
        found = sum(1 for _, was_found in group if was_found)
        if found:
            points.append((seconds, points[-1][1] * (1 - found / at_risk)))
        at_risk -= len(group)
    return points


def _by_time(trials):
    groups = collections.defaultdict(list)
    for trial in trials:
        groups[trial[0]].append(trial)
    return sorted(groups.items())


def _area(points, begin, end):
    """Below the curve from `begin` to `end`."""
    area = 0.0
    for i, (seconds, share) in enumerate(points):
        until = points[i + 1][0] if i + 1 < len(points) else end
        area += share * max(0.0, min(until, end) - max(seconds, begin))
    return area


def restricted_mean(trials, limit):
    """The mean time that a fault survives, those beyond `limit` counted as that long."""
    points = curve(trials)
    mean = _area(points, 0.0, limit)
    variance = 0.0
    at_risk = len(trials)
    for seconds, group in _by_time(trials):
        found = sum(1 for _, was_found in group if was_found)
        if found and at_risk > found and seconds <= limit:
            variance += _area(points, seconds, limit) ** 2 * found / (
                at_risk * (at_risk - found))
        at_risk -= len(group)
    half = Z95 * math.sqrt(variance)
    return Mean(mean, max(0.0, mean - half), min(limit, mean + half))


def median_time(trials):
    """None if fewer than half of the trials have found the fault."""
    times = [seconds if found else math.inf for seconds, found in trials]
    middle = statistics.median(times)
    return None if math.isinf(middle) else middle


def capped(trials, limit):
    """The times as a sample to compare: a fault that is not found has survived for `limit`."""
    return [min(seconds, limit) if found else limit for seconds, found in trials]


def a12(ones, others):
    """The chance that one of `ones` is greater than one of `others`, ties counted half."""
    wins = sum((one > other) + (one == other) / 2 for one in ones for other in others)
    return wins / (len(ones) * len(others))


def mann_whitney_p(ones, others):
    """Two-sided: how likely so unequal samples are if both are of one distribution."""
    n, m = len(ones), len(others)
    together = n + m
    ties = collections.Counter(ones + others)
    tie_sum = sum(count ** 3 - count for count in ties.values())
    variance = n * m / 12 * (together + 1 - tie_sum / (together * (together - 1)))
    if variance <= 0:
        return 1.0
    distance = abs(a12(ones, others) * n * m - n * m / 2)
    z = max(0.0, distance - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


def compare(ones, others, limit):
    """Of two lists of trials: restricted mean of the one over that of the other, A12, p."""
    one_times, other_times = capped(ones, limit), capped(others, limit)
    ratio = restricted_mean(ones, limit).seconds / restricted_mean(others, limit).seconds
    return Comparison(ratio, a12(one_times, other_times), mann_whitney_p(one_times, other_times))

"""Curves from samples: pure functions. A point is (elapsed seconds, value or None if unknown)."""


def of_run(samples, field):
    """The sum over the targets that say it."""
    return [(sample.elapsed, _sum(figures.get(field) for figures in sample.targets.values()))
            for sample in samples]


def of_target(samples, name, field):
    return [(sample.elapsed, sample.targets.get(name, {}).get(field)) for sample in samples]


def findings(samples):
    return [(sample.elapsed, sample.findings) for sample in samples]


def _sum(values):
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def rates(counts, seconds=None):
    """Per second of the run, or of other seconds as a curve of the same samples.

    Each is a mean between two points and stands in the middle of them; None where it cannot be
    known: a count that went back, or no time between them.
    """
    clock = seconds or [(x, x) for x, _ in counts]
    points = []
    for i in range(1, len(counts)):
        (begin, before), (end, after) = counts[i - 1], counts[i]
        known = None not in (before, after, clock[i - 1][1], clock[i][1])
        passed = clock[i][1] - clock[i - 1][1] if known else 0
        rate = (after - before) / passed if passed > 0 and after >= before else None
        points.append(((begin + end) / 2, rate))
    return points


def spread(samples, most):
    """At most so many samples, at most one for each equal part of the time, and the last."""
    if len(samples) <= most:
        return samples
    begin, end = samples[0].elapsed, samples[-1].elapsed
    part = (end - begin) / (most - 1) or 1
    kept, used = [], -1
    for sample in samples:
        if int((sample.elapsed - begin) / part) > used:
            used = int((sample.elapsed - begin) / part)
            kept.append(sample)
    return kept if kept[-1] is samples[-1] else kept + [samples[-1]]


def last_growth(points):
    """When the value rose for the last time; None if it never did."""
    when, highest = None, None
    for x, value in points:
        if value is None:
            continue
        if highest is not None and value > highest:
            when = x
        highest = value if highest is None else max(highest, value)
    return when

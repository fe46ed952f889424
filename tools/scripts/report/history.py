"""How a run grew, as `rmapdiff status --history` has it: figures that only grow, over its time."""

import collections

# elapsed: seconds of all sessions so far. run: which session. targets: {name: {field: number}} of
# every target that this sample or one before it has named. final: whether it ended its session.
Sample = collections.namedtuple("Sample", "time run elapsed jobs seed targets findings final")

# lines: how many samples the run has; `samples` may be some of them. sessions: the first of each.
History = collections.namedtuple("History", "samples lines sessions")


def take(values):
    """A History of the field `history`."""
    samples, sessions = [], []
    for one in values["samples"]:
        last = samples[-1] if samples else None
        if last and one["elapsed"] < last.elapsed:
            continue  # clocks may go back, the time of a run may not
        targets = {**(last.targets if last else {}), **one["targets"]}
        samples.append(Sample(one["time"], one["run"], one["elapsed"], one["jobs"], one["seed"],
                              targets, one["findings"], one.get("final", False)))
        if not sessions or one["run"] != sessions[-1].run:
            sessions.append(samples[-1])
    return History(samples, values["lines"], sessions)

"""The lines of stats.jsonl, of all sessions of a run: figures that only grow, over its time.

What is kept is bounded: of more samples than MOST every second one is dropped, again and again, but
never the first, the last, or the first of a session. A last line that is cut off is being written,
or was when its session was killed; other lines that are no sample are counted and left out.
"""

import collections

from tools.scripts.report import files

MOST = 4096
MOST_SESSIONS = 1000
LONGEST_LINE = 1 << 20

FIELDS = ("execs", "ops", "seconds", "coverage", "features", "corpus", "corpus_bytes", "findings")

# elapsed: seconds of all sessions so far. run: which session. targets: {name: {field: number}} of
# every target that this line or one before it has named. final: whether its session ended with it.
Sample = collections.namedtuple("Sample", "time run elapsed jobs seed targets findings final")

# lines: how many were good. sessions: the first sample of each. notes: what was left out.
History = collections.namedtuple("History", "samples lines sessions notes")

EMPTY = History([], 0, [], [])


def read(path):
    """Raises files.Unreadable."""
    samples, sessions, bad, lines = [], [], [], 0
    last, stride, targets = None, 1, {}
    with files.open_file(path) as file:
        for number, line in _lines(file):
            try:
                last = _sample(files.parse_object(line), targets, last)
            except ValueError as error:
                bad.append(f"stats.jsonl:{number}: {error}")
                continue
            targets = last.targets
            is_first = not sessions or (last.run != sessions[-1].run
                                        and len(sessions) < MOST_SESSIONS)
            if is_first:
                sessions.append(last)
            if is_first or lines % stride == 0:
                samples.append(last)
            lines += 1
            if len(samples) > MOST + len(sessions):
                samples, stride = _halved(samples, sessions), 2 * stride
    if last is not None and samples[-1] is not last:
        samples.append(last)
    return History(samples, lines, sessions, _notes(bad))


def _lines(file):
    """(number, bytes) of each line that is not cut off; what is too long comes as b""."""
    number = 0
    while True:
        line = file.readline(LONGEST_LINE)
        number += 1
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = file.readline(LONGEST_LINE)
            line = line and b"\n"
        if not line.endswith(b"\n"):
            return
        yield number, line[:-1]


def _sample(values, before, last):
    """ValueError says what is missing. Time never goes back: clocks may, elapsed may not."""
    elapsed, targets = files.number(values.get("elapsed")), values.get("targets")
    if elapsed is None or not isinstance(targets, dict):
        raise ValueError("no sample: expected numbers in 'elapsed' and an object in 'targets'")
    if last is not None and elapsed < last.elapsed:
        raise ValueError(f"elapsed went back from {last.elapsed:.0f} s to {elapsed:.0f} s")
    merged = dict(before)
    for name, figures in targets.items():
        if isinstance(figures, dict):
            merged[name] = {field: files.number(figures.get(field)) for field in FIELDS}
    return Sample(files.number(values.get("time")), files.number(values.get("run")) or 1, elapsed,
                  files.number(values.get("jobs")), files.number(values.get("seed")), merged,
                  files.number(values.get("findings")), values.get("final") is True)


def sample_of_summary(values):
    """The one sample that summary.json, which a session writes at its end, is worth; or None."""
    try:
        return _sample({**values, "final": values.get("interrupted") is not True}, {}, None)
    except ValueError:
        return None


def _halved(samples, sessions):
    """Every second one, and the first of each session."""
    firsts = {id(session) for session in sessions}
    return [sample for i, sample in enumerate(samples) if i % 2 == 0 or id(sample) in firsts]


def _notes(bad):
    if not bad:
        return []
    more = f" ({len(bad) - 1:,} more lines as well)" if len(bad) > 1 else ""
    return [f"{bad[0]}; left out{more}"]

"""The head of the page: the verdict in one sentence, the facts, and a table of the targets."""

import collections

from tools.scripts.report import series, words
from tools.scripts.report.markup import Html, element, facts, join, notes, section, table

HEADS = ("target", "programs", "a second", "operations", "a second", "time", "coverage", "features",
         "last grew at", "inputs", "size", "findings")


# Growth in so small a part of the run, its last, is growth at the end.
STILL = 0.01


def targets_of(history):
    return sorted(history.samples[-1].targets) if history.samples else []


def _kinds(findings):
    counts = collections.Counter(finding.kind or "unknown kind" for finding in findings)
    return ", ".join(f"{kind} {number}" for kind, number in sorted(counts.items()))


def verdict(run):
    end = run.history.samples[-1] if run.history.samples else None
    if run.findings:
        found = f"{words.plural(len(run.findings), 'distinct finding')} ({_kinds(run.findings)})"
    elif end and end.findings:
        found = f"{words.plural(end.findings, 'distinct finding')}, whose folders are gone,"
    else:
        found = "Nothing was found"
    if end is None:
        return f"{found}; the run has left no figures."
    (_, execs), = series.of_run([end], "execs")
    (_, ops), = series.of_run([end], "ops")
    return (f"{found} in {words.duration(end.elapsed)}: {words.short(execs)} programs, "
            f"{words.short(ops)} operations.{_search(run.history)}")


def _search(history):
    """Whether more time would be worth it."""
    grew = series.last_growth(series.of_run(history.samples, "features"))
    if grew is None:
        return ""
    before = history.samples[-1].elapsed - grew
    if before <= STILL * history.samples[-1].elapsed:
        return " New features still came at the end."
    return f" The last new feature came {words.duration(before)} before the end."


def _seeds(sessions):
    seeds = [words.count(session.seed).replace(",", "") for session in sessions]
    more = f" and {len(seeds) - 8} more" if len(seeds) > 8 else ""
    return ", ".join(seeds[:8]) + more


def _began(sessions):
    first = sessions[0]
    return None if first.time is None or first.run != 1 else first.time - first.elapsed


def _scouts(end):
    """The programs that scouts ran, and their share of the time."""
    (execs, seconds, all_seconds) = (series.of_run([end], field)[0][1] for field in
                                     ("scout_execs", "scout_seconds", "seconds"))
    if not execs:
        return "none"
    share = f", {seconds / all_seconds:.0%} of the time" if seconds and all_seconds else ""
    return f"{words.count(execs)} programs of scouts{share}"


def _facts(run, now):
    pairs = [("folder", run.path), ("this page", words.date(now))]
    if run.history.samples:
        end, sessions = run.history.samples[-1], run.history.sessions
        ended = "ended" if end.final else "no end recorded: it goes on, or was killed"
        pairs += [
            ("began", words.date(_began(sessions))), ("last figures", words.date(end.time)),
            ("then", ended), ("time", words.duration(end.elapsed)),
            ("sessions", words.count(max(len(sessions), end.run))), ("jobs", words.count(end.jobs)),
            ("seed" if len(sessions) == 1 else "seeds", _seeds(sessions)),
            ("without sanitizers", _scouts(end))]
    return facts(pairs)


def _over(value, seconds):
    return value / seconds if value is not None and seconds else None


def _row(name, figures, seconds, grew):
    """seconds: what rates are by."""
    execs, ops = figures["execs"], figures["ops"] or None
    cells = [words.short(execs), words.short(_over(execs, seconds)), words.short(ops),
             words.short(_over(ops, seconds)),
             words.duration(figures["seconds"]), words.count(figures["coverage"]),
             words.count(figures["features"]), words.duration(grew),
             words.count(figures["corpus"]), words.size(figures["corpus_bytes"]),
             words.count(figures["findings"])]
    last = element("td", cells.pop(), class_="bad" if figures["findings"] else None)
    return [name, *cells, last]


def _table(run):
    history = run.history
    if not history.samples:
        return Html("")
    end = history.samples[-1]
    rows = []
    for name in targets_of(history):
        figures = end.targets[name]
        grew = series.last_growth(series.of_target(history.samples, name, "features"))
        rows.append(_row(name, figures, figures["seconds"], grew))
    total = {field: series.of_run([end], field)[0][1] for field in
             ("execs", "ops", "seconds", "coverage", "features", "corpus", "corpus_bytes",
              "findings")}
    total["findings"] = end.findings if end.findings is not None else total["findings"]
    grew = series.last_growth(series.of_run(history.samples, "features"))
    foot = _row("all", total, end.elapsed, grew)
    return join(
        table("Targets at the end", HEADS, rows, class_="numbers", foot=foot),
        element("p", "Rates of a target are by the time of its own processes, those of all by the "
                "time of the run; “–” is what is not known.", class_="hint"))


def section_of(run, now):
    state = "bad" if run.findings or run.history.samples and run.history.samples[-1].findings else (
        "good" if run.history.samples else "open")
    return section("overview", "Verdict", element("p", verdict(run), class_=f"verdict {state}"),
                   notes([f"{line}." for line in run.notes]), _facts(run, now),
                   _table(run))

"""The figures of a coverage run as one value, and that value as text."""

import dataclasses

from tools.scripts.coverage import coverage_map

# Distinguishes our own summary.json from a file of another program.
FORMAT = "rmapdiff-coverage-1"

KINDS = ("lines", "branches", "functions")


@dataclasses.dataclass
class Exclusion:
    """One line of unreachable.txt: `path:function  reason`."""

    path: str
    function: str
    reason: str
    line: int


def read_exclusions(lines, source):
    """The exclusions of a list, and a warning for each line that is none."""
    exclusions, warnings = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        place, _, reason = line.strip().partition(" ")
        path, _, function = place.partition(":")
        if path and function and reason.strip():
            exclusions.append(Exclusion(path, function, reason.strip(), number))
        else:
            warnings.append(f"{source}:{number}: bad line, expected 'path:function  reason'")
    return exclusions, warnings


def figure(counts):
    """The figure of a list of counts."""
    return ratio(sum(count > 0 for count in counts), len(counts))


def ratio(covered, total):
    """A figure; its percentage is None if there is nothing to cover."""
    percent = round(100.0 * covered / total, 2) if total else None
    return {"covered": covered, "total": total, "percent": percent}


def file_summary(path, file):
    sides = [count for branch in file.branches.values() for count in (branch.true, branch.false)]
    return {
        "path": path,
        "lines": figure(file.lines.values()),
        "branches": figure(sides),
        "functions": figure([function.count for function in file.functions.values()]),
        "uncovered_lines": sorted(line for line, count in file.lines.items() if count == 0),
        "uncovered_branches": [
            {"line": place[0], "column": place[1], "side": side}
            for place, branch in sorted(file.branches.items())
            for side, count in (("true", branch.true), ("false", branch.false)) if count == 0],
    }


def add_up(summaries):
    return {
        kind: ratio(sum(summary[kind]["covered"] for summary in summaries),
                    sum(summary[kind]["total"] for summary in summaries))
        for kind in KINDS}


def _named_functions(files, demangled):
    """Path, line, plain name and count of every function."""
    for path, file in sorted(files.items()):
        for place, function in sorted(file.functions.items()):
            name = min(coverage_map.plain_name(demangled[symbol]) for symbol in function.symbols)
            yield path, place[0], name, function.count


def _split_unreached(functions, exclusions, source, complete):
    """The functions without a call: those to be reached, those excluded, and warnings."""
    reasons = {(item.path, item.function): item.reason for item in exclusions}
    unreached, excluded = [], []
    for path, line, name, count in functions:
        entry = {"path": path, "line": line, "function": name}
        if count == 0 and (path, name) in reasons:
            excluded.append(dict(entry, reason=reasons[path, name]))
        elif count == 0:
            unreached.append(entry)
    named = {(path, name) for path, _, name, _ in functions}
    needed = {(entry["path"], entry["function"]) for entry in excluded}
    warnings = []
    for item in exclusions:
        key = (item.path, item.function)
        if key not in needed and (complete or key in named):
            what = "is covered" if key in named else "is not a function of a fuzz target"
            warnings.append(f"{source}:{item.line}: {item.path}:{item.function} {what}")
    return unreached, excluded, warnings


def summarize(files, demangled, exclusions, source, folders, complete=True):
    """The whole result.

    `demangled` maps symbols to names; `source` is the file of the exclusions, each of which names a
    function of some fuzz target if these are `complete`.
    """
    summaries = [file_summary(path, file) for path, file in sorted(files.items())]
    functions = list(_named_functions(files, demangled))
    unreached, excluded, warnings = _split_unreached(functions, exclusions, source, complete)
    totals = {
        folder: add_up([summary for summary in summaries if summary["path"].startswith(folder)])
        for folder in folders}
    return {
        "format": FORMAT,
        "files": summaries,
        "folders": totals,
        "total": add_up(summaries),
        "unreached": unreached,
        "unreachable": excluded,
        "warnings": warnings,
    }


def _row(name, summary):
    cells = [f"{name:<32}"]
    for kind in KINDS:
        found = summary[kind]
        percent = "-" if found["percent"] is None else f"{found['percent']:.1f}%"
        cells.append(f"{percent:>7} {found['covered']:>4}/{found['total']:<4}")
    return "  ".join(cells).rstrip()


def _section(title, lines):
    return ["", f"{title} ({len(lines)}):"] + ["  " + line for line in lines] if lines else []


def _place(entry):
    return f"{entry['path']}:{entry['line']} {entry['function']}"


def render(summary):
    """The summary as a table and lists, for the screen."""
    head = "  ".join([f"{'':<32}"] + [f"{kind:>17}" for kind in KINDS])
    rows = [_row(file["path"], file) for file in summary["files"]]
    totals = [_row(folder, found) for folder, found in summary["folders"].items()]
    seeds = sum(target["seeds"] for target in summary["targets"])
    names = ", ".join(target["name"] for target in summary["targets"])
    lines = [f"{seeds} seeds of {names}", "", head, *rows, "", *totals,
             _row("total", summary["total"])]
    lines += _section("no seed reaches", [_place(entry) for entry in summary["unreached"]])
    lines += _section("cannot be reached by a seed", [
        f"{_place(entry)}: {entry['reason']}" for entry in summary["unreachable"]])
    lines += _section("without code in these targets", summary["absent"])
    return "\n".join(lines) + "\n"

"""The folder of a run: what it says of itself, and its findings. Nothing in it is trusted."""

import collections
import os

from tools.scripts.report import files, history

MOST_FINDINGS = 1000
LONGEST_JSON = 1 << 20
LONGEST_TEXT = 64 << 10

# folder: its name below findings/. minimal, report: their text. problems: what could not be read.
Finding = collections.namedtuple(
    "Finding", "folder signature target kind engine count first_seen last_seen artifact ops "
    "minimal report problems")

# notes: what of the folder is missing or left out, each a line for the reader of the page.
Run = collections.namedtuple("Run", "path name history findings notes")


class NoRun(Exception):
    """Why a path is not the folder of a run, in one line that begins with the path."""


def read(path):
    if not os.path.isdir(path):
        what = "is no folder" if os.path.lexists(path) else "no such folder"
        raise NoRun(f"{path}: {what}, expected the DIR of `rmapdiff fuzz --dir=DIR`")
    if not any(os.path.lexists(os.path.join(path, name))
               for name in ("stats.jsonl", "summary.json", "findings")):
        raise NoRun(f"{path}: not the folder of a run: it has neither stats.jsonl nor summary.json "
                    "nor findings/")
    past, notes = _read_history(path)
    findings, more = _read_findings(os.path.join(path, "findings"))
    return Run(path, os.path.basename(os.path.abspath(path)), past, findings, notes + more)


def _read_history(path):
    """Of stats.jsonl; else the end alone, of summary.json."""
    try:
        past = history.read(os.path.join(path, "stats.jsonl"))
        if past.samples:
            return past, past.notes
        notes = past.notes + ["stats.jsonl has no sample yet"]
    except files.Unreadable as error:
        notes = [f"stats.jsonl {error}"]
    try:
        summary = files.read_object(os.path.join(path, "summary.json"), LONGEST_JSON)
    except files.Unreadable:
        return history.EMPTY, notes
    end = history.sample_of_summary(summary)
    if end is None:
        return history.EMPTY, notes + ["summary.json has no figures"]
    notes.append("the figures are those of the last session, from summary.json")
    return history.EMPTY._replace(samples=[end], sessions=[end]), notes


def _read_findings(folder):
    """Those that can be read, the oldest first, and notes on the others."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder)
                       if not entry.name.startswith("."))
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [f"findings/ cannot be read: {error.strerror}"]
    notes = []
    if len(names) > MOST_FINDINGS:
        notes.append(f"findings/ holds {len(names):,}; the first {MOST_FINDINGS:,} by name are "
                     "shown")
    findings = [_read_finding(folder, name) for name in names[:MOST_FINDINGS]]
    return sorted(findings, key=_age), notes


def _age(finding):
    first_seen = finding.first_seen
    return (first_seen is None, first_seen or 0, finding.folder)


def _read_finding(folder, name):
    path, problems = os.path.join(folder, name), []
    try:
        values = files.read_object(os.path.join(path, "finding.json"), LONGEST_JSON)
    except files.Unreadable as error:
        values = {}
        problems.append(f"finding.json {error}")
    text = {key: files.string(values.get(key))
            for key in ("signature", "target", "kind", "engine", "artifact")}
    number = {key: files.number(values.get(key))
              for key in ("count", "first_seen", "last_seen", "ops")}
    minimal = _read_part(path, values.get("minimal", ""), problems)
    report = _read_part(path, values.get("report", "report.txt"), problems)
    return Finding(folder=name, minimal=minimal, report=report, problems=problems,
                   **{**text, "signature": text["signature"] or name}, **number)


def _read_part(path, name, problems):
    """The text of a file in the folder of a finding; "" if there is none."""
    if name == "":
        return ""
    if not isinstance(name, str) or os.path.basename(name) != name or "\0" in name:
        problems.append(f"finding.json names a file outside its folder: {str(name)[:100]}")
        return ""
    try:
        text, whole = files.read_text(os.path.join(path, name), LONGEST_TEXT)
    except (files.Unreadable, UnicodeEncodeError) as error:
        problems.append(f"{name} {error}")
        return ""
    if not whole:
        problems.append(f"{name} is longer than {LONGEST_TEXT >> 10} KiB; the beginning is shown")
    return text

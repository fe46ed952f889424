"""The folder of a run: what `rmapdiff status` says of it, and the texts of its findings.

Names and texts may be anything, so no file outside the folder of a finding is read.
"""

import collections
import os
import subprocess

from tools.scripts.common import script
from tools.scripts.report import files, history

MOST_FINDINGS = 1000
LONGEST_JSON = 256 << 20
LONGEST_TEXT = 64 << 10

FIELDS = "signature target kind engine count first_seen last_seen artifact ops"

# folder: its name below findings/. minimal, report: their text. problems: what could not be read.
Finding = collections.namedtuple("Finding", f"folder {FIELDS} minimal report problems")

# notes: what of the folder is missing or left out, each a line for the reader of the page.
Run = collections.namedtuple("Run", "path name history findings notes")


def ask(rmapdiff, path):
    """What `rmapdiff status --history` says. Raises script.Failure, with its line and exit code."""
    try:
        done = subprocess.run([rmapdiff, "status", "--history", "--", path],
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        raise script.Failure(script.ENVIRONMENT, f"rmapdiff status: {error}") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "backslashreplace").strip().split("\n")[-1]
        raise script.Failure(done.returncode, said)
    return files.parse_object(done.stdout)


def load(path):
    """The same of a file, which may be a link. Raises script.Failure."""
    try:
        return files.read_object(os.path.realpath(path), LONGEST_JSON)
    except files.Unreadable as error:
        raise script.Failure(script.USAGE, f"{path}: {error}, expected what `rmapdiff status "
                             "--history` prints") from None


def read(path, status):
    """A Run, with the texts of its findings from the folder, the oldest first."""
    folder, notes = os.path.join(path, "findings"), list(status["remarks"])
    found = sorted(status["findings"], key=lambda one: (one["first_seen"], one["folder"]))
    if len(found) > MOST_FINDINGS:
        notes.append(f"findings/ holds {len(found):,}; the first {MOST_FINDINGS:,} are shown")
    findings = [_read_finding(folder, values) for values in found[:MOST_FINDINGS]]
    return Run(path, os.path.basename(os.path.abspath(path)), history.take(status["history"]),
               findings, notes)


def _read_finding(folder, values):
    name, problems = os.path.basename(values["folder"]), []
    path = os.path.join(folder, name)
    minimal = _read_part(path, values["minimal"], problems)
    report = _read_part(path, values["report"], problems)
    return Finding(folder=name, minimal=minimal, report=report, problems=problems,
                   **{field: values[field] for field in FIELDS.split()})


def _read_part(path, name, problems):
    """The text of a file in the folder of a finding; "" if there is none."""
    if name == "":
        return ""
    if os.path.basename(name) != name or "\0" in name:
        problems.append(f"finding.json names a file outside its folder: {name[:100]}")
        return ""
    try:
        text, whole = files.read_text(os.path.join(path, name), LONGEST_TEXT)
    except (files.Unreadable, UnicodeEncodeError) as error:
        problems.append(f"{name} {error}")
        return ""
    if not whole:
        problems.append(f"{name} is longer than {LONGEST_TEXT >> 10} KiB; the beginning is shown")
    return text

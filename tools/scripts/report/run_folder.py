"""The folder of a run: what `rmapdiff status` says of it, and the texts of its findings.

Names and texts may be anything, so no file outside the folder of a finding is read.
"""

import collections
import json
import os
import stat
import subprocess

from tools.scripts.common.script import ENVIRONMENT, USAGE, Failure
from tools.scripts.report import history

MOST_FINDINGS = 1000
LONGEST_TEXT = 64 << 10
LONGEST_LOG = 256 << 20

FIELDS = "signature target kind engine count first_seen last_seen artifact ops"

# folder: its name below findings/. minimal, report: their text. problems: why a text is not whole.
Finding = collections.namedtuple("Finding", f"folder {FIELDS} minimal report problems")

# notes: what of the folder is missing or left out, each a line for the reader of the page.
Run = collections.namedtuple("Run", "path name history findings notes")


def ask(rmapdiff, path):
    """What `rmapdiff status --history` says. Raises Failure, with its line and exit code."""
    try:
        done = subprocess.run([rmapdiff, "status", "--history", "--", path],
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        raise Failure(ENVIRONMENT, f"rmapdiff status: {error}") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "backslashreplace").strip().split("\n")[-1]
        raise Failure(done.returncode, said)
    return json.loads(done.stdout)


def load(path):
    """The same of a file. Raises Failure."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise Failure(USAGE, f"{path}: cannot be read: {error}, expected what `rmapdiff status "
                             "--history` prints") from None


def _times(path):
    """The times of all samples in the folder's stats.jsonl; none if it cannot be read."""
    log = os.path.join(path, "stats.jsonl")
    try:
        if not os.path.isfile(log) or os.path.getsize(log) > LONGEST_LOG:
            return set()
        with open(log, "rb") as file:
            lines = file.read().split(b"\n")
    except OSError:
        return set()
    times = set()
    for line in lines:
        try:
            times.add(json.loads(line)["time"])
        except (LookupError, TypeError, ValueError, RecursionError):
            continue
    return times


def check_same(path, status):
    """Raises Failure if a status is of another run than that in the folder `path`.

    Folders can be copied, so the first sample decides, if both have one, and not their names.
    """
    samples, times = status["history"]["samples"], _times(path)
    if samples and times and samples[0]["time"] not in times:
        raise Failure(USAGE, f"--status: is of the run in {status['folder']}, "
                             f"expected the status of {path}")


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
    texts = {}
    for part in ("minimal", "report"):
        texts[part], problem = _read_part(os.path.join(folder, name), values[part])
        problems += [problem] if problem else []
    return Finding(folder=name, problems=problems, **texts,
                   **{field: values[field] for field in FIELDS.split()})


def _read_part(path, name):
    """The text of a file in the folder of a finding, and why it is not whole; "" for neither."""
    if name == "":
        return "", ""
    if os.path.basename(name) != name or "\0" in name:
        return "", f"finding.json names a file outside its folder: {name[:100]}"
    try:
        content = _read_regular(os.path.join(path, name))
    except (OSError, UnicodeEncodeError) as error:
        return "", f"{name} cannot be read: {getattr(error, 'strerror', error)}"
    text = content[:LONGEST_TEXT].decode("utf-8", "backslashreplace")
    if len(content) > LONGEST_TEXT:
        return text, f"{name} is longer than {LONGEST_TEXT >> 10} KiB; the beginning is shown"
    return text, ""


def _read_regular(path):
    """The beginning of a regular file; never a pipe to wait for, nor a link elsewhere."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(0, "expected a regular file")
        return file.read(LONGEST_TEXT + 1)

"""Many trials, so many at a time, and their record: a line of JSON each, appended as they end.

A record that is there already is taken as done, so a campaign that was stopped goes on.
"""

import collections
import concurrent.futures
import json
import os
import sys

from tools.scripts.common.script import USAGE, Failure
from tools.scripts.mutants import trial

Record = collections.namedtuple("Record", ("arm",) + trial.Trial._fields)


# The type of a field of this name, in a record of any kind.
TYPES = {"arm": str, "mutant": str, "target": str, "seed": (int, str), "seconds": (int, float),
         "execs": int, "found": bool, "by": str, "signature": str, "guilty": str}


def _is(value, types):
    if types is bool or isinstance(value, bool):
        return types is bool and isinstance(value, bool)
    return isinstance(value, types) and (isinstance(value, str) or abs(value) < 2 ** 63)


def _parse(line, kind):
    """A namedtuple `kind`; ValueError says what is wrong with the line."""
    try:
        values = json.loads(line)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(values, dict) or set(values) != set(kind._fields):
        raise ValueError("expected an object with " + ", ".join(kind._fields))
    for name, value in values.items():
        if name in TYPES and not _is(value, TYPES[name]):
            raise ValueError(f"'{name}' is of another type")
    return kind(**values)


def load(path, kind=Record):
    """Returns the records of a file, or an empty list if the file does not exist.

    The last line is left out if it was cut off. Each other line that holds no record is told and
    left out too: its trial is done once more.
    """
    if not os.path.lexists(path):
        return []
    if not os.path.isfile(path):  # a pipe would be waited for
        raise Failure(USAGE, f"{path}: expected a file with records of trials")
    records = []
    with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith("\n"):
                break
            try:
                records.append(_parse(line, kind))
            except ValueError as error:
                print(f"{path}:{number}: left out, expected a record of a trial: {error}",
                      file=sys.stderr)
    return records


def _drop_half_a_line(path):
    if not os.path.exists(path):
        return
    with open(path, "rb+") as file:
        content = file.read()
        file.truncate(content.rfind(b"\n") + 1)


def go_on(tasks, key, work, kind, path, jobs, progress=lambda record, done, all_tasks: None):
    """Does the work of each task whose record is not in `path` yet, so many at a time.

    work(task) returns a record, a namedtuple `kind`; key(task or record) says which belong
    together. progress(record, done, all) is called after each. Returns the records of `tasks` in
    their order, and raises what `work` raises.
    """
    _drop_half_a_line(path)
    known = {key(record): record for record in load(path, kind)}
    missing = [task for task in tasks if key(task) not in known]
    done = len(tasks) - len(missing)
    with open(path, "a", encoding="utf-8") as file, \
            concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(work, task): task for task in missing}
        try:
            for future in concurrent.futures.as_completed(running):
                record = future.result()
                file.write(json.dumps(record._asdict()) + "\n")
                file.flush()
                known[key(running[future])] = record
                done += 1
                progress(record, done, len(tasks))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [known[key(task)] for task in tasks]


def run(tasks, limit, jobs, path, progress=lambda record, done, all_tasks: None):
    """go_on with trials. Raises trial.Broken where a target is."""
    return go_on(tasks, lambda one: (one.arm, one.mutant, one.seed),
                 lambda task: Record(task.arm, *trial.run(task, limit)), Record, path, jobs,
                 progress)

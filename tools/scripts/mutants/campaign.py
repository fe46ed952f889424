"""Many trials, so many at a time, and their record: a line of JSON each, appended as they end.

A record that is there already is taken as done, so a campaign that was stopped goes on.
"""

import collections
import concurrent.futures
import json
import os

from tools.scripts.mutants import records, trial

# arm: the name of what is compared. mutant, seed: of the trial. binary, flags, env, seeds, target,
# clean, keep: as of trial.run.
Task = collections.namedtuple("Task", "arm mutant seed binary flags env seeds target clean keep",
                              defaults=("", ""))

Record = collections.namedtuple("Record", ("arm",) + trial.Trial._fields)


def load(path, kind=Record):
    """The records of a file; what is damaged is said and left out."""
    return records.read(path, kind)


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
    def work(task):
        return Record(task.arm, *trial.run(task.mutant, task.binary, task.seed, limit, task.flags,
                                           task.env, task.seeds, task.target, task.clean,
                                           task.keep))

    return go_on(tasks, lambda one: (one.arm, one.mutant, one.seed), work, Record, path, jobs,
                 progress)

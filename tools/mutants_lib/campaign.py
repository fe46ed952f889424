"""Many trials, so many at a time, and their record: a line of JSON each, appended as they end.

A record that is there already is taken as done, so a campaign that was stopped goes on.
"""

import collections
import concurrent.futures
import json
import os

import trial

# arm: the name of what is compared. mutant, seed: of the trial. binary, flags, env, seeds, target,
# clean, keep: as of trial.run.
Task = collections.namedtuple("Task", "arm mutant seed binary flags env seeds target clean keep",
                              defaults=("", ""))

Record = collections.namedtuple("Record", ("arm",) + trial.Trial._fields)


def load(path):
    """The records of a file; a last line that was cut off is left out."""
    records = []
    if not os.path.exists(path):
        return records
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                records.append(Record(**json.loads(line)))
    return records


def _drop_half_a_line(path):
    if not os.path.exists(path):
        return
    with open(path, "rb+") as file:
        content = file.read()
        file.truncate(content.rfind(b"\n") + 1)


def run(tasks, limit, jobs, path, progress=lambda record, done, all_tasks: None):
    """Runs what is not recorded in `path` yet; returns the records of `tasks` in their order.

    progress(record, done, all) is called after each. Raises trial.Broken where a target is.
    """
    _drop_half_a_line(path)
    known = {(record.arm, record.mutant, record.seed): record for record in load(path)}
    missing = [task for task in tasks if (task.arm, task.mutant, task.seed) not in known]
    done = len(tasks) - len(missing)
    with open(path, "a", encoding="utf-8") as file, \
            concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(trial.run, task.mutant, task.binary, task.seed, limit, task.flags,
                               task.env, task.seeds, task.target, task.clean,
                               task.keep): task for task in missing}
        try:
            for future in concurrent.futures.as_completed(running):
                task = running[future]
                record = Record(task.arm, *future.result())
                file.write(json.dumps(record._asdict()) + "\n")
                file.flush()
                known[(task.arm, task.mutant, task.seed)] = record
                done += 1
                progress(record, done, len(tasks))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [known[(task.arm, task.mutant, task.seed)] for task in tasks]

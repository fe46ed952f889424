"""Runs a fuzz target over every seed of a corpus, once, and says what really ran.

The exit code of the program alone cannot be trusted: an empty corpus ends with 0, and so does a
finding of a sanitizer that is not fatal. So a seed passes only if libFuzzer says that it executed
it, the process that did so reported no error, and no sanitizer printed a finding. A crash ends the
process; the rest of the seeds then run in a new one, so one bad seed hides no other.
"""

import os
import re
import subprocess

# How much of a failing program's output is shown: its beginning, where a sanitizer says what is
# wrong, and its end, where our own report is.
OUTPUT_LIMIT = 16000

EXECUTED = re.compile(rb"^Executed (.+) in \d+ ms\r?$", re.MULTILINE)
# With the line begins all that a seed prints.
RUNNING = re.compile(rb"^(?=Running: )", re.MULTILINE)
# How the failure of a seed begins that its program never came to.
NOT_EXECUTED = "was not executed: "

# Of a target that runs programs (fuzzers/fuzz_target.h).
ENGINES = re.compile(r"^ENGINES: .*\n", re.MULTILINE)

FINDING = re.compile(
    rb"runtime error: |ERROR: \w+Sanitizer|ERROR: libFuzzer|SUMMARY: \w+Sanitizer")


class Result:
    """The verdict on one seed.

    failure: None if it passed, else a text to be read, of OUTPUT_LIMIT characters and a few.
    code, output: of the process that failed, for a reader that wants all that was printed since it
    started with the seed, and which engines it compares.
    """

    def __init__(self, seed, failure=None, code=0, output=""):
        self.seed = seed
        self.failure = failure
        self.code = code
        self.output = output


def read_options(path):
    """Flags for the command line from a .options file of OSS-Fuzz."""
    with open(path, encoding="utf-8") as lines:
        stripped = [line.strip() for line in lines]
    return ["-" + line for line in stripped if "=" in line]


def list_seeds(corpus):
    """All files of a directory, in an order that does not depend on the file system."""
    found = []
    for folder, _, names in os.walk(corpus, followlinks=True):
        found.extend(os.path.join(folder, name) for name in names)
    return sorted(found)


def run_once(command, seeds):
    """Runs one process over the seeds; returns its exit code and its output."""
    done = subprocess.run(
        command + seeds,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False)
    return done.returncode, done.stdout


def without_variants(text):
    """Text whose std::variant<...> do not list their types, of which a frame may hold a hundred."""
    kept, end = [], 0
    for match in re.finditer(r"\bstd::(?:__\w+::)?variant<", text):
        if match.start() < end:
            continue
        kept.append(text[end:match.end()])
        end, depth = match.end(), 1
        while depth > 0 and end < len(text) and text[end] != "\n":
            depth += {"<": 1, ">": -1}.get(text[end], 0)
            end += 1
        kept.append("...>" if depth == 0 else "...")
    return "".join(kept) + text[end:]


def shorten(text):
    """The head and the tail of what a program has printed."""
    text = without_variants(text)
    half = OUTPUT_LIMIT // 2
    left_out = len(text) - 2 * half
    if left_out <= 0:
        return text
    return f"{text[:half]}\n... {left_out} characters are left out ...\n{text[-half:]}"


def _result(seed, code, output, printed):
    """The verdict on a seed that printed this, the last words of a process that failed.

    code, output: of the process; code is 0 if it went on to the next seed.
    """
    executed = EXECUTED.findall(printed) == [os.fsencode(seed)]
    if code == 0 and executed and not FINDING.search(printed):
        return Result(seed)
    text = printed.decode("utf-8", "replace")
    reason = "" if executed or RUNNING.match(printed) else NOT_EXECUTED
    failure = f"{reason}exit code {code}\n{shorten(text)}"
    # A process prints its engines once, with its first seed.
    engines = ENGINES.search(output.decode("utf-8", "replace"))
    line = engines[0] if engines else ""
    return Result(seed, failure, code, text if line in text else line + text)


def judge(command, seeds):
    """The verdicts of one process, on the seeds up to the one that ended it.

    A process that fails is blamed on the last seed that it started. One that starts none would do
    the same for every seed: all of them fail.
    """
    code, output = run_once(command, seeds)
    before, *printed = RUNNING.split(output)
    if not printed or FINDING.search(before):
            return [_result(seed, code, output, before) for seed in seeds]
    last = len(printed) - 1
    return [_result(seed, code if at == last else 0, output, text)
            for at, (seed, text) in enumerate(zip(seeds, printed))]


def verdicts(command, seeds, batch=1000):
    """The verdicts on all seeds, in order; no more is run than for those that are taken."""
    while seeds:
        found = judge(command, seeds[:batch])
        yield from found
        seeds = seeds[len(found):]


def replay(command, seeds, batch=1000):
    return list(verdicts(command, seeds, batch))

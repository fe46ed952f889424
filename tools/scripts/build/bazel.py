"""How this tree calls Bazel: with which flags, from which folders, and what a long call says.

As a program it prints Bazel's startup flags for tools/test, each ended by a NUL; exit code 3 and a
line if Bazel cannot work in this folder.
"""

import os
import re
import subprocess
import sys
import time

from tools.scripts.common.script import ENVIRONMENT, ROOT, Failure

# Seconds until a call is called long, and between the lines that it then gets.
LONG, EVERY = 5, 15

# A line of Bazel's that says how far it is, or what it waits for.
STEP = re.compile(r"\[[\d,]+ / [\d,]+\]|Loading:|Analyzing:|Another command ")


def home():
    """The home folder, "" if nothing can be written there."""
    path = os.environ.get("HOME", "")
    return path if path and os.access(path, os.W_OK) else ""


def own_folder(purpose):
    """Where this user keeps something without a home folder."""
    return os.path.join(os.environ.get("TMPDIR") or "/tmp", f"rmapdiff-{purpose}-{os.getuid()}")


def startup_flags():
    """Bazel keeps its output below the home folder; without one it gets a folder of its own."""
    return [] if home() else ["--output_user_root=" + own_folder("bazel")]


def check_place(root):
    """Raises a Failure if Bazel 4.2.3 cannot build in a folder: it refuses a space, and ends with
    a stack trace at a letter beyond ASCII. It builds below any other name."""
    if " " in root or not root.isascii():
        raise Failure(ENVIRONMENT, f"{root!r}: Bazel cannot build in this folder, expected a path "
                                   "of ASCII characters without a space")


class Progress:
    """Says that a call goes on: after LONG seconds, and then every EVERY seconds.

    On a terminal each line replaces the one before.
    """

    def __init__(self, what, stream=None):
        self._what = what
        self._stream = stream or sys.stderr
        self._began = time.monotonic()
        self._since = time.strftime("%H:%M:%S")
        self._next = LONG
        self._open = False

    def wait(self):
        """Seconds until there is something to say."""
        return max(0, self._began + self._next - time.monotonic())

    def say(self, at):
        """`at`: what the call has come to, "" if that is not known."""
        seconds = int(time.monotonic() - self._began)
        self._next += EVERY
        line = f"building {self._what} since {self._since}, {seconds} s" + (at and ": " + at)
        if self._stream.isatty():
            line = "\r\033[K" + line[:100]
            self._open = True
        print(line, end="" if self._open else "\n", file=self._stream, flush=True)

    def end(self):
        if self._open:
            print("\r\033[K", end="", file=self._stream, flush=True)


def last_step(log):
    """Bazel's last line like "[35 / 210] Compiling mmu/a.cc", "" if there is none yet."""
    with open(log, "rb") as file:
        file.seek(max(0, os.path.getsize(log) - 4096))
        lines = file.read().decode("utf-8", "replace").splitlines()
    steps = [line.strip() for line in lines if STEP.match(line)]
    return steps[-1] if steps else ""


def call(what, words, log):
    """Runs Bazel with its output in a file; returns its exit code. `what` is for Progress."""
    with open(log, "wb") as output:
        # Without colours: what is shown of it may not go to a terminal.
        process = subprocess.Popen(
            ["bazel", *startup_flags(), *words], cwd=ROOT, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT)
    progress = Progress(what)
    try:
        while True:
            try:
                return process.wait(timeout=progress.wait())
            except subprocess.TimeoutExpired:
                progress.say(last_step(log))
    finally:
        progress.end()
        if process.poll() is None:
            process.terminate()  # as Bazel takes it: it ends in good order
            process.wait()


def answer(what, words, log):
    """The lines that Bazel answers, by way of a file; raises a Failure if it fails."""
    code = call(what, words, log)
    with open(log, encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    if code != 0:
        sys.stderr.writelines(line + "\n" for line in lines)
        raise Failure(ENVIRONMENT, "bazel does not work, see above")
    return lines


if __name__ == "__main__":
    try:
        check_place(ROOT)
    except Failure as failure:
        print(failure, file=sys.stderr)
        sys.exit(failure.code)
    print("".join(flag + "\0" for flag in startup_flags()), end="")

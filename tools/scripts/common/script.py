"""Shared by the commands that are scripts: exit codes, arguments, files, how one ends."""

import argparse
import errno
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import traceback

from tools.scripts.common.printable import one_line

# Of the tree that this file is in.
ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))

DONE, FINDING, USAGE, ENVIRONMENT, INTERNAL = 0, 1, 2, 3, 4

MAX_SECONDS = 24 * 3600

# How the names of temporary files begin; one is left if a process is killed as it writes.
TEMPORARY = ".rmapdiff-"

# The descriptors of this process, as a shell names them.
OPEN_ALREADY = re.compile(r"/dev/(stdout|stderr|fd/(\d{1,9}))")


class Failure(Exception):
    """Ends the script with an exit code and one line."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Parser(argparse.ArgumentParser):
    """The options of a command, with what --help says of them.

    text: what the command does; what follows "Exit code:" in it comes last. Raises a Failure for
    wrong usage: one line, as the verbs that are not scripts have it.
    """

    def __init__(self, prog, text, example=""):
        about, _, codes = text.partition("\n\nExit code: ")
        epilog = "\n".join(filter(None, [codes and f"exit code: {codes.strip()}",
                                         example and f"example: {example}"]))
        super().__init__(prog=prog, description=about, epilog=epilog, allow_abbrev=False,
                         formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message):
        raise Failure(USAGE, f"{message.removeprefix('argument ')}, see {self.prog} --help")

    def _print_message(self, message, file=None):
        """Without argparse's own deafness to errors."""
        print(message, end="", file=file)


def duration(word):
    """Seconds, for argparse: 90, 90s, 10m, 2h."""
    match = re.fullmatch(r"(\d{1,6})([smh]?)", word)
    seconds = int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]] if match else 0
    if not 1 <= seconds <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"'{word}': expected a time like 90s, 10m or 2h")
    return seconds


def number(most):
    """For argparse: a reader of whole numbers from 1."""
    def parse(word):
        if not word.isascii() or not word.isdigit() or not 1 <= int(word) <= most:
            raise argparse.ArgumentTypeError(f"'{word}': expected a number from 1 to {most}")
        return int(word)
    return parse


def not_empty(word):
    """For argparse: a name of a file or folder."""
    if not word:
        raise argparse.ArgumentTypeError("is empty, expected a path")
    return word


def _open_beside(target):
    """(descriptor, path) of a new file in the folder of `target`."""
    return tempfile.mkstemp(prefix=TEMPORARY, dir=os.path.dirname(target))


def _mode_for(target):
    """The mode of the file that is replaced, or the one that the umask leaves to a new file."""
    try:
        return stat.S_IMODE(os.stat(target).st_mode)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _is_special(path):
    """Whether it is open already, or no regular file: a device, a pipe, a folder."""
    if OPEN_ALREADY.fullmatch(path):
        return True
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return False


def _open_special(path):
    """A descriptor to write to; a pipe that has no reader fails at once."""
    known = OPEN_ALREADY.fullmatch(path)
    if known:  # A socket cannot be opened again, and a file would be written over.
        sys.stdout.flush()
        return os.dup(int(known[2] or {"stdout": 1, "stderr": 2}[known[1]]))
    fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    os.set_blocking(fd, True)
    return fd


def check_writable(path):
    """Raises the OSError, with its file name, that write_whole would end with.

    It leaves every file as it is, and opens no pipe: its reader would take that for the end.
    """
    try:
        if not _is_special(path):
            fd, temporary = _open_beside(os.path.realpath(path))
            os.close(fd)
            os.remove(temporary)
        elif os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        elif not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error


def write_whole(path, content, mode=None):
    """A file that is there as a whole or not at all; of bytes, or of text as UTF-8.

    A link is followed. A device or a pipe, /dev/stdout for example, is written in place, once, and
    never replaced. mode: of the file; None for that of the file before, or as the umask has it.
    Raises an OSError with `path` as its file name.
    """
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogateescape")
    temporary = ""
    try:
        if _is_special(path):
            with open(_open_special(path), "wb") as file:
                file.write(content)
            return
        target = os.path.realpath(path)
        fd, temporary = _open_beside(target)
        with open(fd, "wb") as file:
            file.write(content)
            os.fchmod(fd, _mode_for(target) if mode is None else mode)
        os.replace(temporary, target)
    except OSError as error:
        if temporary and os.path.exists(temporary):
            os.remove(temporary)
        raise OSError(error.errno, error.strerror, path) from error


def run_build(root, words):
    """Has tools/cli/build.sh of a checkout build; returns the folder of what was built.

    The link bazel-bin does not say it: in a checkout that is read-only or another user's, Bazel
    cannot move it. The script's own lines go to standard error. Raises a Failure.
    """
    script = os.path.join(root, "tools", "cli", "build.sh")
    done = subprocess.run([script, *words], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Failure(ENVIRONMENT, "cannot be built: " + " ".join(words[1:]))
    return done.stdout.rstrip("\n")


def set_up(root, purpose):
    """Has tools/setup install what a purpose of its takes. Raises a Failure."""
    script = os.path.join(root, "tools", "setup")
    if subprocess.run([script, "--for=" + purpose], check=False).returncode != 0:
        raise Failure(ENVIRONMENT, f"packages are missing, see tools/setup --for={purpose}")


def output_of(command, code=ENVIRONMENT, answers=False, **options):
    """The text that a program prints.

    If it cannot run or fails, raises a Failure with the exit code `code` and the last line that
    the program has said. answers: its exit code judges an answer that it has printed all the same.
    """
    if "input" not in options:
        options["stdin"] = subprocess.DEVNULL
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="backslashreplace",
                              check=False, **options)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(code, f"{command[0]} cannot be run: {error}") from error
    if done.returncode != 0 and not (answers and done.stdout):
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise Failure(code, f"{os.path.basename(command[0])}: exit code {done.returncode}: "
                            f"{said[:300]}")
    return done.stdout


def end_in_order():
    """The signal that asks a process to end lets its `finally` clauses run."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _call(entry):
    """The exit code of entry(words), when all that it printed has left this process."""
    try:
        code = entry(sys.argv[1:])
    except SystemExit as end:  # --help
        code = end.code
    if sys.stdout:
        sys.stdout.flush()
    return code


def _drop_output():
    """Standard output takes nothing: Python must not try it again at its end."""
    if sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run_main(name, entry, says_name=True):
    """Calls entry(words) and ends the process with the code that it returns.

    says_name: whether the line that says what is wrong begins with `name`.
    """
    begin = f"{name}: " if says_name else ""
    try:
        sys.exit(_call(entry))
    except Failure as failure:
        print(begin + one_line(failure), file=sys.stderr)
        sys.exit(failure.code)
    except BrokenPipeError:  # a reader that has seen enough
        _drop_output()
        sys.exit(128 + signal.SIGPIPE)
    except OSError as error:
        _drop_output()
        said = f"{error.filename or 'output'}: {error.strerror}"
        print(begin + one_line(said), file=sys.stderr)
        sys.exit(ENVIRONMENT)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc()
        print(f"{name}: internal error", file=sys.stderr)
        sys.exit(INTERNAL)

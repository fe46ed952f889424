"""What the verbs of rmapdiff that are scripts share: exit codes, arguments, files, how one ends."""

import argparse
import os
import re
import subprocess
import sys
import traceback

DONE, FINDING, USAGE, ENVIRONMENT, INTERNAL = 0, 1, 2, 3, 4

MAX_SECONDS = 24 * 3600


class Failure(Exception):
    """Ends the script with an exit code and one line."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def duration(word):
    """Seconds, for argparse: 90, 90s, 10m, 2h."""
    match = re.fullmatch(r"(\d{1,6})([smh]?)", word)
    seconds = int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]] if match else 0
    if not 1 <= seconds <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"'{word}' is no time like 90s, 10m or 2h")
    return seconds


def number(most):
    """For argparse: a reader of whole numbers from 1."""
    def parse(word):
        if not word.isascii() or not word.isdigit() or not 1 <= int(word) <= most:
            raise argparse.ArgumentTypeError(f"'{word}' is no number from 1 to {most}")
        return int(word)
    return parse


def write_whole(path, text):
    """A file that is there as a whole or not at all."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


def run_build(root, words):
    """Has tools/cli/build.sh of a checkout build; returns the folder of what was built.

    The link bazel-bin is none to ask: in a checkout that is read-only or another user's, Bazel
    cannot move it. What the script says goes to standard error. Raises a Failure.
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


def run_main(name, entry):
    """Calls entry(words) and ends the process with the code that it returns."""
    try:
        sys.exit(entry(sys.argv[1:]))
    except Failure as failure:
        print(failure, file=sys.stderr)
        sys.exit(failure.code)
    except OSError as error:
        print(f"{error.filename or 'error'}: {error.strerror}", file=sys.stderr)
        sys.exit(ENVIRONMENT)
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc()
        print(f"{name}: internal error", file=sys.stderr)
        sys.exit(INTERNAL)

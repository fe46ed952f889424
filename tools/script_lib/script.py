"""What the verbs of rmapdiff that are scripts share: exit codes, arguments, files, how one ends."""

import argparse
import os
import re
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

"""Files that may be anything: huge, cut off, not UTF-8, not what their names say."""

import json
import os
import stat


class Unreadable(Exception):
    """What is wrong with a file, in a few words, without its name."""


def open_file(path):
    """A regular file, opened to read its bytes; never a pipe to wait for, nor a link elsewhere."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Unreadable("is not there") from None
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Unreadable("is not a file")
    return os.fdopen(handle, "rb")


def read_text(path, most):
    """(text, whether that is all of it); bytes that are not UTF-8 are spelled out."""
    with open_file(path) as file:
        try:
            content = file.read(most + 1)
        except OSError as error:
            raise Unreadable(f"cannot be read: {error.strerror}") from None
    text = content[:most].decode("utf-8", "backslashreplace")
    return text, len(content) <= most


def parse_object(content):
    """A JSON object of str or bytes; ValueError says what is wrong."""
    try:
        value = json.loads(content)
    except RecursionError:
        raise ValueError("JSON that is nested too deep") from None
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    return value


def read_object(path, most):
    text, whole = read_text(path, most)
    if not whole:
        raise Unreadable(f"is longer than {most:,} bytes")
    try:
        return parse_object(text)
    except ValueError as error:
        raise Unreadable(f"is not JSON: {error}") from None


def number(value):
    """A count or a time as it stands in JSON; None for anything else."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and 0 <= value < 2 ** 63 else None

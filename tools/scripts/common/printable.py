"""Text that a terminal and a page can show, whatever a name or a program has put into it."""

import re

# Controls but for tab and line feed, marks of direction, zero width, line and paragraph separators,
# surrogates, and code points without a character.
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\uffff\ud800-\udfff"
    "\U000e0000-\U000e0fff" + "".join(f"{chr(plane << 16 | 0xfffe)}{chr(plane << 16 | 0xffff)}"
                                      for plane in range(1, 17)) + "]")


def printable(value):
    """The text, each unprintable character as one would type it."""
    return UNPRINTABLE.sub(lambda match: ascii(match[0])[1:-1], str(value))


def one_line(value):
    """The same with tabs and line feeds spelled out: the name of a folder may hold some."""
    return printable(re.sub("[\t\r\n]", lambda match: ascii(match[0])[1:-1], str(value)))

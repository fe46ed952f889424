"""Rules on what people expect beside the code: the change log, the settings of editors."""

import configparser
import datetime
import re

from tools.presubmit.text_rules import MAX_LINE_LENGTH, VERBATIM
from tools.presubmit.tree import Finding, line_of

CHANGELOG = "CHANGELOG.md"
EDITORCONFIG = ".editorconfig"
CLANG_FORMAT = ".clang-format"

SECTION = re.compile(r"^## (?P<day>[^:\n]*).*\n(?P<text>(?:(?!## ).*\n)*)", re.MULTILINE)

# Each section must say this.
_SETTINGS = {
    "*": {"charset": "utf-8", "end_of_line": "lf", "indent_style": "space",
          "insert_final_newline": "true", "trim_trailing_whitespace": "true",
          "max_line_length": str(MAX_LINE_LENGTH)},
    "*.{cc,h}": {"indent_size": "2"},
    "*.{py,bzl}": {"indent_size": "4"},
    "BUILD": {"indent_size": "4"},
    f"*.{{{','.join(end[1:] for end in VERBATIM if end[0] == '.')}}}":
        {"trim_trailing_whitespace": "false"},
}


def check_changelog(tree):
    """Its sections are days, newest first, and each has a point at least."""
    if CHANGELOG not in tree.paths:
        return
    newest = datetime.date.max
    for match in SECTION.finditer(tree.text(CHANGELOG)):
        line = line_of(tree.text(CHANGELOG), match.start())
        try:
            day = datetime.date.fromisoformat(match["day"])
        except ValueError:
            yield Finding(CHANGELOG, line, f"'{match['day']}'",
                          "'## YYYY-MM-DD: WHAT' with a date")
            continue
        if day >= newest:
            yield Finding(CHANGELOG, line, f"{day} below {newest}", "the newest day first")
        if not re.search(r"^[-*] ", match["text"], re.MULTILINE):
            yield Finding(CHANGELOG, line, "a day without a change", "a list of what changed")
        newest = day


def check_editorconfig(tree):
    """Editors do what clang-format and these rules ask for."""
    if EDITORCONFIG not in tree.paths:
        return
    sections = configparser.ConfigParser(interpolation=None)
    try:
        sections.read_string("[root]\n" + tree.text(EDITORCONFIG))
    except configparser.Error as error:
        yield Finding(EDITORCONFIG, 1, error.message.replace("\n", " "), "'name = value'")
        return
    for section, settings in _SETTINGS.items():
        for name, expected in settings.items():
            value = sections.get(section, name, fallback="nothing")
            if value != expected:
                yield Finding(EDITORCONFIG, 1, f"[{section}] {name} = {value}", expected)
    limit = re.search(r"^ColumnLimit: *(\d+)$", tree.text(CLANG_FORMAT), re.MULTILINE)
    if not limit or int(limit[1]) != MAX_LINE_LENGTH:
        yield Finding(CLANG_FORMAT, 1, "another ColumnLimit", str(MAX_LINE_LENGTH))

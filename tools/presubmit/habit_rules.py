"""Rules on what people expect beside the code: the change log, the settings of editors."""

import datetime
import re

from tools.presubmit.text_rules import MAX_LINE_LENGTH, VERBATIM
from tools.presubmit.tree import Finding

CHANGELOG = "CHANGELOG.md"
EDITORCONFIG = ".editorconfig"
CLANG_FORMAT = ".clang-format"

# Each section must say this.
_SETTINGS = {
    "*": {"charset": "utf-8", "end_of_line": "lf", "indent_style": "space",
          "insert_final_newline": "true", "trim_trailing_whitespace": "true",
          "max_line_length": str(MAX_LINE_LENGTH)},
    "*.{cc,h}": {"indent_size": "2"},
    "*.{py,bzl}": {"indent_size": "4"},
    "BUILD": {"indent_size": "4"},
}


def _date(text):
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def check_changelog(tree):
    """Its sections are days, newest first, and each has a point at least."""
    if CHANGELOG not in tree.paths:
        return
    newest, section, points = None, None, 1
    for number, line in tree.lines(CHANGELOG) + [(None, "## ")]:
        if line.startswith(("- ", "* ")):
            points += 1
        if not line.startswith("## "):
            continue
        if not points:
            yield Finding(CHANGELOG, section, "a day without a change", "a list of what changed")
        section, points = number, 0
        day = _date(line[3:].split(":", 1)[0])
        if number is None:
            return
        if day is None:
            yield Finding(CHANGELOG, number, f"'{line}'", "'## YYYY-MM-DD: WHAT' with a date")
        elif newest and day >= newest:
            yield Finding(CHANGELOG, number, f"{day} below {newest}", "the newest day first")
        newest = day or newest


def _sections(tree):
    """{section: {name: (value, line)}} of .editorconfig."""
    sections, current = {}, {}
    for number, line in tree.lines(EDITORCONFIG):
        if line.startswith("["):
            current = sections.setdefault(line.strip()[1:-1], {})
        elif "=" in line and line[0] not in "#;":
            name, _, value = line.partition("=")
            current[name.strip()] = (value.strip(), number)
    return sections


def check_editorconfig(tree):
    """Editors do what clang-format and these rules ask for."""
    if EDITORCONFIG not in tree.paths:
        return
    sections = _sections(tree)
    for section, settings in _SETTINGS.items():
        for name, expected in settings.items():
            value, line = sections.get(section, {}).get(name, ("nothing", 1))
            if value != expected:
                yield Finding(EDITORCONFIG, line, f"[{section}] {name} = {value}", expected)
    verbatim = ",".join(end.lstrip(".") for end in VERBATIM if end.startswith("."))
    if sections.get(f"*.{{{verbatim}}}", {}).get("trim_trailing_whitespace", ("",))[0] != "false":
        yield Finding(EDITORCONFIG, 1, f"no [*.{{{verbatim}}}] that keeps white space",
                      "trim_trailing_whitespace = false there")
    limit = re.search(r"^ColumnLimit: *(\d+)$", tree.text(CLANG_FORMAT), re.MULTILINE)
    if not limit or int(limit[1]) != MAX_LINE_LENGTH:
        yield Finding(CLANG_FORMAT, 1, "another ColumnLimit", str(MAX_LINE_LENGTH))

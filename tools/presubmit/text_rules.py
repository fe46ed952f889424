"""Rules on any file: names, sizes, white space, line length, open ends, scripts, Markdown links."""

import os
import re
import subprocess

from tools.presubmit.prose import document_text
from tools.presubmit.tree import Finding, line_of, search

MAX_LINE_LENGTH = 100
MAX_FILE_SIZE = 64 * 1024

KNOWN_EXTENSIONS = frozenset((
    ".BUILD", ".bin", ".bzl", ".cc", ".css", ".dict", ".gitkeep", ".golden", ".h", ".json", ".md",
    ".ops", ".options", ".patch", ".py", ".sh", ".svg", ".txt", ".yaml", ".yml"))
KNOWN_NAMES = frozenset((
    ".bazelignore", ".bazeliskrc", ".bazelrc", ".clang-format", ".clang-tidy", ".editorconfig",
    ".gitattributes", ".gitignore", "BUILD", "Dockerfile", "LICENSE", "WORKSPACE"))

# Text that others define, or that shows what a program prints.
VERBATIM = (".golden", ".patch", ".svg", "LICENSE")
RAW_SEEDS = (".bin", ".txt")

# Spelled in two halves, or this file would break its own rule.
OPEN_ENDS = re.compile(r"\b(?:FIX" r"ME|TO" r"DO|XX" r"X)\b")

# A link, or a piece of code, in which nothing is one.
LINK = re.compile(r"`[^`\n]*`|\[[^\]\n]*\]\(([^)\s]+)\)")

TRAILING = re.compile(r"[^\S\n]+$", re.MULTILINE)
BAD_END = re.compile(r"(?:(?<=[^\n])|(?<=\n\n))\Z")


def _own_text(tree):
    """Text files whose form is ours to choose. Seeds that are not text programs may be bad."""
    return [path for path in tree.text_paths() if not path.endswith(VERBATIM) and
            not (path.startswith("corpus/") and path.endswith(RAW_SEEDS))]


def check_names(tree):
    """A file of an unknown kind is one that no rule looks at."""
    for path in tree.paths:
        name = os.path.basename(path)
        if name in KNOWN_NAMES or os.path.splitext(name)[1] in KNOWN_EXTENSIONS:
            continue
        if not tree.data(path).startswith(b"#!"):
            yield Finding(path, 1, "unknown kind of file", "a known extension or a #! line")


def check_sizes(tree):
    for path in tree.paths:
        size = len(tree.data(path))
        if size > MAX_FILE_SIZE:
            yield Finding(path, 1, f"{size} bytes", f"at most {MAX_FILE_SIZE}")


def check_white_space(tree):
    paths = _own_text(tree)
    yield from search(tree, paths, TRAILING, "none", "white space at the end of the line")
    yield from search(tree, paths, re.compile("\t"), "spaces", "a tab")
    yield from search(tree, paths, BAD_END, "exactly one line feed", "bad end of file")


def _may_be_long(path, line):
    """A table row, a link, an include or an operation cannot be broken."""
    if path.endswith(".ops"):
        return not line.lstrip().startswith("#")
    if path.endswith(".md"):
        return line.lstrip().startswith("|") or "](" in line or "://" in line
    return line.startswith("#include ") or "https://" in line


def check_line_length(tree):
    for path in _own_text(tree):
        for number, line in tree.lines(path):
            if len(line) > MAX_LINE_LENGTH and not _may_be_long(path, line):
                yield Finding(path, number, f"{len(line)} columns", f"at most {MAX_LINE_LENGTH}")


def check_open_ends(tree):
    return search(tree, _own_text(tree), OPEN_ENDS, "finished work", "{} in the source")


def check_scripts(tree):
    """Scripts can be run, and shell scripts stop at the first error."""
    shell = tree.scripts("bash")
    for path in tree.scripts("bash", "python3"):
        if not os.access(tree.absolute(path), os.X_OK):
            yield Finding(path, 1, "a script that is not executable", "mode 755")
    for path in shell:
        if "set -euo pipefail" not in tree.text(path):
            yield Finding(path, 1, "errors are ignored", "'set -euo pipefail'")
    if shell:
        done = subprocess.run(["shellcheck", "--format=gcc", *shell], cwd=tree.root,
                              capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            path, number, _, message = line.split(":", 3)
            yield Finding(path, int(number), message.strip(),
                          "a script without findings of shellcheck")


def _anchors(tree, path):
    """The anchors that Markdown viewers give the headings."""
    headings = re.findall(r"^#+ *(.*)", document_text(tree, path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
            for heading in headings}


def _check_link(tree, path, number, link):
    target, _, anchor = link.partition("#")
    resolved = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
    if not tree.exists(resolved):
        yield Finding(path, number, f"link to {link}", "a file of this tree")
    elif anchor and resolved.endswith(".md") and anchor not in _anchors(tree, resolved):
        yield Finding(path, number, f"link to {link}", f"a heading #{anchor} in {resolved}")


def check_links(tree):
    for path in tree.matching(".md"):
        text = document_text(tree, path)
        for match in LINK.finditer(text):
            if match[1] and not re.match(r"[a-z]+:", match[1]):
                yield from _check_link(tree, path, line_of(text, match.start()), match[1])

"""Rules on any file: names, sizes, white space, line length, open ends, scripts, Markdown links."""

import os
import re
import subprocess

from tools.presubmit.prose import document_lines
from tools.presubmit.tree import Finding

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

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def _is_verbatim(path):
    """Whether a file's form is not ours to choose; seeds that are not text programs may be bad."""
    return path.endswith(VERBATIM) or path.startswith("corpus/") and path.endswith(RAW_SEEDS)


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
    for path in tree.text_paths():
        text = tree.text(path)
        if _is_verbatim(path) or not text:
            continue
        for number, line in tree.lines(path):
            if line != line.rstrip():
                yield Finding(path, number, "white space at the end of the line", "none")
            if "\t" in line:
                yield Finding(path, number, "a tab", "spaces")
        if not text.endswith("\n") or text.endswith("\n\n"):
            yield Finding(path, text.count("\n") + 1, "bad end of file", "exactly one line feed")


def _may_be_long(path, line):
    """A table row, a link, an include or an operation cannot be broken."""
    if path.endswith(".ops"):
        return not line.lstrip().startswith("#")
    if path.endswith(".md"):
        return line.lstrip().startswith("|") or "](" in line or "://" in line
    return line.startswith("#include ") or "https://" in line


def check_line_length(tree):
    for path in tree.text_paths():
        if _is_verbatim(path):
            continue
        for number, line in tree.lines(path):
            if len(line) > MAX_LINE_LENGTH and not _may_be_long(path, line):
                yield Finding(path, number, f"{len(line)} columns", f"at most {MAX_LINE_LENGTH}")


def check_open_ends(tree):
    for path in tree.text_paths():
        for number, line in tree.lines(path):
            match = OPEN_ENDS.search(line)
            if match and not _is_verbatim(path):
                yield Finding(path, number, f"{match.group()} in the source", "finished work")


def check_scripts(tree):
    """Scripts can be run, and shell scripts stop at the first error."""
    shell = tree.scripts("bash")
    for path in shell + tree.scripts("python3"):
        if not os.access(tree.absolute(path), os.X_OK):
            yield Finding(path, 1, "a script that is not executable", "mode 755")
    for path in shell:
        if "set -euo pipefail" not in tree.text(path):
            yield Finding(path, 1, "errors are ignored", "'set -euo pipefail'")
    yield from _shellcheck(tree, shell)


def _shellcheck(tree, scripts):
    if not scripts:
        return
    done = subprocess.run(
        ["shellcheck", "--format=gcc", *scripts],
        cwd=tree.root, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        path, number, _, message = line.split(":", 3)
        yield Finding(path, int(number), message.strip(), "a script without findings of shellcheck")


def _slug(heading):
    """The anchor that Markdown viewers give a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower().replace("`", ""))
    return kept.replace(" ", "-")


def _prose(tree, path):
    """The lines of a Markdown file outside its code blocks."""
    return [(number, line) for number, line, in_code in document_lines(tree, path)
            if not in_code]


def code_of_document(tree, path):
    """What stands in the code blocks of a Markdown file, each line at its place."""
    lines = [""] * len(tree.lines(path))
    for number, line, in_code in document_lines(tree, path):
        lines[number - 1] = line if in_code else ""
    return "\n".join(lines)


def _anchors(tree, path):
    headings = [line for _, line in _prose(tree, path) if line.startswith("#")]
    return {_slug(heading.lstrip("#")) for heading in headings}


def _check_link(tree, path, number, link):
    target, _, anchor = link.partition("#")
    resolved = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
    if not tree.exists(resolved):
        yield Finding(path, number, f"link to {link}", "a file of this tree")
    elif anchor and resolved.endswith(".md") and anchor not in _anchors(tree, resolved):
        yield Finding(path, number, f"link to {link}", f"a heading #{anchor} in {resolved}")


def check_links(tree):
    for path in tree.matching(".md"):
        for number, line in _prose(tree, path):
            for link in LINK.findall(re.sub(r"`[^`]*`", "", line)):
                if not re.match(r"[a-z]+:", link):
                    yield from _check_link(tree, path, number, link)

"""The prose of a file: paragraphs of documents and of comments, cut into sentences."""

import bisect
import re

from tools.presubmit.tree import CPP_SUFFIXES

COMMENT = {**dict.fromkeys(CPP_SUFFIXES, "//"), ".py": "#", ".bzl": "#", "BUILD": "#", ".sh": "#"}

# A line that begins a paragraph of its own: a point of a list, a row of a table, a heading.
_POINT = re.compile(r"[-*|#>] ?|\d+\. ")

# Inside a comment so far to the right stands an example or a table, unless a point goes on there.
_EXAMPLE = " " * 2

_END = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)[\"')*]*\s+(?=[\"'(*]*[A-Z])")
_CODE = re.compile(r"`[^`]*`")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_WORD = re.compile(r"\S*\w\S*")


class Sentence:
    """One sentence, and the line of the file that it begins in."""

    def __init__(self, line, text):
        self.line = line
        self.text = text

    def words(self):
        """The words as a reader counts them: a piece of code, a name and a number are one each."""
        return _WORD.findall(_CODE.sub("x", _LINK.sub(r"\1", self.text)))


def comment_mark(tree, path):
    """The mark at the beginning of a comment; None if the file can have none."""
    if tree.text(path).startswith("#!"):
        return "#"
    return next((mark for end, mark in COMMENT.items() if path.endswith(end)), None)


def document_text(tree, path, code=False):
    """The text of a Markdown file beside its code blocks, or theirs; each line at its place."""
    lines, inside = [], False
    for _, line in tree.lines(path):
        is_fence = line.lstrip().startswith("```")
        inside ^= is_fence
        lines.append(line if inside == code and not is_fence else "")
    return "\n".join(lines)


def _comment_lines(tree, path):
    """(number, text) of the comments; "" where one ends, so that no paragraph goes on."""
    mark = comment_mark(tree, path)
    in_point = False
    for number, line in tree.lines(path):
        before, _, text = line.partition(mark + " ")
        text = "" if before.strip() else text
        in_point = bool(_POINT.match(text.lstrip())) or in_point and text.startswith(_EXAMPLE)
        yield number, "" if text.startswith(_EXAMPLE) and not in_point else text.strip()


def _text_lines(tree, path):
    """(number, text) of the lines that may be prose."""
    if not path.endswith(".md"):
        return _comment_lines(tree, path)
    lines = document_text(tree, path).split("\n")
    return ((number, "" if line.startswith("#") or line.lstrip().startswith("|") else line.strip())
            for number, line in enumerate(lines, 1))


def paragraphs(tree, path):
    """Lists of (number, text), without headings, tables and code."""
    current = []
    for number, text in _text_lines(tree, path):
        point = _POINT.match(text)
        if current and (not text.strip() or point):
            yield current
            current = []
        if text.strip():
            current.append((number, text[point.end():] if point else text))
    if current:
        yield current


def sentences(tree, path):
    """The sentences of all paragraphs."""
    for paragraph in paragraphs(tree, path):
        text, starts = "", []
        for _, line in paragraph:
            starts.append(len(text))
            text += line.strip() + " "
        begin = 0
        # A full stop in a piece of code ends nothing.
        bare = _CODE.sub(lambda match: "X" * len(match.group()), text)
        for end in [match.end() for match in _END.finditer(bare)] + [len(text)]:
            line = paragraph[bisect.bisect_right(starts, begin) - 1][0]
            if text[begin:end].strip():
                yield Sentence(line, text[begin:end].strip())
            begin = end

"""Whether a change leaves the fuzz targets as they are, because it is one of comments.

The compiler then reads the same words, line by line. Only the numbers of lines differ, and no code
that asks for its own is taken for the same.
"""

import os
import re
import subprocess

# Of clang's list of raw tokens: comments and white space in a row, and the place of a token.
_SPACE = re.compile(r"(?:^(?:comment '.*?'|unknown '\s+')\t[^\n]*\n)+", re.DOTALL | re.MULTILINE)
_PLACE = re.compile(r"\tLoc=<\S*>$", re.MULTILINE)


def _tokens(text):
    """Of C++: a token a line, and an empty line where space stands between two.

    None if the code depends on the numbers of its lines.
    """
    done = subprocess.run(
        ["clang-19", "-fsyntax-only", "-x", "c++", "-Xclang", "-dump-raw-tokens", "-"],
        input=text, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    tokens = _PLACE.sub("", _SPACE.sub("\n", done.stderr.decode("utf-8", "replace"))).strip("\n")
    return None if "__LINE__" in tokens else tokens


def _operations(text):
    """Of a program as text: the words of each operation."""
    lines = [line.split() for line in text.splitlines()]
    return [words for words in lines if words and not words[0].startswith(b"#")]


LANGUAGES = {".cc": _tokens, ".h": _tokens, ".ops": _operations}


def _differs_in_comments_only(root, revision, name):
    read = LANGUAGES.get(os.path.splitext(name)[1])
    before = subprocess.run(["git", "show", f"{revision}:./{name}"], cwd=root, check=False,
                            stdin=subprocess.DEVNULL, capture_output=True)
    if read is None or before.returncode != 0:
        return False
    with open(os.path.join(root, name), "rb") as file:
        now = read(file.read())
    return now is not None and now == read(before.stdout)


def is_same(root, revision, files):
    """Whether the targets do the same; `files` are those of the change that they are built from.

    No files: these are not known.
    """
    return bool(files) and all(_differs_in_comments_only(root, revision, name) for name in files)

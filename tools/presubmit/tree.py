"""The source tree as the rules see it, and what they report."""

import ast
import dataclasses
import fnmatch
import functools
import os
import re
import stat

CPP_SUFFIXES = (".cc", ".h")


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    """One violation of one rule."""

    path: str
    line: int
    what: str
    expected: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.what}, expected {self.expected}"


class Tree:
    """All source files below a root: what a checkout holds, without what builds leave in it.

    Symbolic links, devices and pipes are no source files. Of .gitignore the patterns count as far
    as this project uses them: no `!`, no inner slashes.

    only: paths; the rules look at these files alone, and still find the others.
    """

    def __init__(self, root, only=None):
        self.root = root
        lines = self.text(".gitignore").splitlines() if self.exists(".gitignore") else []
        self._ignored = [line for line in lines if line.strip() and line[0] != "#"]
        self.paths = sorted(path for path in self._walk() if only is None or path in only)

    def _is_ignored(self, path):
        name = os.path.basename(path)
        return name == ".git" or any(
            fnmatch.fnmatchcase(path if pattern[0] == "/" else name, pattern.strip("/"))
            for pattern in self._ignored)

    def _walk(self):
        for folder, folders, names in os.walk(self.root):
            prefix = os.path.relpath(folder, self.root) + "/" if folder != self.root else ""
            folders[:] = [name for name in folders if not self._is_ignored(prefix + name)]
            yield from (prefix + name for name in names if not self._is_ignored(prefix + name) and
                        stat.S_ISREG(os.lstat(os.path.join(folder, name)).st_mode))

    def absolute(self, path):
        return os.path.join(self.root, path)

    def exists(self, path):
        return os.path.exists(self.absolute(path))

    @functools.lru_cache(maxsize=None)
    def data(self, path):
        with open(self.absolute(path), "rb") as file:
            return file.read()

    @functools.lru_cache(maxsize=None)
    def text(self, path):
        return self.data(path).decode("utf-8", "replace")

    @functools.lru_cache(maxsize=None)
    def python(self, path):
        """The syntax tree of a file in Python, or in Bazel's subset of it, and None; an empty one
        and the error if it has none."""
        try:
            return ast.parse(self.text(path)), None
        except (SyntaxError, ValueError) as error:
            return ast.parse(""), error

    def lines(self, path):
        """The lines of a file, counted from 1."""
        return list(enumerate(self.text(path).split("\n"), 1))

    def matching(self, *suffixes, interpreter=None):
        """The files whose names end so, and those whose first line names the interpreter."""
        named = {path for path in self.paths if path.endswith(suffixes)}
        return sorted(named | set(self.scripts(interpreter)) if interpreter else named)

    def text_paths(self):
        return [path for path in self.paths if b"\0" not in self.data(path)]

    def scripts(self, *interpreters):
        """Files whose first line names one of the interpreters."""
        first = {path: self.text(path).split("\n", 1)[0] for path in self.text_paths()}
        return [path for path, line in first.items() if line.startswith("#!") and
                not set(interpreters).isdisjoint(re.split(r"[\s/]", line))]


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def search(tree, paths, pattern, expected, what="{}", view=Tree.text):
    """A finding for each match of the pattern in the files; `what` has the match in place of {}.

    view: (tree, path) to the text that is searched, with the line breaks of the file's.
    """
    for path in paths:
        text = view(tree, path)
        for match in pattern.finditer(text):
            yield Finding(path, line_of(text, match.start()), what.format(match.group()), expected)

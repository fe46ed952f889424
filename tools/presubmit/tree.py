"""The source tree as the rules see it, and what they report."""

import dataclasses
import fnmatch
import functools
import os
import re

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


class IgnoreList:
    """The patterns of .gitignore, as far as this project uses them: no `!`, no inner slashes."""

    def __init__(self, lines):
        patterns = [line.strip() for line in lines if line.strip() and line[0] != "#"]
        self.anchored = [pattern.strip("/") for pattern in patterns if pattern[0] == "/"]
        self.floating = [pattern.rstrip("/") for pattern in patterns if pattern[0] != "/"]

    def ignores(self, path):
        name = os.path.basename(path)
        return (any(fnmatch.fnmatchcase(path, pattern) for pattern in self.anchored) or
                any(fnmatch.fnmatchcase(name, pattern) for pattern in self.floating))


class Tree:
    """All source files below a root: what a checkout holds, without what builds leave in it.

    only: paths; the rules look at these files alone, and still find the others.
    """

    def __init__(self, root, only=None):
        self.root = root
        self.paths = sorted(path for path in self._walk() if only is None or path in only)

    def _walk(self):
        ignore_file = os.path.join(self.root, ".gitignore")
        lines = []
        if os.path.exists(ignore_file):
            with open(ignore_file, encoding="utf-8") as file:
                lines = file.read().splitlines()
        ignored = IgnoreList(lines)
        for folder, folders, names in os.walk(self.root):
            relative = os.path.relpath(folder, self.root)
            prefix = "" if relative == "." else relative + "/"
            folders[:] = [
                name for name in folders
                if name != ".git" and not ignored.ignores(prefix + name)]
            yield from (prefix + name for name in names
                        if name != ".git" and not ignored.ignores(prefix + name))

    def absolute(self, path):
        return os.path.join(self.root, path)

    def exists(self, path):
        return os.path.exists(self.absolute(path))

    @functools.lru_cache(maxsize=None)
    def data(self, path):
        with open(self.absolute(path), "rb") as file:
            return file.read()

    def is_text(self, path):
        return b"\0" not in self.data(path)

    @functools.lru_cache(maxsize=None)
    def text(self, path):
        return self.data(path).decode("utf-8", "replace")

    def lines(self, path):
        """The lines of a file, counted from 1."""
        return list(enumerate(self.text(path).split("\n"), 1))

    def matching(self, *suffixes):
        return [path for path in self.paths if path.endswith(suffixes)]

    def text_paths(self):
        return [path for path in self.paths if self.is_text(path)]

    def build_files(self):
        return [path for path in self.paths if os.path.basename(path) == "BUILD"]

    def scripts(self, interpreter):
        """Files whose first line names the interpreter."""
        return [
            path for path in self.text_paths()
            if self.text(path).startswith("#!") and
            interpreter in re.split(r"[\s/]", self.text(path).split("\n", 1)[0])]

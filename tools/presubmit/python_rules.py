"""Rules on Python: a module has one name, which begins at the root of the tree."""

import ast
import collections
import os
import re

from tools.presubmit.tree import Finding, search

# Also within a string: a test may write a program.
SEARCH_PATH = re.compile(r"\bsys\.path\b|\bsite\.addsitedir\b")

# The one place that says where imports begin.
START = "tools/scripts/start.py"


def check_syntax(tree):
    """Python and Bazel's subset of it; the other rules would see nothing in such a file."""
    for path in tree.matching(".py", ".bzl", "BUILD", interpreter="python3"):
        _, error = tree.python(path)
        if error:
            yield Finding(path, getattr(error, "lineno", 1), getattr(error, "msg", str(error)),
                          "Python")


def _imports(module):
    """(line, module) of each import; a relative one begins with a dot."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")


def check_imports(tree):
    """Which file an import means must not depend on the folder of the program that is run."""
    homes = collections.defaultdict(list)
    for path in tree.matching(".py"):
        folder, name = os.path.split(path)
        homes[name[:-len(".py")]].append(folder.replace("/", "."))
    paths = tree.matching(".py", interpreter="python3")
    yield from search(tree, [path for path in paths if path != START], SEARCH_PATH,
                      f"{START} to start the program")
    for path in paths:
        for number, name in _imports(tree.python(path)[0]):
            module = name.strip(".").split(".")[-1]
            if name.startswith(".") or name in homes:
                home = " or ".join(homes.get(module, ["its package"]))
                yield Finding(path, number, f"an import of '{name}'", f"one from {home}")

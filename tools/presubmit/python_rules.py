"""Rules on Python: a module has one name, which begins at the root of the tree."""

import ast
import collections
import os
import re

from tools.presubmit.tree import Finding

# Also within a string: a test may write a program.
SEARCH_PATH = re.compile(r"\bsys\.path\b|\bsite\.addsitedir\b")

# The one place that says where imports begin.
START = "tools/scripts/start.py"


def _python_paths(tree):
    return sorted({*tree.matching(".py"), *tree.scripts("python3")})


def _imports(text):
    """(line, module) of each import; a relative one begins with a dot."""
    for node in ast.walk(ast.parse(text)):
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
    for path in _python_paths(tree):
        for number, line in tree.lines(path):
            found = SEARCH_PATH.search(line)
            if found and path != START:
                yield Finding(path, number, found.group(), f"{START} to start the program")
        for number, name in _imports(tree.text(path)):
            module = name.strip(".").split(".")[-1]
            if name.startswith(".") or name in homes:
                home = " or ".join(homes.get(module, ["its package"]))
                yield Finding(path, number, f"an import of '{name}'", f"one from {home}")

"""The figures of `llvm-cov export` for each file, with the instantiations of a template as one.

The same source line stands in the export once for each instantiation that holds it, and llvm-cov
adds these up for lines only. Here a line, a side of a branch or a function is covered if it is in
any instantiation: all are keyed by where they stand in the source.
"""

import dataclasses
import os
import re

# Kinds of regions in the export: ordinary code, and a condition with its two sides.
CODE = 0
BRANCHES = (4, 6)


@dataclasses.dataclass
class Branch:
    """A condition: how often it was true and false. Folded: a constant for the compiler."""

    true: int = 0
    false: int = 0
    folded: bool = False


@dataclasses.dataclass
class Function:
    """A function or template of functions: its names in the objects, its calls."""

    symbols: set = dataclasses.field(default_factory=set)
    count: int = 0


@dataclasses.dataclass
class File:
    """Counts by place: `lines` by line, `branches` by start and end, `functions` by start."""

    lines: dict = dataclasses.field(default_factory=dict)
    branches: dict = dataclasses.field(default_factory=dict)
    functions: dict = dataclasses.field(default_factory=dict)


def merge(export, lcov, root, folders):
    """The files of an export below `folders` ("mmu/"), by path from `root`.

    lcov: the same export as LCOV. Its counts of lines are llvm-cov's own, over all instantiations.
    """
    files, lines = {}, {}
    for record in lcov.splitlines():
        kind, _, value = record.partition(":")
        if kind == "SF":
            path = _from_root(value, root)
            lines = files.setdefault(path, File()).lines if path.startswith(folders) else {}
        elif kind == "DA":
            line, count = map(int, value.split(",")[:2])
            lines[line] = lines.get(line, 0) + count
    for data in export["data"]:
        for entry in data["functions"]:
            _add_function(files, entry, root)
    for file in files.values():
        file.branches = {
            place: branch for place, branch in file.branches.items()
            if branch.true or branch.false or not branch.folded}
    return files


def _from_root(name, root):
    path = os.path.normpath(name)
    return os.path.relpath(path, root) if os.path.isabs(path) else path


def _add_function(files, entry, root):
    """Adds one instantiation; it may have code in several files, by macros."""
    paths = [_from_root(name, root) for name in entry["filenames"]]
    start = entry["regions"][0]
    home = files.get(paths[start[5]])
    if home is not None:
        function = home.functions.setdefault(tuple(start[:2]), Function())
        function.symbols.add(entry["name"])
        function.count += entry["count"]
    for region in entry.get("branches", []):
        file = files.get(paths[region[6]])
        if file is None or region[8] not in BRANCHES:
            continue
        branch = file.branches.setdefault(tuple(region[:4]), Branch())
        branch.true += region[4]
        branch.false += region[5]
        # The export does not name constant conditions (`if constexpr`, `while (true)`), but only
        # they are passed without counting for either side.
        if region[4] == region[5] == 0 and _code_count(entry["regions"], region) > 0:
            branch.folded = True


def _code_count(regions, branch):
    """How often the code around a condition ran: the count of the innermost region."""
    start, end, file = branch[:2], branch[2:4], branch[6]
    around = [
        (region[:2], [-region[2], -region[3]], region[4]) for region in regions
        if region[5] == file and region[7] == CODE and region[:2] <= start and end <= region[2:4]]
    return max(around)[2] if around else 0


# A simple look at brackets would take these for template arguments or parameters.
_OPERATORS = re.compile(r"\boperator(\(\)|\[\]|<=>|<<=?|>>=?|->\*?|[<>]=?)(?=[(<\s]|$)")


def plain_name(demangled):
    """A function's name without its namespace, template arguments, parameters and result.

    "void rmapdiff::Graph<rmapdiff::Map<int>>::Zap(int) const" is "Graph::Zap".
    """
    kept = []

    def hide(match):
        kept.append(match.group(1))
        return f"operator\0{len(kept) - 1}\0"

    name = _OPERATORS.sub(hide, demangled.replace("(anonymous namespace)::", ""))
    name = re.sub(r"'lambda\d*'|\$_\d+", "lambda", name)
    before = None
    while before != name:
        before = name
        name = re.sub(r"<[^<>()]*>|\([^<>()]*\)|\{[^{}]*\}|\[abi:\w+\]", "", name)
    name = re.sub(r"\s+(?:const|volatile|noexcept)\b|\s*&&?(?=\s|$|::)", "", name)
    name = re.sub(r"\boperator\s+(?=\w)", "operator\1", name).split()[-1]
    name = re.sub("\0(\\d+)\0", lambda match: kept[int(match.group(1))], name)
    name = re.sub(r"::operator\(\)$", "", name) if "lambda" in name else name
    return name.replace("operator\1", "operator ").replace("rmapdiff::", "")


def symbol_of(name):
    """The symbol in a name of the export, which a function of one file bears after its path."""
    return re.split(r"[:;]", name)[-1]

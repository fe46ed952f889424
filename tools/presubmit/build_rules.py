"""Rules on BUILD files and on the seeds that they hand to fuzz targets."""

import fnmatch
import os
import re

from tools.presubmit.tree import Finding

SORTED_LIST = re.compile(r"^ +(\w+) = (?:glob\()?\[\n((?:^ +\".*\",\n)+)^ +\]", re.MULTILINE)
SORTED_ATTRIBUTES = frozenset(
    ("corpus", "data", "deps", "dicts", "exports", "hdrs", "srcs", "tags", "textual_hdrs"))


def _sort_key(label):
    """The order of buildifier: own files, own rules, this tree, other repositories."""
    if label.startswith("@"):
        rank = 3
    elif label.startswith("//"):
        rank = 2
    else:
        rank = 1 if label.startswith(":") else 0
    return rank, label.replace(":", ".").split(".")


def check_build_format(tree):
    for path in tree.build_files() + tree.matching(".BUILD"):
        text = tree.text(path)
        for number, line in tree.lines(path):
            if (len(line) - len(line.lstrip(" "))) % 4 != 0:
                yield Finding(path, number, "indentation", "a multiple of four spaces")
            if re.match(r" +\w+=|\s+\w+ =\S|\s+\w+= ", line):
                yield Finding(path, number, "an attribute without spaces", "'name = value'")
        for match in SORTED_LIST.finditer(text):
            labels = re.findall(r'"([^"]*)"', match.group(2))
            if match.group(1) in SORTED_ATTRIBUTES and labels != sorted(labels, key=_sort_key):
                number = text.count("\n", 0, match.start()) + 1
                yield Finding(path, number, f"{match.group(1)} is not sorted",
                              ", ".join(sorted(labels, key=_sort_key)))


class _Recorder(dict):
    """The names of a BUILD file: calling any that is unknown records a target."""

    def __init__(self, tree, package, targets):
        super().__init__(__builtins__={})
        self.tree = tree
        self.package = package
        self.targets = targets

    def __missing__(self, name):
        if name in ("True", "False", "None"):
            raise KeyError(name)
        return getattr(self, "_" + name, lambda *args, **kwargs: self._record(name, kwargs))

    def _record(self, rule, attributes):
        self.targets.append((rule, self.package, attributes))

    def _glob(self, include, exclude=(), **_):
        prefix = self.package + "/" if self.package else ""
        names = [path[len(prefix):] for path in self.tree.paths if path.startswith(prefix)]
        return [name for name in names
                if _matches(name, include) and not _matches(name, exclude)]

    def _select(self, branches):
        return [label for labels in branches.values() for label in labels]

    _len = staticmethod(len)
    _range = staticmethod(range)


def _matches(name, patterns):
    for pattern in patterns:
        expression = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*")
        if re.fullmatch(expression.replace(r"\*", "[^/]*"), name):
            return True
    return False


def read_targets(tree):
    """All targets of all BUILD files, as (rule, package, attributes); BUILD files are Python."""
    targets = []
    for path in tree.build_files():
        names = _Recorder(tree, os.path.dirname(path), targets)
        exec(compile(tree.text(path), path, "exec"), names)  # pylint: disable=exec-used
    return targets


def _labels(attributes):
    for value in attributes.values():
        if isinstance(value, list):
            yield from (label for label in value if isinstance(label, str))


def _absolute(package, label):
    """A label as //package:name."""
    if label.startswith("//"):
        return label if ":" in label else f"{label}:{label.rsplit('/', 1)[-1]}"
    return f"//{package}:{label.lstrip(':')}"


def _used_files(targets):
    """The files that reach any rule which is more than a name for a group of files."""
    groups, pending = {}, []
    for rule, package, attributes in targets:
        labels = [_absolute(package, label) for label in _labels(attributes)]
        if rule == "filegroup":
            groups[_absolute(package, attributes["name"])] = labels
        elif rule != "exports_files":
            pending.extend(labels)
    used = set()
    while pending:
        label = pending.pop()
        if label not in used:
            used.add(label)
            pending.extend(groups.get(label, []))
    return {label[2:].replace(":", "/").lstrip("/") for label in used}


def check_dead_seeds(tree):
    """A seed that no fuzz target is given proves nothing."""
    seeds = fnmatch.filter(tree.paths, "corpus/*.ops")
    used = _used_files(read_targets(tree)) if seeds else set()
    for path in seeds:
        if path not in used:
            yield Finding(path, 1, "a seed that no target uses", "a target whose corpus holds it")


UNFILLED_IDEA = "# Say in a line what this program shows that no other seed does."


def check_seed_ideas(tree):
    """A seed says in its first line what it is for; `rmapdiff corpus promote` leaves that open."""
    for path in fnmatch.filter(tree.paths, "corpus/*.ops"):
        first = tree.text(path).split("\n", 1)[0]
        if not first.startswith("# ") or first == UNFILLED_IDEA:
            yield Finding(path, 1, "a seed without its idea", "a comment that says what it shows")

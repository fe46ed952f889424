"""Rules on BUILD files and on the seeds that they hand to fuzz targets."""

import fnmatch
import os
import re

from tools.presubmit.tree import Finding, line_of, search

SORTED_LIST = re.compile(r"^ +(\w+) = (?:glob\()?\[\n((?:^ +\".*\",\n)+)^ +\]", re.MULTILINE)
INDENTATION = re.compile(r"^(?:    )* {1,3}(?=\S)", re.MULTILINE)
ATTRIBUTE = re.compile(r"^ +\w+(?:=| =\S)", re.MULTILINE)
SORTED_ATTRIBUTES = frozenset(
    ("corpus", "data", "deps", "exports", "hdrs", "srcs", "tags", "textual_hdrs"))


def _sort_key(label):
    """The order of buildifier: own files, own rules, this tree, other repositories."""
    rank = next(rank for rank, start in ((3, "@"), (2, "//"), (1, ":"), (0, ""))
                if label.startswith(start))
    return rank, label.replace(":", ".").split(".")


def check_build_format(tree):
    paths = tree.matching("BUILD")
    yield from search(tree, paths, INDENTATION, "a multiple of four spaces", "indentation")
    yield from search(tree, paths, ATTRIBUTE, "'name = value'", "an attribute without spaces")
    for path in paths:
        for match in SORTED_LIST.finditer(tree.text(path)):
            labels = re.findall(r'"([^"]*)"', match[2])
            if match[1] in SORTED_ATTRIBUTES and labels != sorted(labels, key=_sort_key):
                yield Finding(path, line_of(tree.text(path), match.start()),
                              f"{match[1]} is not sorted", ", ".join(sorted(labels, key=_sort_key)))


def check_dead_seeds(tree):
    """A seed that no fuzz target is given proves nothing: its folder is the corpus of one."""
    for path in fnmatch.filter(tree.paths, "corpus/*.ops"):
        folder = os.path.relpath(os.path.dirname(path), "corpus")
        for build, text in (("corpus/BUILD", f'glob(["{folder}/*'),
                            ("fuzzers/BUILD", f'"//corpus:{folder}"')):
            if not tree.exists(build) or text not in tree.text(build):
                yield Finding(path, 1, "a seed that no target uses", f"'{text}' in {build}")


UNFILLED_IDEA = "# Say in a line what this program shows that no other seed does."


def check_seed_ideas(tree):
    """A seed says in its first line what it is for; `rmapdiff corpus promote` leaves that open."""
    for path in fnmatch.filter(tree.paths, "corpus/*.ops"):
        first = tree.text(path).split("\n", 1)[0]
        if not first.startswith("# ") or first == UNFILLED_IDEA:
            yield Finding(path, 1, "a seed without its idea", "a comment that says what it shows")

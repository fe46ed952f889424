"""The reverse maps of more_maps/maps.bzl, and the option that chooses those to compare.

The file is read as it is: like all .bzl files it is Python, so nothing has to be built first.
"""

import argparse
import ast
import collections
import os

from tools.scripts.common.script import ROOT

# Of the fuzz targets and the command line (fuzzers/voices/voice.h).
VARIABLE = "RMAPDIFF_MAPS"

Map = collections.namedtuple("Map", "name source by_default")


def known():
    """All maps, in the order of the file."""
    with open(os.path.join(ROOT, "more_maps", "maps.bzl"), encoding="utf-8") as file:
        tree = ast.parse(file.read())
    calls = [node for node in ast.walk(tree)
             if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_map"]
    return [Map(call.args[0].value, call.args[2].value,
                any(keyword.arg == "by_default" and keyword.value.value
                    for keyword in call.keywords))
            for call in sorted(calls, key=lambda call: call.lineno)]


def names(word):
    """The value of the option; raises an ArgumentTypeError that lists the names that are known."""
    expected = [one.name for one in known()]
    for name in word.split(","):
        if name not in expected:
            raise argparse.ArgumentTypeError(
                f"no map '{name}', expected one or more of {','.join(expected)}")
    return word


def by_default():
    return ",".join(one.name for one in known() if one.by_default)


def add_option(parser):
    parser.add_argument("--maps", type=names, metavar="NAMES",
                        help=f"the maps to compare, of {','.join(one.name for one in known())} "
                             f"[{by_default()}]")


def choose(given):
    """Chooses the maps for all that this process starts; returns their names in order. `given` is
    the option's value or None, which leaves the choice to the environment."""
    if given:
        os.environ[VARIABLE] = given
    chosen = (os.environ.get(VARIABLE) or by_default()).split(",")
    return ",".join(one.name for one in known() if one.name in chosen)

"""The fuzz targets that the gate runs, and how to have them built."""

import collections
import os
import re

from tools.bazel_rules import replay
from tools.scripts.common import script
from tools.scripts.common.script import ENVIRONMENT, ROOT, Failure

# options: libFuzzer's flags. scout: the program that runs random programs of the target without
# sanitizers (fuzzers/scout_main.cc), "" for none.
Target = collections.namedtuple("Target", "name binary seeds options scout", defaults=("",))

# Takes any bytes and keeps no figures (fuzzers/fuzz_target.h).
CODEC_TARGET = "program_fuzzer"


def run_build(product, labels):
    """Builds targets; returns the folder that bazel-bin would stand for."""
    return script.run_build(ROOT, [product, *labels])


def read_target(folder, name):
    """One fuzz target of a folder as //fuzzers is built into."""
    base = os.path.join(folder, name)
    scout = os.path.join(folder, "scout")
    has_scout = name != CODEC_TARGET and os.path.exists(scout)
    return Target(name, os.path.realpath(base + "_bin"), os.path.realpath(base + "_corpus"),
                  replay.read_options(base + "_options.options"),
                  os.path.realpath(scout) if has_scout else "")


def read_names(folder):
    """Of all fuzz targets, from the folder's list."""
    path = os.path.join(folder, "fuzz_targets.txt")
    with open(path, encoding="utf-8") as file:
        names = file.read().split()
    if not names:
        raise Failure(ENVIRONMENT, f"{path}: names no fuzz target, expected one at least")
    for name in names:
        if not re.fullmatch(r"\w+", name):
            raise Failure(ENVIRONMENT, f"{path}: '{name}' is not a name of a fuzz target")
    return names


def read_targets(folder):
    """All that the folder's list names."""
    return [read_target(folder, name) for name in read_names(folder)]

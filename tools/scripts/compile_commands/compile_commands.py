"""Writes a compilation database for clangd and clang-tidy, from Bazel's own action graph.

An entry for each C++ source that a target of this tree compiles, and for each header that such a
source includes. Bazel is only asked: nothing is built and nothing is downloaded. Run it again
when a file or a flag has come or gone.

Exit code: 0 done, 2 wrong usage, 3 environment (packages that cannot be installed, a BUILD file
that Bazel cannot read, a file that cannot be written).
"""

import functools
import json
import os
import tempfile

from tools.scripts.build import bazel, building
from tools.scripts.common.script import (DONE, ENVIRONMENT, ROOT, Failure, Parser,
                                         check_writable, not_empty, run_main, write_whole)
from tools.scripts.compile_commands import action_graph

WHAT = "compile_commands.json"

# Targets that "//..." leaves out: Bazel builds them only when they are named. The programs of
# seeded faults stay out: they compile copies, which an editor never opens.
NAMED = 'kind("cc_.* rule", attr(tags, manual, //... except //tests/mutants/...))'


def _parse(words):
    parser = Parser("tools/compile_commands", __doc__)
    parser.add_argument("--out", type=not_empty, metavar="FILE", default=os.path.join(ROOT, WHAT),
                        help="where to write it; the default is the root of the checkout")
    return parser.parse_args(words).out


def _ask(words, scratch):
    return bazel.answer(WHAT, [words[0], *building.UI, *words[1:]], os.path.join(scratch, "answer"))


def _action_graph(scratch):
    """The answer of `bazel aquery`, parsed."""
    labels = [line for line in _ask(["query", "--noshow_progress", NAMED], scratch)
              if line.startswith("//")]
    lines = _ask(["aquery", "--noshow_progress", "--output=jsonproto",
                  f"mnemonic(CppCompile, deps(//... union set({' '.join(labels)})))"], scratch)
    # A warning may stand before it.
    return json.loads("\n".join(lines[lines.index("{"):]))


def _places(scratch):
    lines = _ask(["info", "output_base", "execution_root"], scratch)
    found = dict(line.split(": ", 1) for line in lines if ": " in line)
    return action_graph.Places(ROOT, found["output_base"], found["execution_root"])


@functools.lru_cache(maxsize=None)
def _read(name):
    """The text of a file of the checkout, "" if it has none of that name."""
    try:
        with open(os.path.join(ROOT, name), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def main(words):
    out = _parse(words)
    check_writable(out)
    bazel.check_place(ROOT)
    building.set_up()
    with tempfile.TemporaryDirectory(prefix="rmapdiff-commands-") as scratch:
        try:
            entries = action_graph.entries(_action_graph(scratch), _places(scratch), _read)
        except (KeyError, IndexError, ValueError) as error:
            raise Failure(ENVIRONMENT, f"bazel aquery: {error!r} in its answer, expected that of "
                                       "Bazel 4.2.3") from error
    write_whole(out, json.dumps(entries, indent=1) + "\n")
    print(f"{out}: {len(entries)} files")
    return DONE


if __name__ == "__main__":
    run_main("tools/compile_commands", main)

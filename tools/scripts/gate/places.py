"""The place of a finding in the source: a file and lines of the engine at fault.

The lines that the failing operation ran of the guilty reverse map, or of the stack, or the
candidates in the engine that all maps share, come from `repro --json`. Of them the function that
stands out is the place, the rest is related. Without them, the file in which what is wrong lives:
never that of one map where all are guilty.
"""

import collections

from tools.scripts.gate.build import CODEC_TARGET

# file: below the root. first, last: lines, 0 for the file as a whole. function: "" likewise.
Place = collections.namedtuple("Place", "file first last function")

GRAPH = "mmu/graph/page_graph.h"
CODEC, RUNNER = "fuzzers/program/program.h", "fuzzers/run/runner.cc"
MOST_LINES = 30  # of one function; more is two functions of one name
MOST_RELATED = 12


def _functions(lines):
    """Places of runs of lines in one function, and how many of the lines are `first`."""
    places = []
    for line in lines:
        file, number, function = line["file"], line["line"], line["function"]
        if places:
            place, new = places[-1]
            near = place.first <= number < place.first + MOST_LINES
            if (place.file, place.function) == (file, function) and near:
                places[-1] = (place._replace(last=max(place.last, number)), new + line["first"])
                continue
        places.append((Place(file, number, number, function), int(line["first"])))
    return places


def _without_lines(finding):
    if finding.target == CODEC_TARGET:
        return CODEC
    repro = finding.repro
    if repro.get("source"):
        return repro["source"]
    words = finding.signature.split("/")  # of a fuzz target's log, if it was not reproduced
    if words[0] == "nondeterminism" or words[-1] == "undecided":
        return RUNNER
    return repro.get("engines", {}).get(words[-1]) or repro.get("shared", GRAPH)


def find(finding):
    """(the place, related places) of a finding."""
    crash = finding.repro.get("kind") == "crash"  # its frames may have no line
    lines = [line for line in finding.repro.get("code", []) if line["line"] > 0 or crash]
    if not lines:
        return Place(_without_lines(finding), 0, 0, ""), []
    functions = _functions(lines)
    if any(line.get("rank") for line in lines):  # most suspect first
        chosen = 0
    elif crash:  # innermost first; a lambda has no name
        chosen = next((i for i, (place, _) in enumerate(functions)
                       if place.function != "operator"), 0)
    else:
        # The function with the most lines that ran for the first time.
        chosen = max(range(len(functions)),
                     key=lambda i: (functions[i][1], functions[i][0].last - functions[i][0].first))
    related = [place for i, (place, _) in enumerate(functions) if i != chosen]
    return functions[chosen][0], related[:MOST_RELATED]

"""The canary: a fault that is known to be there must be caught, or the gate sees nothing.

One mutant of tests/mutants, built as the fuzz target that it names, goes the way of all targets:
its seeds are replayed, and it is fuzzed from an empty corpus with a fixed seed. Both have to find
it, and to name the engine that is at fault.
"""

import os
import time

from tests.mutants import mutants
from tools.bazel_rules import replay
from tools.scripts.common.script import Failure
from tools.scripts.gate import build
from tools.scripts.gate.outcome import Case
from tools.scripts.mutants import finding, trial

NAME = "sibling_unlink_loses_tail"
# A change of the very lines that the patch replaces is the likeliest reason.
NOT_BUILT = (f"cannot be built, expected tests/mutants/{NAME}.patch to fit; "
             "tests/mutants/README.md says how to adapt it")
SECONDS = 20  # of the processor; it takes a fraction of one


def read(root, name=NAME):
    """The mutant, as tests/mutants/mutants.py knows it."""
    return mutants.read(os.path.join(root, "tests", "mutants", name + ".patch"))


def build_it(_root):
    """The path of the program, "" if it cannot be built."""
    try:
        built = build.run_build(f"tests/mutants/{NAME}", [f"//tests/mutants:{NAME}"])
    except Failure:
        return ""
    return os.path.realpath(os.path.join(built, "tests", "mutants", NAME))


def by_seeds(mutant, binary, target):
    """Case: seeds fail, and blame the engine at fault."""
    begin = time.monotonic()
    command = [*trial.SANITIZED, binary, *target.options]
    results = replay.replay(command, replay.list_seeds(target.seeds))
    signatures = [finding.signature_of(result.code, result.output) for result in results
                  if result.failure]
    named = {signature.rsplit("/", 1)[-1] for signature in signatures if signature}
    guilty = mutant.fields["Guilty"]
    problem = ""
    if not named:
        problem = f"{mutant.name} is not caught by any of {len(results)} seeds"
    elif named != {guilty}:
        problem = f"seeds blame {' and '.join(sorted(named))} for {mutant.name}, expected {guilty}"
    text = "\n".join(sorted(set(signatures)))
    return Case("canary", f"{mutant.name} is caught by the seeds", time.monotonic() - begin,
                problem, text)


def by_search(mutant, binary, target, seed):
    """Case: fuzzing finds it in time, and names the engine at fault."""
    begin = time.monotonic()
    tried = trial.run(trial.Task("", mutant.name, seed, binary, target.options), SECONDS)
    guilty = mutant.fields["Guilty"]
    problem = ""
    if not tried.found:
        problem = f"{mutant.name} is not caught in {SECONDS} s of fuzzing"
    elif tried.guilty != guilty:
        problem = (f"fuzzing blames {tried.guilty or 'no engine'} for {mutant.name}, "
                   f"expected {guilty}")
    text = f"{tried.signature} after {tried.execs} programs, {tried.seconds:.2f} s"
    return Case("canary", f"{mutant.name} is caught by fuzzing", time.monotonic() - begin, problem,
                text)

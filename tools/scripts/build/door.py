"""The door of tools/rmapdiff and tools/fuzz: wrong usage first, then the build, then the verb.

Where all that a verb needs is up to date, it is run at once (stamp.py). Otherwise an unknown verb
or target is refused without a build; the other options are known to the command line alone, so that
is built first, asked (`--check-usage VERB WORD...`), and only then the sanitized programs are.

Exit code: that of the verb, or 2 wrong usage, 3 it cannot be built.
"""

import ast
import collections
import os
import subprocess
import sys

from tools.scripts.build import bazel, stamp
from tools.scripts.common.script import ENVIRONMENT, USAGE, Failure, end_in_order, run_main

SCRIPTS = ("gate", "mutants", "report")
START = os.path.join(bazel.ROOT, "tools", "scripts", "start.py")
# Those that look at a program with sanitizers.
PROBING = ("draft-test", "keep", "minimize", "repro", "triage")
VERBS = (*SCRIPTS, *PROBING, "assemble", "corpus", "fuzz", "graph", "maps", "ops", "run", "show",
         "status")
HELP = ("--help", "-h")
M32 = "--m32"  # of fuzz: 32-bit code
ABOUT = ("help", "--version", *HELP)

COMMAND_LINE = "//tools/cli:rmapdiff"
PROBE = "//fuzzers:probe_bin"
SCOUT = "//fuzzers:scout"  # of objects of the command line, but for its main function
TARGET_LIST = "//fuzzers:fuzz_targets_list"
DEBUGGED = "//tools/cli:rmapdiff_debug"

# labels: beside COMMAND_LINE. takes_targets: whether the verb is told where fuzz targets are.
Needs = collections.namedtuple("Needs", "labels takes_targets", defaults=(False,))
NOTHING = Needs([])


def known_targets():
    """{name: its parts} of the fuzz targets: fuzzers/BUILD is Python, as all BUILD files are."""
    with open(os.path.join(bazel.ROOT, "fuzzers", "BUILD"), encoding="utf-8") as file:
        tree = ast.parse(file.read())
    found = {}
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "cc_fuzz_test":
            attributes = {keyword.arg: keyword.value for keyword in call.keywords}
            parts = ["_corpus", "_options"] + (["_dict"] if "dicts" in attributes else [])
            found[attributes["name"].value] = parts
    return found


def needs_of_fuzz(words):
    """All targets, or those that are named."""
    kind = "_m32" if M32 in words else ""
    labels = [PROBE, TARGET_LIST] + [SCOUT] * (M32 not in words)
    chosen = [word.partition("=")[2] for word in words if word.startswith("--target=")]
    chosen += [after for word, after in zip(words, words[1:]) if word == "--target"]
    known = known_targets() if chosen else {}
    for name in sorted(set(chosen)):
        if name not in known:
            raise Failure(USAGE, f"rmapdiff fuzz: --target: no target {name!r}, expected one of "
                                 f"{', '.join(known)}, see rmapdiff fuzz --help")
        labels += [f"//fuzzers:{name}{part}" for part in (kind + "_bin", *known[name])]
    if not chosen:
        labels.append(f"//fuzzers:fuzz_targets{kind}")
    return Needs(labels, True)


def needs_of(words):
    """The needs of a verb; raises a Failure for one that is unknown."""
    verb = words[0] if words else ""
    if verb not in (*VERBS, *ABOUT):
        said = f"no verb {verb!r}" if words else "no verb"
        raise Failure(USAGE, f"rmapdiff: {said}, expected one of {', '.join(sorted(VERBS))}")
    if any(word in HELP for word in words) or verb in ABOUT:
        return NOTHING
    if verb == "fuzz":
        return needs_of_fuzz(words[1:])
    if verb == "corpus" and words[1:2] in (["merge"], ["prune"]):
        return Needs(["//fuzzers:fuzz_targets"], True)
    labels = [PROBE] if verb in PROBING else []
    # A debugger wants to see variables.
    return Needs(labels + [DEBUGGED] * ("--gdb" in words))


def fresh_folder(needs):
    """The folder of what was built if all that is needed is up to date, else None."""
    return stamp.Stamp([COMMAND_LINE, *needs.labels]).folder()


def build(needs):
    """Builds what is needed, unless it is up to date; returns the folder of what was built."""
    from tools.scripts.build import building  # pylint: disable=import-outside-toplevel
    return building.build("tools/cli/rmapdiff", [COMMAND_LINE, *needs.labels])


def environment(folder, needs):
    """Where sources are shown from, and regressions are kept; and what is debugged."""
    added = {"RMAPDIFF_ROOT": bazel.ROOT}
    if DEBUGGED in needs.labels:
        added["RMAPDIFF_DEBUG"] = os.path.join(folder, "tools/cli/rmapdiff_debug")
    return {**os.environ, **added}


def program(folder):
    return os.path.join(folder, "tools/cli/rmapdiff")


def make_ready(words):
    """(the folder of what was built, what the verb needs); raises a Failure or ends the process."""
    try:
        needs = needs_of(words)
    except Failure:
        # An unknown verb. The command line says the same, and has a guess at what was meant.
        folder = fresh_folder(NOTHING)
        if words[:1] == ["fuzz"] or folder is None:
            raise
        return folder, NOTHING
    folder = fresh_folder(needs)
    if folder is None and needs.labels:
        check_usage(words, needs)
        if words[0] == "fuzz" and M32 in words:
            check_m32()
    return folder or build(needs), needs


def check_m32():
    """Ends the process where 32-bit programs do not run: to build them would be for nothing."""
    script = os.path.join(bazel.ROOT, "tools", "bazel_rules", "m32.sh")
    code = subprocess.run([script, "--need"], check=False).returncode
    if code != 0:
        sys.exit(code)


def check_usage(words, needs):
    """Has the command line look at the words; ends the process if they are wrong."""
    # For fuzz the list of the targets, which costs nothing.
    folder = build(Needs([label for label in needs.labels if label == TARGET_LIST]))
    check = [program(folder), "--check-usage", *with_targets(words, needs, folder)]
    code = subprocess.run(check, check=False).returncode
    if code != 0:
        sys.exit(code)


def with_targets(words, needs, folder):
    """The words, with the folder of the fuzz targets behind the verb or its action if it takes it.
    """
    count = 2 if words[:1] == ["corpus"] else 1
    targets = [f"--bin-dir={folder}/fuzzers"] if needs.takes_targets else []
    return [*words[:count], *targets, *words[count:]]


def start_script(verb, words):
    module = f"tools.scripts.{verb}.command"
    os.execv(sys.executable, [sys.executable, "-B", START, module, *words])


def main(words):
    if words[:1] and words[0] in SCRIPTS:
        start_script(words[0], words[1:])
    end_in_order()
    folder, needs = make_ready(words)
    try:
        os.execve(program(folder), [program(folder), *with_targets(words, needs, folder)],
                  environment(folder, needs))
    except OSError as error:
        raise Failure(ENVIRONMENT, f"{program(folder)}: {error.strerror}") from error


if __name__ == "__main__":
    run_main("rmapdiff", main, says_name=False)

"""The finding of a fuzz target that has ended, read from its exit code and its output."""

import collections
import os
import re
import subprocess

SYMBOLIZER = "llvm-symbolizer-19"

TIMEOUT_CODE, OOM_CODE = 70, 71

# by: which check ("model", "mmus", "audit", "add-return", "truth", "teardown", "nondeterminism"),
# or "sanitizer", "signal", "timeout", "oom".
Finding = collections.namedtuple("Finding", "by signature guilty")

SIGNATURE = re.compile(r"^SIGNATURE: (\S+)$", re.MULTILINE)
CHECK = re.compile(r"^CHECK: (\S+)$", re.MULTILINE)
SANITIZER = re.compile(r"ERROR: (\w+Sanitizer): ([\w-]+)|: (runtime error): ")
# The last words of a scout that a signal has ended (fuzzers/scout_main.cc).
SIGNAL = re.compile(r"^SUMMARY: (\w+) in a scout$", re.MULTILINE)
FRAME = re.compile(r"^\s+#\d+ 0x[0-9a-f]+ +\(([^()]+)\+(0x[0-9a-f]+)\)", re.MULTILINE)
SYMBOLIZED = re.compile(r"^\s+#\d+ 0x[0-9a-f]+ in (.+)$", re.MULTILINE)
# The first line of a fuzz target: "NAME=SOURCE" for each engine (fuzzers/fuzz_target.h).
ENGINES = re.compile(r"^ENGINES: (.+)$", re.MULTILINE)


def _functions(text):
    """The functions on the first stack of a report, with their places if it is symbolized."""
    stack = text.split("\n\n")[0]
    frames = FRAME.findall(stack)
    if not frames:
        return SYMBOLIZED.findall(stack)
    run = subprocess.run([SYMBOLIZER, "--functions=linkage", "--demangle",
                          f"--obj={frames[0][0]}"],
                         input="\n".join(address for _, address in frames), text=True,
                         capture_output=True, check=False)
    return run.stdout.split("\n")


def engines_of(text):
    """The sources of the engines' maps by the names of the engines, as the target has printed them.
    """
    line = ENGINES.search(text)
    return dict(word.split("=", 1) for word in line.group(1).split()) if line else {}


def _is_of(source):
    """A pattern for the functions of the map in a source.

    The function stands there, or has the map among its template arguments. A source has the name
    of the class in it: mmu/sibling_map.h has SiblingMap.
    """
    stem = os.path.splitext(os.path.basename(source))[0]
    name = "".join(word.capitalize() for word in stem.split("_"))
    return re.compile(rf"\b{re.escape(name)}\b|(?:^|[\s/]){re.escape(source)}:", re.MULTILINE)


def guilty_of_stack(functions, engines):
    """The engine whose code the stack is in, "" if that does not show."""
    text = "\n".join(functions)
    named = [engine for engine, source in engines.items() if _is_of(source).search(text)]
    return named[0] if len(named) == 1 else ""


def signature_of(code, text):
    """The signature in all that a target has printed, "" if it ended without a finding."""
    found = read(code, text)
    return found.signature if found else ""


def read(code, text):
    """A Finding, or None if the target has ended without one."""
    signature = SIGNATURE.search(text)
    if signature:
        check = CHECK.search(text)
        words = signature.group(1).split("/")
        by = check.group(1) if check else words[0]
        return Finding(by, signature.group(1), words[-1])
    if code == TIMEOUT_CODE:
        return Finding("timeout", "timeout", "")
    if code == OOM_CODE:
        return Finding("oom", "oom", "")
    sanitizer = SANITIZER.search(text)
    if code > 0 and sanitizer:
        guilty = guilty_of_stack(_functions(text[sanitizer.start():]), engines_of(text))
        what = sanitizer.group(2) or "undefined"
        return Finding("sanitizer", f"{what}/{guilty or 'unknown'}", guilty)
    killed = SIGNAL.search(text)
    if code > 0 and killed:
        return Finding("signal", f"{killed.group(1)}/unknown", "")
    return None

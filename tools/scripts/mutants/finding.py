"""What a fuzz target that ended has found, read from its exit code and what it printed."""

import collections
import re
import subprocess

SYMBOLIZER = "llvm-symbolizer-19"

TIMEOUT_CODE, OOM_CODE = 70, 71

# by: which check ("model", "mmus", "audit", "add-return", "truth", "teardown", "nondeterminism"),
# or "sanitizer", "timeout", "oom".
Finding = collections.namedtuple("Finding", "by signature guilty")

SIGNATURE = re.compile(r"^SIGNATURE: (\S+)$", re.MULTILINE)
CHECK = re.compile(r"^CHECK: (\S+)$", re.MULTILINE)
SANITIZER = re.compile(r"ERROR: (\w+Sanitizer): ([\w-]+)|: (runtime error): ")
FRAME = re.compile(r"^\s+#\d+ 0x[0-9a-f]+ +\(([^()]+)\+(0x[0-9a-f]+)\)", re.MULTILINE)
SYMBOLIZED = re.compile(r"^\s+#\d+ 0x[0-9a-f]+ in (.+)$", re.MULTILINE)
# Functions of an engine have its reverse map among their template arguments.
ENGINES = {"legacy": "DescriptorMap", "sibling": "SiblingMap"}


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


def guilty_of_stack(functions):
    """The engine whose code the stack is in, "" if that does not show."""
    text = "\n".join(functions)
    named = [engine for engine, reverse_map in ENGINES.items() if reverse_map in text]
    return named[0] if len(named) == 1 else ""


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
        guilty = guilty_of_stack(_functions(text[sanitizer.start():]))
        what = sanitizer.group(2) or "undefined"
        return Finding("sanitizer", f"{what}/{guilty or 'unknown'}", guilty)
    return None

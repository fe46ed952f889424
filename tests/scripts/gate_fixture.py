"""Fuzz targets that are scripts, for the tests of the gate, and a folder for each test."""

import os
import shutil
import stat
import sys
import tempfile
import unittest

from tools.scripts.gate import build

# An input "accept" is a program for the target, and "reject" is not. "crash..." fails with the rest
# of the word as its signature. Fuzzing counts EXECS programs, and executes as many as it is told
# to. It ends by the findings of RULES, one for each start. These are "SEED SIGNATURE" lines beside
# the program, each found AFTER so many programs. BUSY uses up the processor. The file "began" gets
# the inputs of each start.
TARGET = f"""#!{sys.executable}
import os, struct, sys
flags = dict(word[1:].split("=", 1) for word in sys.argv[1:] if word.startswith("-"))
files = [word for word in sys.argv[1:] if not word.startswith("-")]
stats = os.environ.get("RMAPDIFF_STATS")

def count(number):
    if not stats or KEEPS_NONE:
        return
    old = struct.unpack_from("=Q", open(stats, "rb").read(), 16)[0] if os.path.exists(stats) else 0
    open(stats, "wb").write(b"RMAPDIFF" + struct.pack("=QQQQ", 1, old + number, 0, 0))

def fail(signature):
    print("CHECK: model\\nSIGNATURE: " + signature, flush=True)
    sys.exit(77)

if files and os.path.isdir(files[0]):
    print("INFO: Loaded 1 modules   (%s inline 8-bit counters)" % COUNTERS)
    count(EXECS)
    while BUSY:
        pass
    inputs = []
    if "seed_inputs" in flags:
        inputs = open(flags["seed_inputs"][1:]).read().split(",")
    with open("began", "a") as began:
        began.write(flags["runs"] + " " + " ".join(inputs) + "\\n")
    def find(executed, text):
        print("stat::number_of_executed_units: %d" % executed)
        path = flags["artifact_prefix"] + "crash-" + flags["seed"]
        open(path, "w").write(text)
        print("Test unit written to " + path)
        fail(text.split()[1])
    for name in inputs:
        if "crash" in open(name).read():
            find(1, open(name).read())
    for line in RULES.splitlines():
        if line.split()[0] == flags["seed"]:
            open(os.path.join(files[0], "learnt" + flags["seed"]), "w").write("accept")
            find(len(inputs) + AFTER, "crash " + line.split()[1])
    print("stat::number_of_executed_units: " + (flags["runs"] if EXECS else "0"))
    sys.exit(ENDS_WITH)
count(0)
for path in files:
    print("Running: " + path, flush=True)
    text = open(path).read()
    if text.startswith("crash"):
        fail(text.split()[1])
    if text == "poison":
        print("ENGINES: legacy=legacy_mmu/descriptor_map.h sibling=mmu/sibling_map.h")
        print("==1==ERROR: AddressSanitizer: use-after-poison on address 0x1")
        print("    #0 0x1 in f(DescriptorMap<std::variant<a>>) a.h:1:2\\n" + "report\\n" * 9999)
        sys.exit(77)
    if text == "accept":
        count(1)
    print("Executed " + path + " in 0 ms", flush=True)
"""


class Folder(unittest.TestCase):
    """Each test has a folder."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name

    def path(self, *names):
        return os.path.join(self.root, *names)

    def write(self, name, content, mode=stat.S_IRUSR | stat.S_IWUSR):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(path, mode)
        return path

    def target(self, seeds=None, name="rmap_fuzzer", rules="", execs=100, counters=5, ends_with=0,
               keeps_none=False, after=10, busy=False):
        """A fuzz target; seeds: {name: content}."""
        head = (f"RULES = {rules!r}\nEXECS = {execs}\nCOUNTERS = {counters}\nAFTER = {after}\n"
                f"ENDS_WITH = {ends_with}\nKEEPS_NONE = {keeps_none}\nBUSY = {busy}\n")
        first, rest = TARGET.split("\n", 1)
        binary = self.write(f"{name}_bin", f"{first}\n{head}{rest}", stat.S_IRWXU)
        shutil.rmtree(self.path(f"{name}_corpus"), ignore_errors=True)
        os.makedirs(self.path(f"{name}_corpus"))
        for seed, content in (seeds or {}).items():
            self.write(f"{name}_corpus/{seed}", content)
        return build.Target(name, binary, self.path(f"{name}_corpus"), ["-max_len=8"])


OWN, REGRESSION = "corpus-rmap_fuzzer-a.ops.bin", "corpus-regressions-b.ops.bin"

"""From the artifact of a seeded fault to its cure: every verb on real faults, under sanitizers.

The programs are mutants (tests/mutants): one whose fault is a verdict, and one that only
AddressSanitizer sees. What docs/from-crash-to-cure.md tells is run here, command by command.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from tools.bazel_rules import patience

ROOT = os.getcwd()
MUTANTS = os.path.join(ROOT, "tests/mutants")
LOST_TAIL = "sibling_unlink_loses_tail"
READ_AFTER_UNLINK = "sibling_link_read_after_unlink"
DOCUMENT = os.path.join(ROOT, "docs/from-crash-to-cure.md")
CRASH = os.path.join(ROOT, "docs/examples/crash-0f5d.ops")

HEADER = "program version=2 limits=tiny reuse=quarantine masks=shadow recycle=exact misuse=no\n"
PARENTS = HEADER + """\
alloc_page page=7 level=4 direct=no gfn=0x3 parent=none index=0
alloc_page page=9 level=3 direct=no gfn=0x1 parent=7 index=2
pin page=7
unlink_parents page=9
"""


class Faulty(unittest.TestCase):
    """Each test has a folder of its own, and is in it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)

    def write(self, name, content):
        with open(name, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return name

    def read(self, name):
        with open(name, encoding="utf-8") as file:
            return file.read()

    def command(self, mutant):
        environment = dict(os.environ, RMAPDIFF_ROOT=ROOT,
                           RMAPDIFF_PROBE=os.path.join(MUTANTS, mutant + "_probe"))
        return os.path.join(MUTANTS, mutant + "_rmapdiff"), environment

    def run_cli(self, mutant, *words, code=0):
        program, environment = self.command(mutant)
        done = subprocess.run([program, *words], env=environment, capture_output=True,
                              timeout=patience.SECONDS, check=False)
        self.assertEqual(done.returncode, code, done.stderr.decode() + done.stdout.decode())
        return done.stdout.decode()

    def artifact(self):
        """What libFuzzer writes for the program of the document."""
        self.run_cli(LOST_TAIL, "assemble", CRASH, "-o", "crash-0f5d")
        return "crash-0f5d"


class ReproTest(Faulty):

    def test_a_verdict_with_its_story_its_code_and_the_commands(self):
        text = self.run_cli(LOST_TAIL, "repro", self.artifact(), code=1)
        self.assertRegex(text, r"\Acrash-0f5d: \d+ ops on a page graph, tiny limits; "
                               r"for tiny_rmap_fuzzer\n"
                               r"reproduced 10/10 under ASan and UBSan: "
                               r"rmap-missing/drop/sibling\n")
        for part in ("\nDIVERGENCE at op ", "\nhistory of rmap(gfn 0x12, level 1), as sib",
                     "\nmmu/sibling_map.h, what op ", "  Unlink\n",
                     "      *link = nullptr;\n",
                     "\nreproduce:  tools/rmapdiff repro crash-0f5d\n",
                     "\nminimise:   tools/rmapdiff minimize crash-0f5d -o minimal.ops\n",
                     "\npicture:    tools/rmapdiff graph ",
                     "\ndebug:      tools/rmapdiff repro --gdb "):
            self.assertIn(part, text)

    def test_the_end_of_a_process_with_its_stack(self):
        text = self.run_cli(READ_AFTER_UNLINK, "repro", "-k", "2", self.write("a.ops", PARENTS),
                            code=1)
        self.assertIn("\nreproduced 2/2 under ASan and UBSan: "
                      "ubsan-store-to-misaligned-address/SiblingMap::UnlinkParents/sibling\n", text)
        self.assertIn("\nCRASH at op 4 of 4: unlink_parents page=9\n", text)
        self.assertIn("runtime error: store to misaligned address", text)
        self.assertRegex(text, r"SiblingMap::UnlinkParents +mmu/sibling_map.h:\d+\n")

    def test_json_of_a_verdict_has_the_lines_of_the_guilty_map(self):
        answer = json.loads(self.run_cli(LOST_TAIL, "repro", "--json", "-k", "2", self.artifact(),
                                         code=1))
        for key, value in [("signature", "rmap-missing/drop/sibling"), ("engine", "sibling"),
                           ("kind", "divergence"), ("check", "model"), ("runs", 2),
                           ("reproduced", 2), ("sanitized", True), ("others", {}), ("ops", 16),
                           ("op_index", 12), ("detail", "missing: page 5 [0]"),
                           ("target", "tiny_rmap_fuzzer"), ("file", "crash-0f5d")]:
            self.assertEqual(answer[key], value, key)
        self.assertIn("\nhistory of rmap(gfn 0x12, level 1)", answer["report"])
        unlink = [line for line in answer["code"] if line["function"] == "Unlink"]
        self.assertTrue(unlink)
        for line in unlink:
            self.assertEqual((line["file"], line["first"]), ("mmu/sibling_map.h", True))

    def test_json_of_a_crash_has_its_stack(self):
        answer = json.loads(self.run_cli(READ_AFTER_UNLINK, "repro", "--json", "-k", "1",
                                         self.write("a.ops", PARENTS), code=1))
        self.assertEqual((answer["kind"], answer["engine"], answer["op"]),
                         ("crash", "sibling", "unlink_parents page=9"))
        functions = [line["function"] for line in answer["code"]]
        self.assertIn("SiblingMap::UnlinkParents", functions[:2])  # perhaps a lambda in it first

    def test_json_of_no_finding(self):
        answer = json.loads(self.run_cli(READ_AFTER_UNLINK, "repro", "--json", "--plain",
                                         self.write("a.ops", PARENTS)))
        self.assertEqual((answer["signature"], answer["reproduced"], answer["others"]),
                         ("", 0, {}))
        self.assertNotIn("code", answer)

    def test_json_is_for_programs_alone(self):
        for other in ("--trace", "--gdb"):
            self.run_cli(LOST_TAIL, "repro", "--json", other, self.artifact(), code=2)

    def test_without_sanitizers_that_fault_does_not_show(self):
        text = self.run_cli(READ_AFTER_UNLINK, "repro", "--plain", self.write("a.ops", PARENTS))
        self.assertIn("\nnot reproduced, 0/10 without sanitizers\n", text)

    def test_only_one_engine_and_only_the_beginning(self):
        artifact = self.artifact()
        self.run_cli(LOST_TAIL, "repro", "-k", "1", "--engine=legacy", artifact)
        self.run_cli(LOST_TAIL, "repro", "-k", "1", "--engine=sibling", artifact, code=1)
        text = self.run_cli(LOST_TAIL, "repro", "-k", "1", "--until=4", "--engine=legacy", artifact)
        self.assertIn("AGREE: 4 ops", text)

    def test_the_trace_comes_before_the_report(self):
        text = self.run_cli(LOST_TAIL, "repro", "-k", "1", "--trace", self.artifact(), code=1)
        self.assertLess(text.index("   op  operation"), text.index("DIVERGENCE"))

    def endless(self):
        """A program that takes seconds on any machine: 120,000 operations beside 16 pages."""
        pages = "".join(f"alloc_page page={page} level=1 direct=no gfn=0x{page + 1:x} parent=none "
                        "index=0\n" for page in range(16))
        self.write("a.ops", HEADER + pages + "map page=0 index=0 gfn=0x2 write=no speculative=no\n"
                   "drop page=0 index=0 notrap=no\n")
        self.run_cli(READ_AFTER_UNLINK, "assemble", "a.ops", "-o", "a.bin")
        with open("a.bin", "rb") as file:
            content = file.read()
        return self.write("long", content + content[-16:] * 60000)

    def test_a_program_has_only_so_much_time(self):
        text = self.run_cli(READ_AFTER_UNLINK, "repro", "-k", "1", "--full", "--timeout=1s",
                            self.endless(), code=1)
        self.assertRegex(text, r"reproduced 1/1 under ASan and UBSan: timeout/(map|drop)/\w+\n")
        self.assertRegex(text, r"CRASH at op \d+ of 120018: (map|drop) ")
        self.assertNotIn("child_process", text)

    def test_a_program_has_only_so_much_memory(self):
        text = self.run_cli(READ_AFTER_UNLINK, "repro", "-k", "1", "--full", "--memory=32",
                            self.endless(), code=1)
        self.assertRegex(text, r"reproduced 1/1 under ASan and UBSan: memory/\w+/\w+\n")

    def test_the_first_line_comes_at_once(self):
        program, environment = self.command(LOST_TAIL)
        with subprocess.Popen([program, "repro", self.artifact()], env=environment,
                              stdout=subprocess.PIPE) as process:
            self.assertIn(b"for tiny_rmap_fuzzer", process.stdout.readline())
            process.stdout.read()

    def test_gdb_stops_before_the_operation(self):
        program, environment = self.command(LOST_TAIL)
        done = subprocess.run([program, "repro", "-k", "1", "--gdb", self.artifact()],
                              env=environment, input=b"backtrace\nquit\ny\n", capture_output=True,
                              timeout=patience.SECONDS, check=False)
        self.assertIn(b"rmapdiff::BeforeOperation", done.stdout + done.stderr)


class MinimizeTest(Faulty):

    def minimize(self, mutant, *words):
        return self.run_cli(mutant, "minimize", *words)

    def test_of_a_verdict(self):
        text = self.minimize(LOST_TAIL, self.artifact(), "-o", "m.ops")
        self.assertIn("nothing more can go", text)
        self.assertLessEqual(self.read("m.ops").count("\n"), 6)
        self.assertTrue(self.read("m.ops").startswith("# Shows rmap-missing/drop/sibling.\n"))

    def test_of_the_end_of_a_process(self):
        self.write("a.ops", PARENTS)
        self.minimize(READ_AFTER_UNLINK, "a.ops", "-o", "m.ops")
        self.assertEqual(self.read("m.ops"),
                         "# Shows ubsan-store-to-misaligned-address/SiblingMap::UnlinkParents"
                         "/sibling.\n" + HEADER +
                         "alloc_page page=0 level=4 direct=no gfn=0x0 parent=none index=0\n"
                         "alloc_page page=1 level=3 direct=no gfn=0x0 parent=0 index=0\n"
                         "unlink_parents page=1\n")

    def test_no_operation_of_the_result_can_go(self):
        self.write("a.ops", PARENTS)
        for mutant, source in ((LOST_TAIL, self.artifact()), (READ_AFTER_UNLINK, "a.ops")):
            self.minimize(mutant, source, "-o", "m.ops")
            lines = self.read("m.ops").splitlines(keepends=True)
            signature = re.match(r"# Shows (.*)\.", lines[0])[1]
            for i in range(2, len(lines)):
                self.write("less.ops", "".join(lines[:i] + lines[i + 1:]))
                program, environment = self.command(mutant)
                done = subprocess.run([program, "repro", "-k", "1", "less.ops"], env=environment,
                                      capture_output=True, check=False)
                self.assertNotIn(f": {signature}\n", done.stdout.decode(), lines[i])

    def test_twice_it_is_the_same(self):
        artifact = self.artifact()
        self.minimize(LOST_TAIL, artifact, "-o", "1.ops")
        self.minimize(LOST_TAIL, artifact, "-o", "2.ops")
        self.assertEqual(self.read("1.ops"), self.read("2.ops"))

    def interrupt(self, program, environment):
        """What `minimize a.ops -o m.ops` prints if it is interrupted once m.ops is there.

        It may be done before the signal comes: then it is tried again.
        """
        for _ in range(100):
            with subprocess.Popen([program, "minimize", "a.ops", "-o", "m.ops"], env=environment,
                                  stdout=subprocess.PIPE) as process:
                while not os.path.exists("m.ops") and process.poll() is None:
                    time.sleep(0.001)
                process.send_signal(signal.SIGINT)
                text = process.communicate()[0].decode()
            if "nothing more can go" not in text:
                self.assertEqual(process.returncode, 0)
                return text
            os.remove("m.ops")
        return self.fail("100 times it was done before it could be interrupted")

    def test_interrupted_it_leaves_the_best_so_far_and_the_same_command_goes_on(self):
        program, environment = self.command(READ_AFTER_UNLINK)
        lines = PARENTS.splitlines(keepends=True)
        self.write("a.ops", "".join(lines[:2]) + "".join(
            f"alloc_page page={8 + i} level=3 direct=no gfn=0x{i} parent=7 index={i % 8}\n"
            for i in range(2, 20)) + "pin page=7\nunlink_parents page=12\n")
        text = self.interrupt(program, environment)
        self.assertIn("stopped: the best so far, the same command goes on", text)
        self.assertTrue(self.read("m.ops").startswith("# Unfinished: "))
        done = subprocess.run([program, "minimize", "a.ops", "-o", "m.ops"], env=environment,
                              capture_output=True, check=True)
        self.assertIn(b"going on from m.ops: ", done.stderr)
        self.assertNotIn("Unfinished", self.read("m.ops"))

    def test_what_is_no_program_has_nothing_to_be_minimized(self):
        os.mkdir("program_fuzzer")
        self.write("program_fuzzer/crash-1", b"\1\2\3")
        self.run_cli(LOST_TAIL, "minimize", "program_fuzzer/crash-1", "-o", "m.ops", code=2)
        self.assertFalse(os.path.exists("m.ops"))


class DraftTest(Faulty):

    def test_what_is_drafted_is_what_the_suite_compiles_and_runs(self):
        text = self.run_cli(LOST_TAIL, "draft-test", self.artifact())
        suite = "tests/fuzzers/finding/drafted_test.cc"
        self.assertEqual(text, self.read(os.path.join(ROOT, suite)), "write it to " + suite)


class KeepTest(Faulty):

    def keep(self, *words, code=0):
        return self.run_cli(LOST_TAIL, "keep", self.artifact(), "--to=.", *words, code=code)

    def test_the_minimized_program_with_its_story(self):
        self.keep("--cause=lost_tail", "--story=The list lost its tail, " + "long " * 30)
        text = self.read("lost_tail.ops")
        self.assertRegex(text, r"\A# The list lost its tail, (?s:.*)\n# It showed "
                               r"rmap-missing/drop/sibling\.\nprogram version=2 ")
        self.assertLessEqual(max(map(len, text.splitlines())), 100)
        self.run_cli(LOST_TAIL, "repro", "-k", "1", "lost_tail.ops", code=1)

    def test_what_is_there_is_not_replaced(self):
        self.write("lost_tail.ops", "mine")
        self.keep("--cause=lost_tail", code=2)
        self.assertEqual(self.read("lost_tail.ops"), "mine")

    def test_a_cause_is_a_plain_name(self):
        for cause in ("", "../x", "A", "a-b", "a\x1b"):
            self.keep("--cause=" + cause, code=2)
        self.assertEqual(os.listdir(), ["crash-0f5d"])


class TriageTest(Faulty):

    def test_one_row_for_each_bug_and_what_is_known(self):
        os.makedirs("found/deep")
        os.makedirs("corpus/regressions")
        shutil.copy(self.artifact(), "found/crash-1")
        shutil.copy(self.artifact(), "found/deep/crash-2")
        for folder in ("crashes", "queue"):
            os.makedirs("found/default/" + folder)
            shutil.copy(self.artifact(), f"found/default/{folder}/id:000000,sig:06")
        self.write("found/crash-3", HEADER)
        self.write("found/crash-1.txt", "a report")
        self.write("found/bad.ops", "no program")
        self.run_cli(LOST_TAIL, "keep", "crash-0f5d", "--to=corpus/regressions", "--cause=tail")
        program, environment = self.command(LOST_TAIL)
        environment["RMAPDIFF_ROOT"] = os.getcwd()
        done = subprocess.run([program, "triage", "--json", "found"], env=environment,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(b"found/bad.ops:1:1: ", done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual(answer["unreadable"], 1)
        self.assertEqual([(row["signature"], row["count"], row["known"], row["engine"])
                          for row in answer["groups"]],
                         [("rmap-missing/drop/sibling", 3, "tail", "sibling"), ("", 1, "", "")])
        self.assertEqual((answer["groups"][0]["reproduced"], answer["groups"][0]["runs"]), (9, 9))
        table = self.run_cli(LOST_TAIL, "triage", "found", code=1)
        self.assertRegex(table, r"rmap-missing/drop/sibling +3 +9/9 +sibling ")

    def test_folders_that_are_none(self):
        self.write("file", "x")
        for name in ("none", "file"):
            self.run_cli(LOST_TAIL, "triage", name, code=2)
        os.mkdir("empty")
        self.assertEqual(self.run_cli(LOST_TAIL, "triage", "empty"), "empty: no artifacts\n")


class GraphTest(Faulty):

    def test_the_entry_that_is_missing_is_red(self):
        self.run_cli(LOST_TAIL, "graph", self.artifact(), "-o", "state.dot")
        dot = self.read("state.dot")
        self.assertIn("not on the list of sibling", dot)
        self.assertIn("descriptor", dot)
        self.run_cli(LOST_TAIL, "graph", "crash-0f5d", "--at=5", "-o", "before.dot")
        self.assertNotIn("not on the list", self.read("before.dot"))

    def test_svg_by_graphviz(self):
        self.run_cli(LOST_TAIL, "graph", self.artifact(), "-o", "state.svg")
        self.assertIn("</svg>", self.read("state.svg"))

    def test_without_graphviz_its_input_is_left(self):
        program, environment = self.command(LOST_TAIL)
        environment["PATH"] = "/nowhere"
        done = subprocess.run([program, "graph", self.artifact(), "-o", "state.svg"],
                              env=environment, capture_output=True, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertEqual(done.stderr, b"dot: cannot draw, expected Debian's package graphviz; its "
                                      b"input is in state.dot\n")
        self.assertEqual(sorted(os.listdir()), ["crash-0f5d", "state.dot"])

    def test_places_and_names_that_make_no_sense(self):
        artifact = self.artifact()
        for words in (["--at=0", "-o", "a.svg"], ["--at=99", "-o", "a.svg"], ["-o", "a.png"]):
            self.run_cli(LOST_TAIL, "graph", artifact, *words, code=2)


class DocumentTest(Faulty):
    """Every command of the walk, on the fault it is about, prints what the document shows."""

    def test_the_walk(self):
        text = open(DOCUMENT, encoding="utf-8").read()
        blocks = re.findall(r"```console\n\$ tools/rmapdiff ([^\n]*)\n(.*?)```", text, re.DOTALL)
        self.assertGreaterEqual(len(blocks), 4)
        self.artifact()
        for words, expected in blocks:
            program, environment = self.command(LOST_TAIL)
            done = subprocess.run([program, *words.split()], env=environment, check=False,
                                  capture_output=True, text=True, timeout=patience.SECONDS)
            output = done.stderr + done.stdout
            for volatile in (r"\d+ runs, \d+\.\d s", r"\d{4}-\d\d-\d\d \d\d:\d\d"):
                output = re.sub(volatile, "*", output)
                expected = re.sub(volatile, "*", expected)
            # "..." stands for what is left out.
            pattern = ".*".join(re.escape(part) for part in re.split(r"(?m)^\.\.\.\n", expected))
            self.assertRegex(output, re.compile(r"\A" + pattern + r"\Z", re.DOTALL), words)


if __name__ == "__main__":
    unittest.main()

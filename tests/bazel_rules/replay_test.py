"""The replay of a corpus cannot pass without having run every seed."""

import contextlib
import io
import os
import stat
import sys
import tempfile
import unittest
import unittest.mock as mock
import xml.etree.ElementTree as ElementTree

from tools.bazel_rules import junit, replay, replay_corpus

# Behaves like a fuzz target of libFuzzer: what it does with a seed stands in the seed.
FAKE_TARGET = f"""#!{sys.executable}
import os, sys
for path in sys.argv[1:]:
    if path.startswith("-"):
        continue
    seed = open(path).read()
    if seed == "stop":
        sys.exit(0)
    print("Running: " + path, flush=True)
    if seed == "crash":
        print("ERROR: AddressSanitizer: heap-use-after-free")
        sys.exit(1)
    if seed == "report":
        print("ERROR: AddressSanitizer: use-after-poison")
        print("    #0 0x1 in f(std::variant<a, b<c>>*) a.cc:1:2")
        print("\\n".join("line %d of the report" % i for i in range(4000)))
        sys.exit(77)
    if seed == "abort":
        os.abort()
    if seed == "engines":
        print("ENGINES: a=a.h")
    if seed == "undefined":
        print("a.cc:1:2: runtime error: shift exponent 64 is too large")
    print("Executed " + path + " in 0 ms", flush=True)
"""


class ReplayTest(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = scratch.name
        self.corpus = os.path.join(self.root, "corpus")
        os.mkdir(self.corpus)
        self.target = self.write("target", FAKE_TARGET)
        os.chmod(self.target, stat.S_IRWXU)

    def write(self, name, content):
        path = os.path.join(self.root, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        return path

    def failures(self, *seeds, target=None, batch=1000):
        """Replays seeds of these contents; returns the indices of those that failed."""
        for index, seed in enumerate(seeds):
            self.write(f"corpus/{index}", seed)
        results = replay.replay([target or self.target], replay.list_seeds(self.corpus), batch)
        self.assertEqual(len(results), len(seeds))
        return [i for i, result in enumerate(results) if result.failure is not None]

    def run_main(self, *flags):
        """Runs the whole script; returns exit code, output and the XML's root."""
        xml = os.path.join(self.root, "test.xml")
        outputs = os.path.join(self.root, "outputs")
        os.makedirs(outputs, exist_ok=True)
        options = self.write("x.options", "[libfuzzer]\nmax_len=64\n")
        argv = ["replay_corpus", "--name=x", f"--binary={self.target}", f"--corpus={self.corpus}",
                f"--options={options}", *flags]
        environment = {"XML_OUTPUT_FILE": xml, "TEST_UNDECLARED_OUTPUTS_DIR": outputs}
        output = io.StringIO()
        with mock.patch.dict(os.environ, environment), mock.patch.object(sys, "argv", argv):
            with contextlib.redirect_stdout(output):
                code = replay_corpus.main()
        return code, output.getvalue(), ElementTree.parse(xml).getroot()

    def test_all_pass(self):
        self.assertEqual(self.failures("a", "b", "c"), [])

    def test_a_crash_hides_no_other_seed(self):
        self.assertEqual(self.failures("a", "crash", "b", "abort", "c"), [1, 3])

    def test_batches(self):
        self.assertEqual(self.failures("a", "b", "crash", "c", "d", batch=2), [2])

    def test_a_finding_that_is_not_fatal_fails_its_seed(self):
        self.assertEqual(self.failures("a", "undefined", "b"), [1])
        self.assertEqual(self.failures("undefined", "a", "undefined", "crash"), [0, 2, 3])

    def test_a_finding_between_the_seeds_fails_them_all(self):
        early = self.write("early", "#!/bin/sh\necho ERROR: AddressSanitizer\nexec ./target $@\n")
        os.chmod(early, stat.S_IRWXU)
        with contextlib.chdir(self.root):
            self.assertEqual(self.failures("a", "b", target=early), [0, 1])

    def test_an_error_after_the_last_seed_fails_it(self):
        late = self.write("late", "#!/bin/sh\n./target $@\nexit 23\n")
        os.chmod(late, stat.S_IRWXU)
        with contextlib.chdir(self.root):
            self.assertEqual(self.failures("a", "b", target=late), [1])

    def test_a_program_that_stops_early_fails_what_did_not_run(self):
        self.assertEqual(self.failures("stop"), [0])
        self.assertIn(2, self.failures("a", "b", "stop"))

    def test_a_program_that_runs_nothing_fails_everything(self):
        idle = self.write("idle", "#!/bin/sh\nexit 0\n")
        os.chmod(idle, stat.S_IRWXU)
        self.assertEqual(self.failures("a", "b", target=idle), [0, 1])
        for target, not_executed in ((idle, True), (self.target, False)):
            result, = replay.replay([target], [self.write("corpus/0", "abort")])
            self.assertEqual(result.failure.startswith(replay.NOT_EXECUTED), not_executed)

    def test_an_empty_corpus_fails(self):
        code, output, root = self.run_main()
        self.assertEqual(code, 1)
        self.assertIn("holds no seed", output)
        self.assertEqual(len(list(root.iter("failure"))), 1)

    def test_report(self):
        self.write("corpus/good", "a")
        self.write("corpus/bad", "crash")
        code, output, root = self.run_main()
        self.assertEqual(code, 1)
        self.assertIn("replayed 2 seeds: 1 passed, 1 failed", output)
        self.assertIn(f"reproduce: {self.target} {self.corpus}/bad", output)
        names = [case.get("name") for case in root.iter("testcase")]
        self.assertEqual(names, ["bad", "good"])
        self.assertTrue(os.path.exists(os.path.join(self.root, "outputs", "bad")))

    def test_success(self):
        self.write("corpus/good", "a")
        code, output, root = self.run_main()
        self.assertEqual((code, list(root.iter("failure"))), (0, []))
        self.assertIn("replayed 1 seeds: 1 passed, 0 failed", output)

    def test_all_that_a_seed_has_printed_is_kept_and_its_ends_are_shown(self):
        for index, seed in enumerate(("undefined", "a", "report")):
            self.write(f"corpus/{index}", seed)
        for batch in (1000, 1):
            result = replay.replay([self.target], replay.list_seeds(self.corpus), batch)[2]
            self.assertEqual(result.code, 77)
            self.assertTrue(result.output.startswith(f"Running: {self.corpus}/2\nERROR: "))
            self.assertIn("std::variant<a, b<c>>*", result.output)
            self.assertIn("\nline 2000 of the report\n", result.output)
            self.assertLess(len(result.failure), replay.OUTPUT_LIMIT + 200)
            self.assertTrue(result.failure.startswith(
                f"exit code 77\nRunning: {self.corpus}/2\n"
                "ERROR: AddressSanitizer: use-after-poison\n"
                "    #0 0x1 in f(std::variant<...>*) a.cc:1:2\nline 0 "))
            self.assertIn(" characters are left out ...\n", result.failure)
            self.assertTrue(result.failure.endswith("\nline 3999 of the report\n"))

    def test_what_the_seeds_before_have_printed_is_not_of_this_one(self):
        self.write("corpus/0", "a")
        self.write("corpus/1", "crash")
        self.assertNotIn("corpus/0", replay.replay(
            [self.target], replay.list_seeds(self.corpus))[1].output)

    def test_the_engines_stand_in_what_each_seed_has_printed(self):
        for index, seed in enumerate(("engines", "a", "crash")):
            self.write(f"corpus/{index}", seed)
        result = replay.replay([self.target], replay.list_seeds(self.corpus))[2]
        self.assertTrue(result.output.startswith(f"ENGINES: a=a.h\nRunning: {self.corpus}/2\n"))
        self.assertNotIn("ENGINES", result.failure)

    def test_variants_are_shortened(self):
        for text, expected in (
                ("f(std::variant<A, B<C<D>>> const&) x", "f(std::variant<...> const&) x"),
                ("std::__1::variant<A>, std::variant<B>", "std::__1::variant<...>, "
                                                          "std::variant<...>"),
                ("g<std::variant<A, std::variant<B>>, C>", "g<std::variant<...>, C>"),
                ("std::variant<A, B\nnext <line>", "std::variant<...\nnext <line>"),
                ("variants <A>", "variants <A>")):
            self.assertEqual(replay.without_variants(text), expected)

    def test_xml_holds_no_control_characters(self):
        xml = os.path.join(self.root, "test.xml")
        with mock.patch.dict(os.environ, {"XML_OUTPUT_FILE": xml}):
            junit.write([("s\x00", "n<", "a\x00\x1b<\udc80\n", ""), ("s", "n", "", "b\x01")])
        failed, skipped = ElementTree.parse(xml).getroot().iter("testcase")
        self.assertEqual((failed.get("classname"), failed.get("name"), failed[0].text),
                         ("s?", "n<", "a??<?\n"))
        self.assertEqual((skipped[0].tag, skipped[0].get("message")), ("skipped", "b?"))


if __name__ == "__main__":
    unittest.main()

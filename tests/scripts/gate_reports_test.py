"""The gate's reports: SARIF against its official schema, JUnit XML as CI systems read it.

The table of rules must know every word that a signature can begin with.
"""

import json
import os
import re
import unittest
import xml.etree.ElementTree as ElementTree

import jsonschema

from tools.scripts.gate import junit, places, rules, sarif
from tools.scripts.gate.outcome import Case, Finding

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")

PROGRAM = ("program version=2 limits=tiny reuse=quarantine masks=shadow recycle=exact misuse=no\n"
           "drop page=0 index=1 notrap=no\n")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def line(function, number, first):
    return {"function": function, "file": "mmu/sibling_map.h", "line": number, "first": first}


def lost_tail(**more):
    """A finding as the gate has it: see docs/from-crash-to-cure.md."""
    code = [line("Remove", 65, True), line("SiblingMap::Unlink", 160, True),
            line("SiblingMap::Unlink", 162, True), line("SiblingMap::Unlink", 166, True),
            line("PoisonLink", 173, True)]
    values = {"signature": "rmap-missing/drop/sibling", "target": "tiny_rmap_fuzzer",
              "artifact": "a", "raw": "rmap-missing/drop/sibling", "minimal": "minimal.ops",
              "program": PROGRAM,
              "repro": {"kind": "divergence", "engine": "sibling",
                        "op": "drop page=0 index=1 notrap=no", "subject": "rmap(gfn 0x0, level 1)",
                        "expected": "{ page 0 [0] }", "actual": "{ }",
                        "detail": "missing: page 0 [0]", "code": code}}
    return Finding(**{**values, **more})


class RulesTest(unittest.TestCase):

    def names_in(self, path, function):
        """The string literals that a function returns."""
        body = re.search(function + r"\(.*?\n}\n", read(path), re.DOTALL)[0]
        return re.findall(r'return "([^"]+)";', body)

    def names_of_findings(self):
        """The words of a table in a C++ function."""
        text = read("fuzzers/state/difference.cc")
        table = re.search(r"FindingName\(.*?kNames\[\] = {(.*?)};", text, re.DOTALL)[1]
        return re.findall('"([^"]+)"', table)

    def test_every_finding_of_a_verdict_has_a_rule(self):
        names = [name for name in self.names_of_findings() if name != "none"]
        self.assertGreater(len(names), 25)
        for name in names:
            with self.subTest(name):
                rule = rules.rule_of(name + "/drop/sibling", {"kind": "divergence"})
                self.assertIn(rule, rules.RULES)
                self.assertNotEqual(rule, "unknown")

    def test_every_end_of_a_process_has_a_rule(self):
        text = read("fuzzers/finding/trial.cc")
        names = self.names_in("fuzzers/finding/trial.cc", "CauseName")
        self.assertEqual(names[0], "timeout")
        names.remove("?")
        names += ["signal-" + name
                  for name in self.names_in("fuzzers/finding/trial.cc", "SignalName")]
        self.assertIn('"exit-{}"', text)
        codec = re.search(r"kCodecExit = (\d+);", read("fuzzers/finding/probe.cc"))[1]
        expected = {"exit-1": "abnormal-end", "exit-" + codec: "codec", "memory": "out-of-memory",
                    "signal-31": "abnormal-end", "signal-segv": "wild-access",
                    "timeout": "endless"}
        for name in names + list(expected):
            with self.subTest(name):
                rule = rules.rule_of(name + "/drop/sibling", {"kind": "crash"})
                self.assertIn(rule, rules.RULES)
                self.assertNotEqual(rule, "unknown")
                self.assertEqual(rule, expected.get(name, rule))

    def test_what_sanitizers_say_has_a_rule(self):
        expected = {
            "asan-use-after-poison": "use-after-free",
            "asan-heap-use-after-free": "use-after-free",
            "asan-stack-use-after-return": "use-after-free",
            "asan-double-free": "use-after-free",
            "asan-heap-buffer-overflow": "out-of-bounds",
            "asan-global-buffer-overflow": "out-of-bounds",
            "asan-container-overflow": "out-of-bounds",
            "asan-SEGV": "wild-access",
            "asan-leak": "leak",
            "asan-bad-free": "address-error",
            "ubsan-shift-exponent": "undefined-behavior",
            # As a fuzz target's own output is read.
            "use-after-poison": "use-after-free",
            "undefined": "undefined-behavior",
            "oom": "out-of-memory",
            "nondeterminism": "nondeterminism",
        }
        for word, rule in expected.items():
            with self.subTest(word):
                self.assertEqual(rules.rule_of(word + "/SiblingMap::Unlink/sibling"), rule)

    def test_values_say_in_which_direction_it_differs(self):
        for signature, repro, rule in [
                ("dirty/drop/legacy", {"detail": "missing: pfn 0x3"}, "dirty-lost"),
                ("dirty/drop/legacy", {"detail": "extra: pfn 0x3"}, "dirty-extra"),
                ("accessed/age/legacy", {"detail": "missing: pfn 0x3"}, "accessed-lost"),
                ("accessed/age/legacy", {"detail": "extra: pfn 0x3"}, "accessed-extra"),
                ("flush/unmap/both", {"expected": "1", "actual": "0"}, "flush-missing"),
                ("flush/unmap/both", {"expected": "0", "actual": "1"}, "flush-extra"),
                ("spte/access/both", {"detail": "U set, W set"}, "write-protect-mismatch"),
                ("spte/access/both", {"expected": "not writable"}, "write-protect-mismatch"),
                ("spte/access/both", {"detail": "A set"}, "spte-mismatch"),
                ("outcome/write_protect/sibling", {"op": "write_protect gfn=0x1"},
                 "write-protect-mismatch"),
                ("outcome/drop/sibling", {"op": "drop page=0"}, "outcome-mismatch"),
                ("memory/store/both", {"kind": "divergence"}, "memory-mismatch"),
                ("memory/store/both", {"kind": "crash"}, "out-of-memory")]:
            with self.subTest(signature + rule):
                self.assertEqual(rules.rule_of(signature, repro), rule)

    def test_every_rule_can_be_reached_and_says_what_it_means(self):
        reached = set(rules.BY_WORD.values()) | {rule for _, rule in rules.BY_PATTERN}
        named = self.names_of_findings()
        reached |= set(rules.RULES) & set(named) | {"nondeterminism", "unknown"}
        reached |= {"dirty-lost", "dirty-extra", "accessed-lost", "accessed-extra",
                    "flush-missing", "flush-extra", "write-protect-mismatch", "spte-mismatch",
                    "outcome-mismatch", "memory-mismatch", "out-of-memory"}
        self.assertEqual(reached, set(rules.RULES))
        for rule in rules.RULES.values():
            self.assertRegex(rule.id, r"\A[a-z]+(-[a-z]+)*\Z")
            self.assertTrue(rule.short.endswith(".") and rule.help.endswith("."), rule.id)

    def test_a_word_that_nobody_knows_is_no_error(self):
        self.assertEqual(rules.rule_of("whatever"), "unknown")


class PlacesTest(unittest.TestCase):

    def test_the_function_that_ran_most_of_what_is_new(self):
        place, related = places.find(lost_tail())
        self.assertEqual(place, ("mmu/sibling_map.h", 160, 166, "SiblingMap::Unlink"))
        self.assertEqual([other.function for other in related], ["Remove", "PoisonLink"])

    def test_of_a_crash_the_innermost_frame_that_has_a_name(self):
        finding = lost_tail()
        finding.repro["kind"] = "crash"
        self.assertEqual(places.find(finding)[0].function, "Remove")
        finding.repro["code"].insert(0, line("operator", 99, False))
        self.assertEqual(places.find(finding)[0].function, "Remove")

    def test_of_candidates_the_most_suspect_and_not_all_that_follow(self):
        def candidate(function, number, rank):
            return {"function": function, "file": "mmu/shadow/shadow_mmu_fault.h", "line": number,
                    "first": False, "rank": rank}
        finding = lost_tail(signature="truth/access/both")
        finding.repro["code"] = [candidate("A", 7, 1), candidate("B", 1, 1), candidate("B", 9, 1)]
        finding.repro["code"] += [candidate(f"C{i}", 20 + i, i) for i in range(2, 30)]
        place, related = places.find(finding)
        self.assertEqual(place, ("mmu/shadow/shadow_mmu_fault.h", 7, 7, "A"))
        self.assertEqual(related[0], ("mmu/shadow/shadow_mmu_fault.h", 1, 9, "B"))
        self.assertEqual(len(related), places.MOST_RELATED)
        result = sarif.log([finding], [], "", 1)["runs"][0]["results"][0]
        self.assertIn("candidate", result["relatedLocations"][0]["message"]["text"])

    def test_a_frame_of_a_crash_without_a_line_is_a_place(self):
        finding = lost_tail()
        finding.repro["kind"] = "crash"
        finding.repro["code"] = [line("Inner", 0, False), line("Outer", 9, False)]
        self.assertEqual(places.find(finding)[0], ("mmu/sibling_map.h", 0, 0, "Inner"))

    def test_without_lines_the_file_where_it_lives(self):
        graph, shadow = "mmu/graph/page_graph.h", "mmu/shadow/shadow_mmu.h"
        known = {"engines": {"third": "third_mmu/map.h"}, "shared": shadow}
        for engine, repro, file in [("third", dict(known, source="third_mmu/map.h"),
                                     "third_mmu/map.h"),
                                    ("both", dict(known, source=graph), graph),
                                    # Not reproduced.
                                    ("third", known, "third_mmu/map.h"),
                                    ("both", known, shadow),
                                    ("third+fourth", known, shadow),
                                    ("undecided", dict(known, source=""),
                                     "fuzzers/run/runner.cc"),
                                    # Not run at all.
                                    ("third", {}, graph)]:
            with self.subTest(engine=engine, repro=repro):
                finding = lost_tail(signature="x/y/" + engine, repro=repro)
                self.assertEqual(places.find(finding), ((file, 0, 0, ""), []))
        finding = lost_tail(target="program_fuzzer", repro={})
        self.assertEqual(places.find(finding)[0].file, "fuzzers/program/program.h")


class SarifTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        schema = json.loads(read("tests/schemas/sarif-2.1.0-rtm.5.json"))
        jsonschema.Draft4Validator.check_schema(schema)
        cls.validator = jsonschema.Draft4Validator(schema)

    def log(self, *findings, problems=(), exit_code=1, base="b" * 40):
        log = sarif.log(list(findings), list(problems), "tools/rmapdiff gate", exit_code,
                        "a" * 40, base)
        log = json.loads(json.dumps(log))
        self.assertEqual([error.message for error in self.validator.iter_errors(log)], [])
        self.assertEqual(len(log["runs"]), 1)
        return log["runs"][0]

    def test_the_schema_refuses_what_is_none(self):
        log = sarif.log([lost_tail()], [], "", 1)
        del log["runs"][0]["results"][0]["message"]
        self.assertFalse(self.validator.is_valid(log))
        self.assertFalse(self.validator.is_valid({"version": "2.1.0"}))

    def test_a_finding_with_its_rule_place_program_and_fingerprint(self):
        run = self.log(lost_tail())
        result = run["results"][0]
        self.assertEqual(result["ruleId"], "rmap-missing")
        self.assertEqual(run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"],
                         "rmap-missing")
        self.assertEqual((result["level"], result["baselineState"]), ("error", "new"))
        location = result["locations"][0]["physicalLocation"]
        self.assertEqual(location["artifactLocation"]["uri"], "mmu/sibling_map.h")
        self.assertEqual(location["region"], {"startLine": 160, "endLine": 166})
        self.assertEqual(len(result["relatedLocations"]), 2)
        for part in ("rmap(gfn 0x0, level 1)", "missing: page 0 [0]", PROGRAM.strip()):
            self.assertIn(part, result["message"]["text"])
        self.assertEqual(result["properties"]["program"], PROGRAM)
        again = self.log(lost_tail(artifact="b", target="rmap_fuzzer"))["results"][0]
        self.assertEqual(result["partialFingerprints"], again["partialFingerprints"])
        other = self.log(lost_tail(signature="rmap-missing/unmap/sibling"))["results"][0]
        self.assertNotEqual(result["partialFingerprints"], other["partialFingerprints"])

    def test_what_the_base_has_as_well_is_a_note(self):
        result = self.log(lost_tail(in_base=True))["results"][0]
        self.assertEqual((result["level"], result["baselineState"]), ("note", "unchanged"))
        self.assertIn("base revision has this", result["message"]["text"])

    def test_a_seed_that_fails_is_an_error_whatever_the_base_did(self):
        result = self.log(lost_tail(in_base=True, seed="corpus/x/y.ops"))["results"][0]
        self.assertEqual(result["level"], "error")
        self.assertIn("corpus/x/y.ops", result["message"]["text"])

    def test_without_a_base_nothing_is_said_of_it(self):
        self.assertNotIn("baselineState", self.log(lost_tail(), base="")["results"][0])

    def test_nothing_found_is_a_log_without_results_but_with_all_rules(self):
        run = self.log(exit_code=0)
        self.assertEqual(run["results"], [])
        self.assertEqual(len(run["tool"]["driver"]["rules"]), len(rules.RULES))
        self.assertTrue(run["invocations"][0]["executionSuccessful"])
        self.assertEqual(run["automationDetails"]["id"], "rmapdiff/gate/")

    def test_a_gate_that_proves_nothing_has_not_succeeded(self):
        invocation = self.log(problems=["canary: not caught"], exit_code=3)["invocations"][0]
        self.assertFalse(invocation["executionSuccessful"])
        self.assertEqual(invocation["exitCode"], 3)
        self.assertIn("canary: not caught",
                      invocation["toolExecutionNotifications"][0]["message"]["text"])

    def test_an_input_of_which_nothing_is_known(self):
        finding = lost_tail(signature="unknown/unknown/unknown", repro={}, minimal="", program="")
        self.assertEqual(self.log(finding)["results"][0]["ruleId"], "unknown")


class JunitTest(unittest.TestCase):

    CASES = [
        Case("rmap_fuzzer", "corpus/rmap_fuzzer/a.ops", 0.25),
        Case("canary", "is caught", 1.5, "is not caught"),
        Case("rmap_fuzzer", "corpus/rmap_fuzzer/b.ops", 0.5, "rmap-missing/drop/sibling",
             "the <report> & \x1b[1mcolours\x00", finding=True),
    ]

    def test_suites_cases_failures_and_errors(self):
        root = ElementTree.fromstring(junit.document(self.CASES).encode())
        self.assertEqual(root.tag, "testsuites")
        self.assertEqual([root.get(name) for name in ("tests", "failures", "errors")],
                         ["3", "1", "1"])
        suites = root.findall("testsuite")
        self.assertEqual([suite.get("name") for suite in suites], ["rmap_fuzzer", "canary"])
        self.assertEqual([suites[0].get(name) for name in ("tests", "failures", "errors",
                                                           "skipped", "time")],
                         ["2", "1", "0", "0", "0.750"])
        passed, failed = suites[0].findall("testcase")
        self.assertEqual((passed.get("classname"), passed.get("name"), passed.get("time")),
                         ("rmap_fuzzer", "corpus/rmap_fuzzer/a.ops", "0.250"))
        self.assertEqual(list(passed), [])
        self.assertEqual(failed.find("failure").get("message"), "rmap-missing/drop/sibling")
        self.assertEqual(failed.find("failure").text, "the <report> & ?[1mcolours?")
        error = suites[1].find("testcase/error")
        self.assertEqual((error.get("message"), error.text), ("is not caught", "is not caught"))

    def body(self, text, again="tools/rmapdiff repro 'a b/<x>.ops'"):
        """(the failure's text as it is read, its size as it is written)."""
        document = junit.document([Case("s", "n", 0.0, "a/b/c", text, finding=True, again=again)])
        written = re.search(r"<failure[^>]*>(.*)</failure>", document, re.DOTALL)[1]
        element = ElementTree.fromstring(document.encode()).find("testsuite/testcase/failure")
        return element.text, len(written.encode())

    def test_a_text_begins_with_the_command_to_go_on_with(self):
        text, _ = self.body("what went wrong")
        self.assertEqual(text, "tools/rmapdiff repro 'a b/<x>.ops'\n\nwhat went wrong")
        self.assertEqual(self.body("what went wrong", again="")[0], "what went wrong")

    def test_a_long_text_keeps_its_beginning_and_its_end(self):
        for middle in ("x" * 9000, "<&>" * 3000, "\u20ac" * 9000, "\x00\x1b" * 3000, "\n" * 9000):
            with self.subTest(middle[:3]):
                text, size = self.body("FIRST " + middle + " LAST")
                self.assertLessEqual(size, 2000)
                self.assertGreater(size, 1900)
                self.assertTrue(text.startswith("tools/rmapdiff repro 'a b/<x>.ops'\n\nFIRST "))
                self.assertTrue(text.endswith(" LAST"))
                self.assertIn("\n[...]\n", text)

    def test_a_text_that_fits_is_whole(self):
        text, size = self.body("x" * 2000, again="")
        self.assertEqual((text, size), ("x" * 2000, 2000))
        self.assertIn("[...]", self.body("x" * 2001, again="")[0])

    def test_a_long_message_is_cut(self):
        document = junit.document([Case("s", "n", 0.0, "p" * 5000)])
        self.assertLess(len(document), 3500)

    def test_nothing_is_a_document_too(self):
        self.assertEqual(list(ElementTree.fromstring(junit.document([]).encode())), [])


if __name__ == "__main__":
    unittest.main()

"""Every mutant fits the sources as they are, says what it is, and changes code."""

import glob
import os
import re
import tempfile
import unittest

from tests.mutants import mutants

HERE = os.path.dirname(os.path.abspath(__file__))
PATCHES = sorted(glob.glob(os.path.join(HERE, "*.patch")))
IDS = r"[0-9a-f]{12}( [0-9a-f]{12})*( CVE-\d+-\d+)?"
WORDS = r"20\d\d, [^;]*[^;.]"
STANDS_FOR = rf"^(none|({IDS}|{WORDS})(; {WORDS})*)$"
COMMENT = re.compile(r"//.*")


def code_of(text):
    """The text without comments and layout."""
    return COMMENT.sub("", text).split()


def read_source(path):
    with open(os.path.join(HERE, "..", "..", path), encoding="utf-8") as file:
        return file.read()


def code_text(text):
    return COMMENT.sub("", text)


def sources(ending):
    """The paths of the sources that mutants are made of."""
    root = os.path.abspath(os.path.join(HERE, "..", ".."))
    found = [os.path.relpath(os.path.join(folder, name), root)
             for top in ("fuzzers", "legacy_mmu", "mmu")
             for folder, _, names in os.walk(os.path.join(root, top))
             for name in names if name.endswith(ending)]
    return sorted(found)


def units_of(area):
    """What may be compiled anew for an area, as tools/bazel_rules/mutant.bzl says."""
    engines = {"base": r"mmu/base/.*", "legacy": r".*legacy_engine\.cc",
               "sibling": r".*sibling_engine\.cc"}
    pattern = engines.get(area, mutants.UNIT.pattern + "|" + re.escape(mutants.DEFAULTS_FILE))
    return [path for path in sources(".cc") if re.fullmatch(pattern, path)]


def changed_texts(mutant, units):
    """The texts of all sources, as the mutant has them."""
    return {path: mutants.apply_hunks(read_source(path), mutant.changes.get(path, ()))
            for path in sources(".h") + units}


class MutantsTest(unittest.TestCase):

    def check_each(self, check):
        for path in PATCHES:
            with self.subTest(os.path.basename(path)):
                check(mutants.read(path))

    def test_there_are_mutants_of_every_area(self):
        areas = {os.path.basename(path).split("_")[0] for path in PATCHES}
        self.assertEqual(sorted(areas), sorted(mutants.AREAS))
        self.assertGreaterEqual(len(PATCHES), 70)

    def test_headings_are_complete_and_in_order(self):
        def check(mutant):
            self.assertEqual(tuple(mutant.fields), mutants.FIELDS)
            self.assertNotIn("", mutant.fields.values())
        self.check_each(check)

    def test_headings_are_well_formed(self):
        def check(mutant):
            fields = mutant.fields
            self.assertRegex(fields["Stands-for"], STANDS_FOR)
            self.assertRegex(fields["Equivalent"], r"^(no|yes, because .+)$")
        self.check_each(check)

    def test_every_target_exists(self):
        def check(mutant):
            self.assertTrue(read_source(f"fuzzers/{mutant.fields['Target']}.cc"))
        self.check_each(check)

    def test_every_target_is_one_that_a_mutant_can_be_built_for(self):
        self.check_each(lambda mutant: self.assertIn(mutant.fields["Target"], mutants.PROGRAMS))

    def test_every_fault_is_compiled_and_a_fault_of_a_map_costs_one_object(self):
        units = {area: units_of(area) for area in mutants.AREAS}

        def check(mutant):
            area = mutant.name.split("_")[0]
            texts = changed_texts(mutant, units[area])
            anew = [unit for unit in units[area] if mutants.is_changed(mutant, unit, texts)]
            self.assertTrue(anew)
            self.assertLessEqual(len(anew), 1 if area in ("base", "legacy", "sibling") else 5)
            for path in set(mutant.changes) - {mutants.QUIRKS_FILE}:
                self.assertTrue(any(path in mutants.reached(unit, texts) for unit in anew), path)
        self.check_each(check)

    def test_only_the_file_of_their_defaults_knows_the_quirks(self):
        uses = re.compile(r"\bQuirksOf\(|\bQuirks(?: \w+;|\{|::)|\bMmuConfig(?: \w+;|\{)")
        knowing = [unit for unit in units_of("shadow")
                   if uses.search(code_text(read_source(unit)))]
        self.assertEqual(knowing, [mutants.DEFAULTS_FILE])
        for header in sources(".h"):
            if header not in ("mmu/shadow/quirks.h", "mmu/shadow/shadow_mmu.h",
                              "fuzzers/program/quirk_modes.h"):  # with QuirksOf
                self.assertIsNone(uses.search(code_text(read_source(header))), header)

    def test_the_engine_to_blame_is_the_one_that_is_changed(self):
        def check(mutant):
            area = mutant.name.split("_")[0]
            expected = (area,) if area in ("legacy", "sibling") else ("both", "any")
            if mutant.fields["Equivalent"] != "no":
                expected = ("none",)
            self.assertIn(mutant.fields["Guilty"], expected)
        self.check_each(check)

    def test_every_mutant_stays_in_its_area(self):
        self.check_each(mutants.check_area)

    def test_every_mutant_fits_and_changes_code(self):
        def check(mutant):
            for path, hunks in mutant.changes.items():
                before = read_source(path)
                after = mutants.apply_hunks(before, hunks)
                self.assertNotEqual(code_of(before), code_of(after), path)
        self.check_each(check)

    def test_no_two_mutants_are_the_same(self):
        seen = {}

        def check(mutant):
            change = repr(sorted(mutant.changes.items()))
            self.assertNotIn(change, seen, f"the same as {seen.get(change)}")
            seen[change] = mutant.name
        self.check_each(check)


class ApplyTest(unittest.TestCase):

    def test_what_no_program_of_the_target_runs_is_not_compiled(self):
        for target, path, answer in (
                ("rmap_fuzzer", "fuzzers/voices/graph_voice_production.cc", True),
                ("rmap_fuzzer", "fuzzers/voices/graph_voice_tiny.cc", False),
                ("rmap_fuzzer", "fuzzers/voices/mmu_voice_production.cc", False),
                ("rmap_fuzzer", "fuzzers/voices/plain_mmu_production.cc", False),
                ("rmap_fuzzer", "mmu/shadow/any_mmu_production.cc", True),
                ("tiny_mmu_fuzzer", "fuzzers/voices/reference_tiny.cc", True),
                ("tiny_mmu_fuzzer", "fuzzers/voices/reference_production.cc", False),
                ("tiny_mmu_fuzzer", "fuzzers/voices/graph_voice_tiny.cc", False),
                ("oom_fuzzer", "mmu/shadow/any_mmu_tiny.cc", True),
                ("oom_fuzzer", "mmu/shadow/any_mmu_production.cc", True),
                ("rmap_fuzzer", "fuzzers/voices/legacy_engine.cc", True)):
            with self.subTest(target=target, path=path):
                self.assertIs(mutants.runs(target, path), answer)

    def test_what_includes_no_change_is_not_compiled(self):
        texts = {"a.cc": '#include "b.h"\n', "b.h": '#include "c.h"\n', "c.h": "", "d.h": ""}
        for changed, answer in (("a.cc", True), ("c.h", True), ("d.h", False)):
            mutant = mutants.Mutant("m", {"Target": "oom_fuzzer"}, {changed: []})
            self.assertIs(mutants.is_changed(mutant, "a.cc", texts), answer)

    def test_more_than_a_default_of_the_quirks_is_told(self):
        for before, after in (("  bool a = false;", "  int a = 0;"),
                              ("  bool a = false;", "  bool a = b;"),
                              ("  bool a = false;", None)):
            hunk = mutants.Hunk(["x", before], ["x"] + ([after] if after else []))
            with self.assertRaises(mutants.Malformed):
                mutants.check_defaults(mutants.Mutant("m", {}, {mutants.QUIRKS_FILE: [hunk]}))
        hunk = mutants.Hunk(["x", "  bool a = false;"], ["x", "  bool a = true;"])
        mutants.check_defaults(mutants.Mutant("m", {}, {mutants.QUIRKS_FILE: [hunk]}))

    HUNK = mutants.Hunk(["a", "b"], ["a", "x"])

    def test_a_hunk_is_found_wherever_it_stands(self):
        self.assertEqual(mutants.apply_hunks("0\na\nb\nc\n", [self.HUNK]), "0\na\nx\nc\n")
        self.assertEqual(mutants.apply_hunks("a\nb\n", [self.HUNK]), "a\nx\n")

    def test_a_hunk_that_is_not_there_or_not_alone_does_not_fit(self):
        for text in ("a\nc\n", "a\nb\na\nb\n", "aa\nb\n"):
            with self.assertRaises(mutants.Malformed):
                mutants.apply_hunks(text, [self.HUNK])

    def test_malformed_patches_are_told(self):
        diff = "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n"
        for text in ("Subject: s\n" + diff, "no heading\n\n" + diff, "Subject: s\n\nno diff\n",
                     "Subject: s\nSubject: s\n\n" + diff, "Subject: s\n\n--- a/f\n+++ b/f\n",
                     "Subject: s\n\n" + diff.replace("b/f", "b/g")):
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "m.patch")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                with self.assertRaises(mutants.Malformed):
                    mutants.read(path)

    def test_a_mutant_that_leaves_its_area_is_told(self):
        for name in ("sibling_x", "other_x"):
            with self.assertRaises(mutants.Malformed):
                mutants.check_area(mutants.Mutant(name, {}, {"mmu/graph/limits.h": []}))

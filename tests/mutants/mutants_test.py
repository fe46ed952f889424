"""Every mutant fits the sources as they are, says what it is, and changes code."""

import glob
import os
import re
import tempfile
import unittest

from tests.mutants import mutants

HERE = os.path.dirname(os.path.abspath(__file__))
PATCHES = sorted(glob.glob(os.path.join(HERE, "*.patch")))
STANDS_FOR = r"^(none|[0-9a-f]{12}( [0-9a-f]{12})*( CVE-\d+-\d+)?)$"
COMMENT = re.compile(r"//.*")


def code_of(text):
    """The text without comments and layout."""
    return COMMENT.sub("", text).split()


def read_source(path):
    with open(os.path.join(HERE, "..", "..", path), encoding="utf-8") as file:
        return file.read()


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
        text = read_source(mutants.BUILT_FOR_FILE)

        def check(mutant):
            narrowed = mutants.narrow(text, mutant.fields["Target"])
            self.assertIn("= false;", narrowed)
        self.check_each(check)

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

    def test_a_mutant_is_built_for_its_target_only(self):
        text = "".join(f"bool kBuiltFor{word} = true;\n"
                       for word in ("Graphs", "Mmus", "Production", "Tiny"))
        narrowed = mutants.narrow(text, "rmap_fuzzer")
        self.assertEqual(narrowed.count("true"), 2)
        self.assertIn("kBuiltForMmus = false;", narrowed)
        self.assertIn("kBuiltForTiny = false;", narrowed)

    def test_a_target_or_a_switch_that_is_not_there_is_told(self):
        for text, target in (("", "rmap_fuzzer"), ("bool kBuiltForMmus = true;", "rmap_fuzzer"),
                             ("", "no_fuzzer")):
            with self.assertRaises(mutants.Malformed):
                mutants.narrow(text, target)

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

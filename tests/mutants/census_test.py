"""docs/finding-power/census.md names patches that there are, and they stand for the same fixes."""

import collections
import glob
import os
import re
import unittest

from tests.mutants import census, mutants

HERE = os.path.dirname(os.path.abspath(__file__))
DOCS = os.path.join(HERE, "..", "..", "docs")
WORDS = re.compile(r"\d{4}, ")


def read(*path):
    with open(os.path.join(DOCS, *path), encoding="utf-8") as file:
        return file.read()


def stands_for(mutant):
    """({ids}, {year and words}) of a heading."""
    items = [item for item in mutant.fields["Stands-for"].split("; ") if item != "none"]
    words = {item for item in items if WORDS.match(item)}
    ids = {word for item in items if item not in words for word in item.split()
           if not word.startswith("CVE-")}
    return ids, words


class CensusTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.text = read("finding-power", "census.md")
        cls.rows = census.read(cls.text)
        cls.known = census.figures(read("finding-power", "all_faults.md"), cls.text)
        cls.mutants = {mutant.name: mutant for mutant in map(
            mutants.read, glob.glob(os.path.join(HERE, "*.patch")))}
        cls.beside = set(re.findall(r"^- ([0-9a-f]{12}), ", cls.text, re.MULTILINE))

    def test_every_fix_has_a_row(self):
        self.assertEqual(len(self.rows), 310)
        ids = [row.fix for row in self.rows if row.fix != "-"]
        self.assertEqual(len(ids), len(set(ids)))

    def test_the_legend_counts_the_rows(self):
        counted = collections.Counter(row.letter for row in self.rows)
        legend = re.findall(r"^\| ([A-Z]) \| (\d+) \| ", self.text, re.MULTILINE)
        self.assertEqual({letter: int(number) for letter, number in legend}, dict(counted))

    def test_the_letter_says_whether_a_fault_does_harm(self):
        for row in self.rows:
            with self.subTest(row.fix, what=row.what, faults=row.faults):
                harm = any(self.mutants[fault].fields["Equivalent"] == "no"
                           for fault in row.faults)
                self.assertEqual(harm, row.letter == "F")

    def test_every_fault_that_does_harm_was_measured(self):
        for row in self.rows:
            for fault in row.faults:
                with self.subTest(fault):
                    equivalent = self.mutants[fault].fields["Equivalent"] != "no"
                    self.assertTrue(equivalent or fault in self.known)

    def test_every_fault_of_a_fix_stands_for_it(self):
        for row in self.rows:
            for fault in row.faults:
                with self.subTest(fix=row.fix, fault=fault):
                    ids, words = stands_for(self.mutants[fault])
                    if row.fix == "-":
                        self.assertIn(f"{row.year}, {row.what}", words)
                    else:
                        self.assertIn(row.fix, ids)

    def test_every_fix_that_a_patch_stands_for_names_it(self):
        by_id = {row.fix: row for row in self.rows}
        by_words = {f"{row.year}, {row.what}": row for row in self.rows if row.fix == "-"}
        for name, mutant in self.mutants.items():
            ids, words = stands_for(mutant)
            for known, item in [(by_id, one) for one in ids - self.beside] + [
                    (by_words, one) for one in words]:
                with self.subTest(name, item=item):
                    self.assertIn(name, known[item].faults)

    def test_figures_are_those_of_the_slowest_fault(self):
        for row in self.rows:
            with self.subTest(row.fix, what=row.what):
                expected = census.cells_of(census.slowest(row, self.known))
                self.assertEqual((row.found, row.programs), expected)

    def test_faults_of_the_second_table_have_no_row_in_all_faults(self):
        own = census.figures(self.text)
        self.assertTrue(own)
        self.assertEqual(set(own) & set(census.figures(read("finding-power", "all_faults.md"))),
                         set())
        self.assertLessEqual(set(own), set(self.mutants))

    def test_the_documents_say_what_the_table_adds_up_to(self):
        sentence = census.sentence(self.rows, self.known)
        for path in (("finding-power.md",), ("..", "README.md")):
            self.assertIn(sentence, " ".join(read(*path).split()), path)


class ReadTest(unittest.TestCase):

    ROW = "| 0123456789ab | 2010 | flush | x | F | `a_b`, `c` | 1/2 | 30 |\n"

    def test_a_row(self):
        row, = census.read("| fix | year |\n| --- | --- |\n" + self.ROW)
        self.assertEqual((row.fix, row.faults, row.missing), ("0123456789ab", ("a_b", "c"), ""))

    def test_what_cannot_be_read_is_told(self):
        for text in (self.ROW.replace("| F |", "| Q |"), self.ROW.replace(" | 30 |", " |"),
                     self.ROW.replace("`a_b`, `c`", "nothing"), self.ROW.replace("F", "M")):
            with self.assertRaises(census.Malformed):
                census.read(text)

    def test_the_slowest_fault_decides(self):
        known = census.figures("| `a_b` | 20/20 | 0.1 | 0.2 | 0.1 | 7 | x |\n",
                               "| `c` | 1/3 | 1,200 | x |\n| `d` | 0/3 | - | - |\n")
        self.assertEqual(known["d"], census.Figure(0, 3, None))
        row, = census.read(self.ROW)
        self.assertEqual(census.cells_of(census.slowest(row, known)), ("1/3", "1,200"))
        self.assertFalse(census.is_found(known["c"]))
        self.assertTrue(census.is_found(known["a_b"]))
        self.assertIsNone(census.slowest(row, {}))
        self.assertIn("Of 1 public fixes", census.sentence([row], known))


if __name__ == "__main__":
    unittest.main()

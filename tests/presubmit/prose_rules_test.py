"""The rules on prose fire on a bad sample, and only there."""

import unittest

from tests.presubmit.rule_fixture import RuleTest
from tools.presubmit import prose, prose_rules

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen " \
       "sixteen seventeen eighteen nineteen twenty"


class SentenceTest(RuleTest):

    def sentences(self, path, text):
        self.write(path, text)
        return [(found.line, found.text) for found in prose.sentences(self.tree(), path)]

    def test_of_a_document(self):
        self.assertEqual(
            self.sentences("a.md", "# Heading\n\nOne is\nhere. Two (of `a. B`)\nis.\n\n- A point\n"
                                   "- Another. Third.\n\n| a | table |\n\n```\nCode. Here.\n```\n"),
            [(3, "One is here."), (4, "Two (of `a. B`) is."), (7, "A point"), (8, "Another."),
             (8, "Third.")])

    def test_of_comments(self):
        self.assertEqual(
            self.sentences("a.h", "// One is\n// here. Two.\n//\n// Three\n//   an example. No.\n"
                                  "int x;  // A word.\n  // Four, e.g. This.\n"
                                  "  //  - Five\n  //    goes on.\n"),
            [(1, "One is here."), (2, "Two."), (4, "Three"), (7, "Four, e.g. This."),
             (8, "Five goes on.")])
        self.assertEqual(
            self.sentences("a.py", "# One.\nx()\n# Two.\n"), [(1, "One."), (3, "Two.")])
        self.assertEqual(self.sentences("run", "#!/bin/sh\n# One.\n"), [(2, "One.")])

    def test_words_are_those_that_a_reader_counts(self):
        sentence = prose.Sentence(1, "A [link of five words here](x y z) and `a b c`, 12 – fine.")
        self.assertEqual(len(sentence.words()), 10)


class ProseRulesTest(RuleTest):

    def found(self, rule, path, text):
        self.write(path, text)
        return sorted(finding.line for finding in rule(self.tree()))

    def test_words(self):
        bad = ("whoever reads", "nobody does", "which is to be had", "can be told apart",
               "a file of no use", "'x' is no number", "says who is wrong", "for who reads it")
        for text in bad:
            for path, sample in (("a.md", f"x\n{text}\n"), ("a.cc", f"\n// {text}\n"),
                                 ("b.cc", f'\nFail("{text}");\n'), ("a.py", f'"""x\n{text}"""\n'),
                                 ("run", f"#!/bin/sh\n# {text}\n"), ("BUILD", f"\n# {text}\n")):
                self.assertEqual(self.found(prose_rules.check_words, path, sample), [2], sample)
                self.write(path, "")

    def test_words_across_lines(self):
        for sample in ("x is\n// no file\n", "x is\n  // no file\n", 'f("x is "\n  "no file");\n'):
            self.assertEqual(self.found(prose_rules.check_words, "a.cc", sample), [1], sample)
        self.assertEqual(self.found(prose_rules.check_words, "a.cc", "// is\n\n// no\n"), [])

    def test_good_words(self):
        for text in ("There is no file", "if there is no file", "it is no longer there",
                     "it is not", "a reader who knows", "the user `nobody_x`", "the inobody"):
            self.assertEqual(self.found(prose_rules.check_words, "a.md", text + "\n"), [], text)
        self.assertEqual(
            self.found(prose_rules.check_words, "a.md", "```\nuid of nobody\n```\n"), [])
        for path in ("a.golden", "a.patch", "corpus/a.ops"):
            self.assertEqual(self.found(prose_rules.check_words, path, "# nobody\n"), [], path)

    def test_clauses(self):
        for text in ("What a program prints is text.", "What a caller may do", "Who asks gets it.",
                     '"What" is a word.'):
            self.assertEqual(self.found(prose_rules.check_clauses, "a.md", text + "\n"), [1], text)
            self.assertEqual(
                self.found(prose_rules.check_clauses, "a.cc", f"\n// A. {text}\n"),
                [1, 2], text)
            self.write("a.cc", "")
        for text in ("What is a spte?", "# What is where", "It is what it is.", "Whatever it is.",
                     "```\nWhat is code\n```"):
            self.assertEqual(self.found(prose_rules.check_clauses, "a.md", text + "\n"), [], text)

    def test_sentence_length(self):
        for path, mark in (("docs/a.md", ""), ("a.h", "// ")):
            for text, lines in ((f"{LONG}.", []), (f"{LONG} more.", [1]), (f"{LONG}. More.", []),
                                (f"More. {LONG}\n{mark}more.", [1])):
                self.assertEqual(
                    self.found(prose_rules.check_sentence_length, path, mark + text + "\n"), lines)
            self.write(path, "")
        self.assertEqual(
            self.found(prose_rules.check_sentence_length, "a.cc", f"// {LONG} more.\n"), [])


if __name__ == "__main__":
    unittest.main()

"""The limits of the rules on prose can only fall."""

import unittest

from tests.presubmit.rule_fixture import RuleTest
from tools.presubmit import limits, presubmit


class LimitsTest(RuleTest):

    def setUp(self):
        super().setUp()
        self.write("a.md", 2 * ("no" "body\n"))

    def limit(self, *lines):
        self.write(limits.LIMITS, "# Why.\n" + "".join(line + "\n" for line in lines))

    def found(self):
        return self.lines(presubmit.RULES["word"])

    def test_as_many_as_the_limit_may_stay(self):
        for count, lines in ((3, []), (2, []), (1, [("a.md", 2)]), (0, [("a.md", 1), ("a.md", 2)])):
            self.limit(f"word a.md {count}")
            self.assertEqual(self.found(), lines, count)

    def test_a_file_without_a_line_may_have_none(self):
        self.limit("word b.md 7", "clause a.md 7")
        self.write("b.md", "")
        self.assertEqual(self.found(), [("a.md", 1), ("a.md", 2)])

    def test_a_file_with_another_name_keeps_what_the_old_one_might_have(self):
        self.limit("word old.md 2")
        self.assertEqual(self.found(), [])
        self.limit("word old.md 1")
        self.assertEqual(self.found(), [("a.md", 1), ("a.md", 2)])

    def test_a_bad_line(self):
        self.limit("word a.md two", "none a.md 2", "word a.md 2 3", "word a.md 2")
        self.assertEqual(self.found(), [(limits.LIMITS, line) for line in (2, 3, 4)])

    def lower(self):
        code = presubmit.run(["--lower-limits", self.root])
        return code, self.tree().text(limits.LIMITS)

    def test_limits_fall(self):
        self.limit("word a.md 5", "word b.md 1", "clause a.md 4")
        self.assertEqual(self.lower(), (0, "# Why.\nword a.md 2\n"))
        self.assertEqual(self.found(), [])

    def test_limits_do_not_rise(self):
        self.limit("word a.md 1")
        self.assertEqual(self.lower(), (1, "# Why.\nword a.md 1\n"))

    def test_limits_follow_a_name(self):
        self.limit("word old.md 3")
        self.assertEqual(self.lower(), (0, "# Why.\nword a.md 2\n"))


if __name__ == "__main__":
    unittest.main()

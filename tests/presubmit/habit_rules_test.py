"""The rules on the change log and on editors' settings fire on a bad sample, and only there."""

import unittest

from tests.presubmit.rule_fixture import RuleTest
from tools.presubmit import habit_rules

EDITORCONFIG = """root = true

[*]
charset = utf-8
end_of_line = lf
indent_style = space
insert_final_newline = true
trim_trailing_whitespace = true
max_line_length = 100

[*.{cc,h}]
indent_size = 2

[*.{py,bzl}]
indent_size = 4

[BUILD]
indent_size = 4

[*.{golden,patch,svg}]
trim_trailing_whitespace = false
"""


class ChangelogTest(RuleTest):

    def found(self, text):
        self.write("CHANGELOG.md", text)
        return [finding.line for finding in habit_rules.check_changelog(self.tree())]

    def test_good(self):
        self.assertEqual(self.found("# Changes\n\n## 2026-11-30: a name\n\n- x\n- y\n\n"
                                    "## 2026-11-29\n\n### Sub\n\n- x\n"), [])

    def test_bad_heading(self):
        for heading in ("Unreleased", "2026-13-01", "30.11.2026", ""):
            self.assertEqual(self.found(f"# Changes\n\n## {heading}\n\n- x\n"), [3], heading)

    def test_the_newest_day_comes_first(self):
        self.assertEqual(self.found("## 2026-11-29\n- x\n## 2026-11-30\n- x\n"), [3])
        self.assertEqual(self.found("## 2026-11-29\n- x\n## 2026-11-29\n- x\n"), [3])

    def test_a_day_says_something(self):
        self.assertEqual(self.found("## 2026-11-30\n\nText.\n\n## 2026-11-29\n- x\n"), [1])
        self.assertEqual(self.found("## 2026-11-30\n- x\n## 2026-11-29\n"), [3])


class EditorconfigTest(RuleTest):

    def found(self, text, limit=100):
        self.write(".editorconfig", text)
        self.write(".clang-format", f"BasedOnStyle: Google\nColumnLimit: {limit}\n")
        return self.lines(habit_rules.check_editorconfig)

    def test_good(self):
        self.assertEqual(self.found(EDITORCONFIG), [])

    def test_every_setting_counts(self):
        lines = EDITORCONFIG.splitlines()
        for number, line in enumerate(lines, 1):
            if " = " in line and number > 1:
                bad = "\n".join(lines[:number - 1] + [line.replace(" = ", " = x")] + lines[number:])
                self.assertEqual(len(self.found(bad)), 1, line)

    def test_a_section_that_is_missing(self):
        self.assertEqual(len(self.found(EDITORCONFIG.replace("[BUILD]", "[BUILT]"))), 1)

    def test_clang_format_agrees(self):
        self.assertEqual(self.found(EDITORCONFIG, limit=80), [(".clang-format", 1)])


if __name__ == "__main__":
    unittest.main()

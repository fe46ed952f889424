"""A scratch tree for the tests of the rules."""

import os
import tempfile
import unittest

from tools.presubmit.tree import Tree


class RuleTest(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = scratch.name

    def write(self, path, content, mode=0o644):
        absolute = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(absolute), exist_ok=True)
        with open(absolute, "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(absolute, mode)

    def tree(self):
        return Tree(self.root)

    def lines(self, rule):
        """Path and line of each finding, in order."""
        return sorted((finding.path, finding.line) for finding in rule(self.tree()))

"""The git hook, in a scratch repository: what it refuses, what it accepts, what it says."""

import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.getcwd()
PRESUBMIT = "tools/presubmit"
GOOD = "int a;\n"
BADLY_FORMATTED = "int  a;\n"


class HookTest(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        # A name that a shell could misread.
        self.root = os.path.join(scratch.name, "a $b 'c")
        os.makedirs(self.root)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "HOME": scratch.name, "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "x", "GIT_AUTHOR_EMAIL": "x", "GIT_COMMITTER_NAME": "x",
            "GIT_COMMITTER_EMAIL": "x"}
        for path in (".clang-format", "tools/__init__.py", "tools/scripts", PRESUBMIT,
                     "tools/bazel_rules/junit.py"):
            self.copy(path)
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "base")
        self.git("config", "core.hooksPath", PRESUBMIT + "/git_hooks")

    def copy(self, path):
        target = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.isdir(path):
            shutil.copytree(os.path.join(ROOT, path), target)
        else:
            shutil.copy(os.path.join(ROOT, path), target)

    def write(self, path, content):
        os.makedirs(os.path.dirname(os.path.join(self.root, path)), exist_ok=True)
        with open(os.path.join(self.root, path), "w", encoding="utf-8") as file:
            file.write(content)

    def git(self, *words, folder=""):
        done = subprocess.run(["git", *words], cwd=os.path.join(self.root, folder), text=True,
                              env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        self.said = done.stdout
        return done.returncode == 0

    def commit(self, *words, folder=""):
        """Whether git commits; `said` is what it and the hook print."""
        return self.git("commit", "-q", "-m", "x", *words, folder=folder)

    def test_a_good_file_is_accepted(self):
        self.write("a.cc", GOOD)
        self.git("add", "a.cc")
        self.assertTrue(self.commit(), self.said)
        self.assertIn("presubmit: 1 files", self.said)
        self.assertIn(" 0 findings", self.said)

    def test_a_badly_formatted_file_is_refused(self):
        self.write("a.cc", BADLY_FORMATTED)
        self.git("add", "a.cc")
        self.assertFalse(self.commit())
        self.assertIn("a.cc:1: format, expected what `clang-format-19 -i` makes of it", self.said)
        self.assertFalse(self.git("rev-parse", "-q", "--verify", "HEAD:a.cc"))

    def test_the_index_counts(self):
        self.write("a.cc", GOOD)
        self.git("add", "a.cc")
        self.write("a.cc", BADLY_FORMATTED)
        self.assertTrue(self.commit(), self.said)
        self.git("add", "a.cc")
        self.write("a.cc", GOOD)
        self.assertFalse(self.commit())

    def test_a_file_that_is_named_counts_alone(self):
        self.write("a.cc", GOOD)
        self.write("b.cc", BADLY_FORMATTED)
        self.git("add", "-A")
        self.assertTrue(self.commit("a.cc"), self.said)
        self.assertFalse(self.commit("b.cc"))

    def test_a_folder_below(self):
        self.write("docs/a.md", "end \n")
        self.git("add", "-A")
        self.assertFalse(self.commit(folder="docs"))
        self.assertIn("docs/a.md:1: white space", self.said)

    def test_other_files_are_not_looked_at_and_are_still_there(self):
        self.write("mmu/base/old.h", BADLY_FORMATTED)
        self.git("add", "-A")
        self.commit("--no-verify")
        self.write("mmu/base/new.cc", '#include "mmu/base/old.h"\n')
        self.write("a.md", "[x](mmu/base/old.h)\n")
        self.git("add", "-A")
        self.assertTrue(self.commit(), self.said)
        self.write("a.md", "[x](mmu/base/none.h)\n")
        self.assertFalse(self.commit("-a"))

    def test_a_file_that_goes(self):
        self.write("a.md", "x\n")
        self.git("add", "-A")
        self.commit()
        self.git("rm", "-q", "a.md")
        self.assertTrue(self.commit(), self.said)
        self.assertIn("presubmit: 0 files", self.said)

    def test_links_that_lead_nowhere_or_to_no_file(self):
        for name, target in (("a.md", "nowhere"), ("b", "/dev/zero"), ("c.cc", "c.cc")):
            os.symlink(target, os.path.join(self.root, name))
        self.write("d.md", "x\n")
        self.git("add", "-A")
        self.assertTrue(self.commit(), self.said)
        self.assertIn("presubmit: 1 files", self.said)

    def test_a_program_with_an_error(self):
        self.write("a.py", "if\n")
        self.git("add", "-A")
        self.assertFalse(self.commit())
        self.assertIn("a.py:1: invalid syntax, expected Python [syntax]", self.said)
        self.assertNotIn("Traceback", self.said)

    def test_clang_format_that_fails_says_so(self):
        self.write("a.cc", GOOD)
        self.write(".clang-format", "BasedOnStyle: [\n")
        self.git("add", "-A")
        self.assertFalse(self.commit())
        self.assertRegex(self.said, r"\Apresubmit: clang-format-19: .*error: .*\n\Z")

    def test_prose(self):
        self.write("a.md", "It is read by " + "who" "ever comes.\n")
        self.git("add", "-A")
        self.assertFalse(self.commit())
        self.assertIn("[word]", self.said)

    def test_without_clang_format_it_says_so(self):
        self.write("a.cc", GOOD)
        self.git("add", "-A")
        tools = os.path.join(self.environment["HOME"], "bin")
        os.makedirs(tools)
        for tool in ("bash", "dirname", "env", "git", "python3"):
            os.symlink(shutil.which(tool), os.path.join(tools, tool))
        self.environment["PATH"] = tools
        self.assertFalse(self.commit())
        self.assertEqual(self.said, "presubmit: clang-format-19: No such file or directory\n")


if __name__ == "__main__":
    unittest.main()

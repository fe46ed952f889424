"""Tests of the command line, each in a folder of its own, which is where it is."""

import os
import subprocess
import tempfile
import unittest

RMAPDIFF = os.environ.get("RMAPDIFF") or os.path.abspath("tools/cli/rmapdiff")


class FolderTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)

    def write(self, name, content):
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        with open(name, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return name

    def read(self, name):
        with open(name, "rb") as file:
            return file.read()

    def fuzz_target(self, name, script):
        """Makes bin/, as //fuzzers is built into, with one target."""
        self.write("bin/fuzz_targets.txt", name + "\n")
        os.chmod(self.write(f"bin/{name}_bin", script), 0o755)

    def run_cli(self, *words, **options):
        options.setdefault("stdout", subprocess.PIPE)
        return subprocess.run([RMAPDIFF, *words], stderr=subprocess.PIPE, timeout=120,
                              check=False, **options)

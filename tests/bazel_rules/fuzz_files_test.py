"""Dictionaries are checked, and packages for OSS-Fuzz hold what they should."""

import contextlib
import io
import os
import sys
import tarfile
import tempfile
import unittest
import unittest.mock as mock
import zipfile

from tools.bazel_rules import merge_dictionaries, pack


class FuzzFilesTest(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = scratch.name

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, content):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(content)
        return self.path(name)

    def merge(self, *contents):
        """Merges dictionaries; returns exit code, result and complaints."""
        paths = [self.write(f"{i}.dict", text) for i, text in enumerate(contents)]
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            code = merge_dictionaries.main(self.path("out"), paths)
        if code:
            return code, "", errors.getvalue()
        with open(self.path("out"), encoding="utf-8") as merged:
            return code, merged.read(), errors.getvalue()

    def test_dictionaries_are_merged(self):
        code, merged, _ = self.merge('# Text.\na="x"\n\n"\\x41\\\\"\n', 'a="x"\nb="\\""\n')
        self.assertEqual((code, merged), (0, 'a="x"\n"\\x41\\\\"\nb="\\""\n'))

    def test_bad_entries_are_refused(self):
        for bad in ("word", 'a="', 'a=""', 'a="\\q"', 'a="x" y', 'a="\\x4"'):
            with self.subTest(bad):
                code, _, errors = self.merge('a="x"\n' + bad + "\n")
                self.assertEqual(code, 1)
                self.assertIn("0.dict:2: bad entry", errors)

    def run_pack(self, out):
        argv = ["pack.py", "--out", self.path(out), "--name", "f",
                "--binary", self.write("program", "#!/bin/sh\n"),
                "--corpus", os.path.dirname(self.write("corpus/seed", "s")),
                "--options", self.write("o", "[libfuzzer]\n"),
                "--dictionary", self.write("d", 'a="x"\n')]
        with mock.patch.object(sys, "argv", argv):
            pack.main()
        with open(self.path(out), "rb") as file:
            return file.read()

    def test_package(self):
        content = self.run_pack("a.tar")
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            names = ["f", "f_seed_corpus.zip", "f.options", "f.dict"]
            self.assertEqual(archive.getnames(), names)
            self.assertTrue(archive.getmember("f").mode & 0o100)
            seeds = zipfile.ZipFile(archive.extractfile("f_seed_corpus.zip"))
            self.assertEqual((seeds.namelist(), seeds.read("seed")), (["seed"], b"s"))

    def test_package_is_reproducible(self):
        self.assertEqual(self.run_pack("a.tar"), self.run_pack("b.tar"))


if __name__ == "__main__":
    unittest.main()

"""A package for OSS-Fuzz holds the program, its seeds and its options."""

import io
import os
import sys
import tarfile
import tempfile
import unittest
import unittest.mock as mock
import zipfile

from tools.bazel_rules import pack


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

    def run_pack(self, out):
        argv = ["pack.py", "--out", self.path(out), "--name", "f",
                "--binary", self.write("program", "#!/bin/sh\n"),
                "--corpus", os.path.dirname(self.write("corpus/seed", "s")),
                "--options", self.write("o", "[libfuzzer]\n")]
        with mock.patch.object(sys, "argv", argv):
            pack.main()
        with open(self.path(out), "rb") as file:
            return file.read()

    def test_package(self):
        content = self.run_pack("a.tar")
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            self.assertEqual(archive.getnames(), ["f", "f_seed_corpus.zip", "f.options"])
            self.assertTrue(archive.getmember("f").mode & 0o100)
            seeds = zipfile.ZipFile(archive.extractfile("f_seed_corpus.zip"))
            self.assertEqual((seeds.namelist(), seeds.read("seed")), (["seed"], b"s"))

    def test_package_is_reproducible(self):
        self.assertEqual(self.run_pack("a.tar"), self.run_pack("b.tar"))


if __name__ == "__main__":
    unittest.main()

"""tools/compile_commands: from an answer of `bazel aquery` to words that clang understands."""

import json
import os
import subprocess
import tempfile
import unittest

from tools.scripts.compile_commands import action_graph


PLAIN, SANITIZED, M32, HOST = 1, 2, 3, 4

CONFIGURATIONS = [
    {"id": PLAIN, "mnemonic": "k8-fastbuild"},
    {"id": SANITIZED, "mnemonic": "k8-fastbuild-ST-1"},
    {"id": M32, "mnemonic": "k8-fastbuild-ST-2"},
    {"id": HOST, "mnemonic": "k8-opt"},
]

FLAGS = {PLAIN: [], SANITIZED: ["-fsanitize=address", "-O2"], M32: ["-m32"], HOST: ["-g0"]}


def action(source, configuration, mnemonic="CppCompile"):
    name = "bazel-out/bin/" + source.replace(".cc", "")
    return {"mnemonic": mnemonic, "configurationId": configuration, "arguments": [
        "/usr/bin/clang-19", "-Wall", "-std=c++20", "-MD", "-MF", name + ".d",
        f"-frandom-seed={name}.o", "-fPIC", "-iquote", ".", "-iquote", "bazel-out/bin",
        "-iquote", "external/system", "-isystem", "external/system/include",
        *FLAGS[configuration], "-Werror", "-c", source, "-o", name + ".o"]}


def answer(*actions):
    return {"configuration": CONFIGURATIONS, "actions": list(actions)}


def entries(actions, files, root="/root"):
    places = action_graph.Places(root, "/base", "/base/execroot/x")
    found = action_graph.entries(answer(*actions), places, lambda path: files.get(path, ""))
    return {entry["file"]: entry for entry in found}


class EntriesTest(unittest.TestCase):

    def test_a_source(self):
        self.assertEqual(entries([action("mmu/a.cc", PLAIN)], {}), {"mmu/a.cc": {
            "directory": "/root", "file": "mmu/a.cc", "arguments": [
                "/usr/bin/clang-19", "-Wall", "-std=c++20", "-fPIC", "-iquote", ".", "-iquote",
                "/base/execroot/x/bazel-out/bin", "-iquote", "/base/external/system", "-isystem",
                "/base/external/system/include", "-Werror", "-c", "mmu/a.cc"]}})

    def test_the_plainest_configuration_counts_in_any_order(self):
        ids = (HOST, M32, SANITIZED, PLAIN)
        for count in range(1, len(ids) + 1):
            actions = [action("a.cc", one) for one in ids[:count]]
            for order in (actions, actions[::-1]):
                words = entries(order, {})["a.cc"]["arguments"]
                for flag in FLAGS[ids[count - 1]]:
                    self.assertIn(flag, words)
                self.assertEqual("-m32" in words, ids[count - 1] == M32)

    def test_only_what_compiles_sources_of_the_tree(self):
        self.assertEqual(entries([
            action("external/system/gtest.cc", PLAIN), action("bazel-out/bin/copy.cc", PLAIN),
            action("a.o", PLAIN, "CppLink")], {}), {})

    def test_a_header_is_compiled_as_a_source_that_includes_it(self):
        files = {
            "a.cc": '#include "mmu/deep.h"\n#include "mmu/near.h"\n',
            "b.cc": '#include <vector>\n  #  include "mmu/near.h"\n// #include "mmu/no.h"\n',
            "mmu/deep.h": '#include "mmu/deeper.h"\n', "mmu/deeper.h": '#include "mmu/deep.h"\n',
            "mmu/near.h": "x", "mmu/no.h": "x"}
        found = entries([action("a.cc", SANITIZED), action("b.cc", PLAIN)], files)
        self.assertEqual(sorted(found), ["a.cc", "b.cc", "mmu/deep.h", "mmu/deeper.h",
                                         "mmu/near.h"])
        for header, sanitized in (("mmu/deep.h", True), ("mmu/deeper.h", True),
                                  ("mmu/near.h", False)):
            words = found[header]["arguments"]
            self.assertEqual("-fsanitize=address" in words, sanitized, header)
            self.assertEqual(words[-4:], ["-x", "c++-header", "-c", header])

    def test_the_namesake_of_a_header_is_asked_first(self):
        files = {"a.cc": '#include "b.h"\n', "b.cc": '#include "b.h"\n#include "c.h"\n',
                 "b.h": "x", "c.h": "x"}
        found = entries([action("a.cc", PLAIN), action("b.cc", SANITIZED)], files)
        self.assertIn("-fsanitize=address", found["b.h"]["arguments"])

    def test_an_answer_of_another_form_is_refused(self):
        for broken in ({}, {"configuration": [], "actions": [action("a.cc", PLAIN)]},
                       {"configuration": CONFIGURATIONS,
                        "actions": [{**action("a.cc", PLAIN), "arguments": ["clang"]}]}):
            with self.assertRaises((KeyError, ValueError)):
                action_graph.entries(broken, action_graph.Places("", "", ""), lambda path: "")


class CompilerTest(unittest.TestCase):
    """The words are good for clang, from the root of a checkout, and write nothing there."""

    def test_clang_and_clang_tidy_understand_an_entry(self):
        with tempfile.TemporaryDirectory() as root:
            files = {"mmu/a.cc": '#include "mmu/a.h"\nint F() { return kA; }\n',
                     "mmu/a.h": "// Text.\n#pragma once\nconstexpr int kA = 1;\n"}
            os.mkdir(os.path.join(root, "mmu"))
            for path, text in files.items():
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            found = entries([action("mmu/a.cc", PLAIN)], files, root)
            with open(os.path.join(root, "compile_commands.json"), "w", encoding="utf-8") as file:
                json.dump(list(found.values()), file)
            before = sorted(os.listdir(root))
            for entry in found.values():
                subprocess.run([*entry["arguments"], "-fsyntax-only"], cwd=root, check=True)
            subprocess.run(["clang-tidy-19", "--quiet", "--checks=-*,bugprone-use-after-move",
                            "-p", root, *(os.path.join(root, path) for path in files)], check=True)
            self.assertEqual(sorted(os.listdir(root)), before)


if __name__ == "__main__":
    unittest.main()

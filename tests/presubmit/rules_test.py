"""Each rule fires on a bad sample, and only there."""

import os
import unittest

from tests.presubmit.rule_fixture import RuleTest
from tools.presubmit import (build_rules, code_rules, presubmit, python_rules, shell_rules,
                             skip_rules, text_rules)
from tools.presubmit.tree import Finding, Tree

GUARD = "// What it promises.\n\n#ifndef RMAPDIFF_{0}_H_\n#define RMAPDIFF_{0}_H_\n{1}\n" \
        "#endif  // RMAPDIFF_{0}_H_\n"


def header(name, body=""):
    return GUARD.format(name, body)


# An include by path that breaks the order of the layers: one for each layer, and two wrong paths.
FORBIDDEN_INCLUDES = {
    "mmu/base/b.h": "mmu/graph/a.h",
    "mmu/graph/b.h": "mmu/shadow/a.h",
    "mmu/shadow/b.h": "mmu/mmu.h",
    "mmu/b.h": "legacy_mmu/a.h",
    "legacy_mmu/b.h": "fuzzers/a.h",
    "more_maps/b.h": "legacy_mmu/a.h",
    "fuzzers/program/b.h": "fuzzers/search/a.h",
    "fuzzers/guest/b.h": "mmu/shadow/a.h",
    "fuzzers/state/b.h": "fuzzers/judges/a.h",
    "fuzzers/judges/b.h": "mmu/graph/a.h",
    "fuzzers/voices/b.h": "fuzzers/run/a.h",
    "fuzzers/run/b.h": "fuzzers/voices/a.h",
    "fuzzers/search/b.h": "fuzzers/run/a.h",
    "fuzzers/finding/b.h": "fuzzers/search/a.h",
    "fuzzers/b.h": "mmu/graph/a.h",
    "fuzzers/c.h": "tests/a.cc",
    "bench/b.cc": "mmu/missing.h",
    "bench/c.cc": "../mmu/mmu.h",
}


OPEN_ENDS = ["FIX" + "ME", "TO" + "DO", "XX" + "X"]
LICENCE = "// SPDX-License-Identifier: GPL-2.0-only\n"
CALLS = ("fork()", "vfork ()", "waitpid(-1, 0, 0)", "waitid(P_ALL, 0, 0, 0)", "wait4(1)",
         "posix_spawn(0)", "posix_spawnp(0)", "execl(a)", "execlp(a)", "execle(a)", "execv(a)",
         "execve(a)", "execvp(a)", "execvpe(a)", "fexecve(1)", "execveat(1)")

# The rule, what it does, the files, and where it finds something in them.
SAMPLES = (
    (text_rules.check_names, "a kind of file that no rule knows",
     {"notes.doc": "x\n", "run": "#!/usr/bin/env bash\n", "a.cc": ""}, [("notes.doc", 1)]),
    (text_rules.check_sizes, "a large file",
     {"big.txt": "x" * (text_rules.MAX_FILE_SIZE + 1), "fits.txt": "x" * text_rules.MAX_FILE_SIZE},
     [("big.txt", 1)]),
    (text_rules.check_white_space, "white space, and the end of a file",
     {"a.md": "good\nend \n\ttab\nno line feed", "b.md": "good\n\n", "c.golden": "kept \n",
      "corpus/f/seed.txt": "free \t form", "empty.md": ""},
     [("a.md", 2), ("a.md", 3), ("a.md", 4), ("b.md", 3)]),
    (text_rules.check_line_length, "characters, not bytes",
     {"a.cc": "x" * 100 + "\n" + "x" * 101 + "\n" + "\u00e9" * 100 + "\n"}, [("a.cc", 2)]),
    (text_rules.check_line_length, "tables and links may be long",
     {"a.md": "|" + "x" * 101 + "\n[a](" + "x" * 101 + ")\n" + "x" * 101 + "\n"}, [("a.md", 3)]),
    (text_rules.check_line_length, "operations may be long, their comments not",
     {"a.ops": "program " + "x" * 101 + "\n# " + "x" * 101 + "\n"}, [("a.ops", 2)]),
    (text_rules.check_open_ends, "words for unfinished work",
     {"a.cc": "".join(f"// {word}\n" for word in OPEN_ENDS) + "// METHODOLOGY\n"},
     [("a.cc", 1), ("a.cc", 2), ("a.cc", 3)]),
    (text_rules.check_links, "links lead to a file and to a heading",
     {"docs/b.md": "# Two Words, `code`\n",
      "a.md": "[x](docs/b.md) [x](docs/b.md#two-words-code) [x](https://e.org/x)\n"
              "[x](docs/c.md)\n[x](docs/b.md#three)\n```\n[x](in_code.md)\n```\n"
              "`[x](in_code.md)`\n[`x`](#none)\n"},
     [("a.md", 2), ("a.md", 3), ("a.md", 8)]),
    (code_rules.check_format, "as clang-format leaves it",
     {".clang-format": "BasedOnStyle: Google\n", "a.cc": "int a;\nint  b;\n", "b.cc": "int a;\n"},
     [("a.cc", 2)]),
    (code_rules.check_header_guards, "the guard has the name of the path",
     {"mmu/good.h": header("MMU_GOOD"), "mmu/other.h": header("OTHER"),
      "mmu/once.h": "// Text.\n#pragma once\n",
      "mmu/late.h": "// Text.\n#pragma once\n" + header("MMU_LATE"),
      "mmu/end.h": header("MMU_END").replace("#endif  //", "#endif //")},
     [("mmu/end.h", 1), ("mmu/late.h", 1), ("mmu/once.h", 1), ("mmu/other.h", 1)]),
    (code_rules.check_header_comments, "a header says what it promises",
     {"good.h": header("GOOD"), "licensed.h": LICENCE + header("LICENSED"),
      "bare.h": header("BARE").split("\n\n", 1)[1],
      "licence_alone.h": LICENCE + header("LICENCE_ALONE").split("\n\n", 1)[1]},
     [("bare.h", 1), ("licence_alone.h", 1)]),
    (code_rules.check_independence, "judges reach values alone",
     {"mmu/base/spte.h": '#include "mmu/base/types.h"\n', "mmu/base/types.h": "",
      "mmu/graph/g.h": "", "mmu/shadow/host.h": "",
      "fuzzers/state/value.h": '#include "mmu/base/spte.h"\n',
      "fuzzers/state/engine.h": '#include "mmu/graph/g.h"\n',
      "fuzzers/judges/model.h": '#include "fuzzers/state/value.h"\n',
      "fuzzers/judges/guest_truth.h": '#include "mmu/shadow/host.h"\n',
      "fuzzers/judges/mmu_auditor.h": '#include "mmu/shadow/host.h"\n',
      "fuzzers/judges/auditor.cc":
          '#include "fuzzers/state/value.h"\n#include "fuzzers/state/engine.h"\n',
      "fuzzers/judges/guest_walk.cc": '#include "fuzzers/state/engine.h"\n',
      "fuzzers/run/runner.cc": '#include "fuzzers/state/engine.h"\n'},
     [("fuzzers/judges/auditor.cc", 2), ("fuzzers/judges/guest_walk.cc", 1),
      ("fuzzers/judges/mmu_auditor.h", 1)]),
    (code_rules.check_processes, "a child is started in one place",
     {"tools/cli/a.cc": "".join(f"auto i{i} = {call};\n" for i, call in enumerate(CALLS)),
      "fuzzers/finding/child_process.cc": "auto a = fork();\n",
      "fuzzers/b.cc": '// fork()\nauto b = "fork()"; auto c = Execv(words);\n'
                      "auto d = WaitForkless(1) + ops::Fork();\n"},
     [("tools/cli/a.cc", line) for line in range(1, len(CALLS) + 1)]),
    (python_rules.check_syntax, "Python and Bazel's subset of it",
     {"good.py": "x = 1\n", "a.py": "x = 1\nif\n", "a.bzl": "x = 1\nif\n", "BUILD": "\n(\n"},
     [("BUILD", 2), ("a.bzl", 2), ("a.py", 2)]),
    (build_rules.check_build_format, "as buildifier leaves it",
     {"a/BUILD": 'cc_library(\n    name = "a",\n    deps = [\n        ":z",\n'
                 '        "//b",\n        "@c//:d",\n    ],\n)\n',
      "b/BUILD": 'cc_library(\n    name = "a",\n    deps = [\n        "//b",\n'
                 '        ":z",\n    ],\n)\n',
      "c/BUILD": 'cc_library(\n  name = "a",\n    hdrs=["b.h"],\n)\n'},
     [("b/BUILD", 3), ("c/BUILD", 2), ("c/BUILD", 3)]),
    (build_rules.check_dead_seeds, "a seed is in the corpus of a target",
     {"corpus/BUILD": 'filegroup(name = "used", srcs = glob(["used/*.ops"]))\n'
                      'filegroup(name = "idle", srcs = glob(["idle/*"]))\n',
      "fuzzers/BUILD": 'cc_fuzz_test(corpus = ["//corpus:used", "//corpus:none"])\n',
      "corpus/used/a.ops": "x\n", "corpus/used/below/b.ops": "x\n", "corpus/idle/c.ops": "x\n",
      "corpus/none/d.ops": "x\n"},
     [("corpus/idle/c.ops", 1), ("corpus/none/d.ops", 1), ("corpus/used/below/b.ops", 1)]),
    (build_rules.check_seed_ideas, "a seed says what it is for",
     {"corpus/a/told.ops": "# Two chains.\nprogram\n",
      "corpus/a/untold.ops": "program\n# Too late.\n",
      "corpus/a/unfilled.ops": build_rules.UNFILLED_IDEA + "\nprogram\n"},
     [("corpus/a/unfilled.ops", 1), ("corpus/a/untold.ops", 1)]),
)


class SamplesTest(RuleTest):

    def test_each_rule_finds_what_is_wrong_and_nothing_else(self):
        for number, (rule, what, files, expected) in enumerate(SAMPLES):
            with self.subTest(f"{rule.__name__}: {what}"):
                root = os.path.join(self.root, str(number))
                for path, text in files.items():
                    self.write(f"{number}/{path}", text)
                self.assertEqual(sorted({(finding.path, finding.line)
                                         for finding in rule(Tree(root))}), expected)


class TreeTest(RuleTest):

    def test_ignored_files_are_not_seen(self):
        self.write(".gitignore", "# builds\n/bazel-*\n/out/\n*.profraw\n__pycache__/\n")
        for path in ("a.h", "bazel-bin/b.h", "out/c.h", "d/e.profraw", "d/out/f.h", ".git/g.h",
                     "d/__pycache__/h.h"):
            self.write(path, "")
        self.assertEqual(self.tree().paths, [".gitignore", "a.h", "d/out/f.h"])

    def test_links_and_pipes_are_no_source_files(self):
        self.write("a.md", "")
        for name, target in (("b.md", "nowhere"), ("c.md", "a.md"), ("d", "/dev/zero"), ("e", ".")):
            os.symlink(target, os.path.join(self.root, name))
        os.mkfifo(os.path.join(self.root, "f.md"))
        self.assertEqual(self.tree().paths, ["a.md"])

    def test_finding_is_one_line(self):
        finding = Finding("a.h", 3, "a tab", "spaces")
        self.assertEqual(str(finding), "a.h:3: a tab, expected spaces")


class TextRulesTest(RuleTest):

    def test_scripts(self):
        good = "#!/usr/bin/env bash\nset -euo pipefail\n"
        self.write("good", good, 0o755)
        self.write("plain", good)
        self.write("careless", "#!/usr/bin/env bash\necho\n", 0o755)
        self.write("quotes", good + "echo $1\n", 0o755)
        self.write("a.py", "#!/usr/bin/env python3\n")
        self.assertCountEqual(
            self.lines(text_rules.check_scripts),
            [("plain", 1), ("a.py", 1), ("careless", 1), ("quotes", 3)])


class CodeRulesTest(RuleTest):

    def function_lines(self, code):
        self.write("a.cc", code)
        return code_rules.functions(self.tree(), "a.cc")

    def test_functions_are_found_in_scopes(self):
        code = ("namespace a {\nstruct B : C<int(long)> {\n  void F() {\n    if (x) {\n    }\n"
                "  }\n  ~B() {\n    x();\n  }\n};\n}\ntemplate <typename T>\nT G(T t,\n"
                "    T u = {}) {\n\n  return {t};\n}\nextern \"C\" int H() {\n  return 1;\n}\n"
                "extern \"C\" {\n[[noreturn]] B::B(int b)\n    : a_{f(b)} {\n  x();\n}\n}\n")
        self.assertEqual(self.function_lines(code),
                         [(3, 6), (7, 9), (13, 17), (18, 20), (22, 25)])

    def test_braces_in_literals_and_comments_do_not_count(self):
        code = "void F() {\n  a('{', \"}\\\"{\", R\"x({)x\");  // {\n  /* { */\n}\n#define M {\n"
        self.assertEqual(self.function_lines(code), [(1, 4)])

    def test_digit_separators_are_not_quotes(self):
        self.assertEqual(self.function_lines("void F() {\n  x = 1'000;\n  y = '{';\n}\n"), [(1, 4)])

    def test_initialized_values_are_no_functions(self):
        self.assertEqual(self.function_lines("int a[] = {1, 2};\nenum class E {\n  kA,\n};\n"), [])

    def test_long_functions(self):
        body = "  x();\n" * (code_rules.MAX_FUNCTION_LINES - 2)
        self.write("fits.cc", f"void F() {{\n{body}}}\n")
        self.write("long.cc", f"void F() {{\n{body}  x();\n}}\n")
        self.write("long.py", "def f():\n" + "    x()\n" * code_rules.MAX_FUNCTION_LINES)
        shell = "#!/usr/bin/env bash\nf() {\n" + "  x\n" * code_rules.MAX_FUNCTION_LINES + "}\n"
        self.write("long", shell)
        self.assertEqual(
            self.lines(code_rules.check_function_length),
            [("long", 2), ("long.cc", 1), ("long.py", 1)])

    def test_include_arrows(self):
        allowed = {
            "mmu/base/a.h": "mmu/base/types.h",
            "mmu/shadow/a.h": "mmu/graph/a.h",
            "mmu/mmu.h": "mmu/shadow/a.h",
            "mmu/graph/a.h": "fmt/format.h",
            "legacy_mmu/a.h": "mmu/mmu.h",
            "fuzzers/program/a.h": "mmu/base/a.h",
            "fuzzers/guest/a.h": "mmu/shadow/guest.h",
            "fuzzers/state/a.h": "fuzzers/program/a.h",
            "fuzzers/judges/a.h": "mmu/shadow/host.h",
            "fuzzers/voices/a.h": "legacy_mmu/a.h",
            "fuzzers/run/a.h": "fuzzers/voices/voice.h",
            "fuzzers/search/a.h": "fuzzers/guest/a.h",
            "fuzzers/finding/a.h": "fuzzers/run/a.h",
            "fuzzers/a.h": "fuzzers/finding/a.h",
            "fuzzers/voices/voice.h": "fuzzers/judges/a.h",
            "mmu/shadow/guest.h": "mmu/base/a.h",
            "mmu/shadow/host.h": "mmu/base/a.h",
            "tests/a.cc": "fuzzers/a.h",
            "mmu/base/types.h": "mmu/base/a.h",
        }
        for path, include in {**allowed, **FORBIDDEN_INCLUDES}.items():
            self.write(path, f'// Text.\n#include "{include}"\n')
        self.assertEqual(
            self.lines(code_rules.check_include_arrows),
            [(path, 2) for path in sorted(FORBIDDEN_INCLUDES)])

    def test_every_layer_is_shown_to_refuse_an_include(self):
        shown = {path.rsplit("/", 1)[0] + "/" for path in FORBIDDEN_INCLUDES}
        rooms = {layer for layer in code_rules.LAYERS if layer.startswith("tools/cli/")}
        self.assertLessEqual(set(code_rules.LAYERS) - rooms, shown)

    def test_rooms_of_the_command_line(self):
        rooms = {
            "base": ([], ["programs", "libfuzzer", "run_folder", "findings", "fuzz", "corpus"]),
            "programs": (["base"], ["libfuzzer", "run_folder", "findings", "fuzz", "corpus"]),
            "libfuzzer": (["base"], ["programs", "run_folder", "findings", "fuzz", "corpus"]),
            "run_folder": (["base"], ["programs", "libfuzzer", "findings", "fuzz", "corpus"]),
            "findings": (["base", "programs", "run_folder"], ["libfuzzer", "fuzz", "corpus"]),
            "fuzz": (["base", "libfuzzer", "run_folder", "findings"], ["programs", "corpus"]),
            "corpus": (["base", "libfuzzer", "run_folder", "findings"], ["programs", "fuzz"]),
        }
        self.assertEqual(set(rooms), set(code_rules.CLI_ROOMS))
        for other in ("mmu/base/a.h", "mmu/graph/a.h", "fuzzers/a.h", "tests/a.h"):
            self.write(other, "")
        self.write("tools/cli/a.h", "")
        everywhere = [f"tools/cli/{room}/a.h" for room in rooms]
        self.write("tools/cli/main.cc", "".join(
            f'#include "{name}"\n' for name in ["tests/a.h", "fuzzers/a.h", *everywhere]))
        expected = [("tools/cli/main.cc", 1)]
        for room, (below, forbidden) in rooms.items():
            self.write(f"tools/cli/{room}/a.h", "")
            names = [f"tools/cli/{other}/a.h" for other in forbidden]
            names += ["tools/cli/a.h", "tests/a.h", "mmu/graph/a.h"]
            expected += [(f"tools/cli/{room}/b.cc", line + 1) for line in range(len(names))]
            names += [f"tools/cli/{other}/a.h" for other in [*below, room]]
            names += ["fuzzers/a.h", "mmu/base/a.h"]
            self.write(f"tools/cli/{room}/b.cc", "".join(
                f'#include "{name}"\n' for name in names))
        self.assertCountEqual(self.lines(code_rules.check_include_arrows), expected)

class ShellRulesTest(RuleTest):

    def found(self, path, text):
        """The lines of the file that break the rule."""
        self.write(path, text)
        found = [finding.line for finding in shell_rules.check_shell_text(self.tree())
                 if finding.path == path]
        self.write(path, "")
        return sorted(set(found))

    def test_cpp(self):
        for bad in ("system(path);", "std::system (x);", 'FILE* f = popen(command, "r");',
                    "wordexp(path, &words, 0);", 'execl("/bin/sh", "sh", "-c", text);',
                    'words = {"bash", "-c", text};'):
            self.assertEqual(self.found("a.cc", f"void F() {{\n  {bad}\n}}\n"), [2], bad)
        for good in ("// libFuzzer calls system().", 'Say("system(x)");', "file_system(path);",
                     "std::filesystem::path(x);", "execv(words[0], words.data());"):
            self.assertEqual(self.found("a.cc", f"void F() {{\n  {good}\n}}\n"), [], good)

    def test_python(self):
        for bad in ("subprocess.run(text, shell=True)", "subprocess.run(text, shell = True)",
                    "os.system(text)", "os.popen(text)", "subprocess.getoutput(text)",
                    "subprocess.getstatusoutput(text)", "eval(text)",
                    "asyncio.create_subprocess_shell(text)", 'run(["sh", "-c", text])',
                    "run(['/bin/bash', '-ec', text])", 'SCRIPT = "sh -c $x"'):
            self.assertEqual(self.found("a.py", f"#\n{bad}\n"), [2], bad)
            self.assertEqual(self.found("script", f"#!/usr/bin/env python3\n{bad}\n"), [2], bad)
        for good in ("subprocess.run(words)", "subprocess.Popen(words)", "retrieval(x)",
                     'run(["bash", "-eu", script])', "os.system_name", "model.eval(x)"):
            self.assertEqual(self.found("a.py", f"#\n{good}\n"), [], good)

    def test_shell(self):
        bad = ("eval \"$x\"", "true; eval $x", "if x; then eval $x; fi", "sh -c \"$x\"",
               "exec bash -euc \"$x\"", "/bin/sh -e -c $x", "trap \"rm -rf '${scratch}'\" EXIT",
               "trap \"rm `name`\" EXIT")
        for path, before in (("run", "#!/usr/bin/env bash\n"), ("a.sh", "#\n"), ("a.yml", "#\n"),
                             ("x/Dockerfile", "#\n"), ("x/BUILD", "#\n"), ("a.md", "```sh\n")):
            for line in bad:
                self.assertEqual(self.found(path, f"{before}{line}\n"), [2], (path, line))
        for good in ("trap 'rm -rf \"${scratch}\"' EXIT", "trap \"exit 1\" INT", "retrieval -c x",
                     "sh script -c", "evaluate $x", "bash --version", "git push -c"):
            self.assertEqual(self.found("run", f"#!/usr/bin/env bash\n{good}\n"), [], good)

    def test_a_document_may_speak_of_it(self):
        self.assertEqual(self.found("a.md", "libFuzzer calls `sh -c`.\n\n```\neval $x\n```\n"), [4])


class SkipRulesTest(RuleTest):

    def setUp(self):
        super().setUp()
        self.write(skip_rules.REASONS, "# Why.\nno-disk: there is no disk\n")
        self.write("used.sh", "run_module.sh tools.bazel_rules.skip no-disk\n")

    def test_the_one_way_is_allowed(self):
        self.write("a.cc", 'SKIP_FOR("no-disk") << "none";\n')
        self.write("a.py", 'skip.skip_for("no-disk", "none")\n')
        self.write("a.md", "GTEST_SKIP\n")
        self.assertEqual(self.lines(skip_rules.check_skips), [])

    def test_every_other_way_is_a_finding(self):
        for number, way in enumerate((
                "GTEST_SKIP() << x;", "self.skipTest(x)", "raise unittest.SkipTest(x)",
                "@unittest.skipIf(x, y)", "@unittest.skipUnless(x, y)", "@skipIf(x, y)",
                "@unittest.expectedFailure", "TEST(A, DISABLED_B) {}")):
            self.write(f"a{number}.py", f"\n{way}\n")
            self.assertEqual(self.lines(skip_rules.check_skips), [(f"a{number}.py", 2)], way)
            os.remove(os.path.join(self.root, f"a{number}.py"))

    def test_a_reason_is_listed_and_used(self):
        self.write(skip_rules.REASONS, "no-disk: there is no disk\nNo Reason\nold: gone\n"
                                       "no-use: no test gives it\n")
        self.write("a.cc", 'SKIP_FOR("no-net");\n')
        self.write("b.py", 'skip_for("no-net")\n')
        self.write("c.sh", "exec run_module.sh tools.bazel_rules.skip no-net\n")
        self.assertCountEqual(
            self.lines(skip_rules.check_skips),
            [(skip_rules.REASONS, 2), (skip_rules.REASONS, 3), (skip_rules.REASONS, 4),
             ("a.cc", 1), ("b.py", 1), ("c.sh", 1)])


class PythonRulesTest(RuleTest):

    def found(self, path, text):
        """The lines of the file that break the rule."""
        self.write(path, text)
        found = [line for where, line in self.lines(python_rules.check_imports) if where == path]
        os.remove(os.path.join(self.root, path))
        return found

    def test_one_place_says_where_imports_begin(self):
        for bad in ("sys.path.insert(0, x)", "sys.path[:0] = x", "sys.path += x",
                    "y = sys.path", "site.addsitedir(x)", "run(f'import sys; sys.path.pop()')"):
            self.assertEqual(self.found("tools/a.py", f"#\n{bad}\n"), [2], bad)
            self.assertEqual(self.found("script", f"#!/usr/bin/env python3\n{bad}\n"), [2], bad)
            self.assertEqual(self.found(python_rules.START, f"#\n{bad}\n"), [], bad)
        for good in ("sys.path_hooks", "os.path.join(x)", "system.path = x"):
            self.assertEqual(self.found("tools/a.py", f"#\n{good}\n"), [], good)

    def test_an_import_begins_at_the_root(self):
        self.write("tools/scripts/gate/rules.py", "")
        for bad in ("import rules", "import rules as r", "from rules import X", "from . import x",
                    "from .rules import X", "from .. import gate",
                    "def f():\n    import os, rules"):
            line = 1 + bad.count("\n")
            self.assertEqual(self.found("tools/scripts/gate/a.py", bad + "\n"), [line], bad)
        for good in ("from tools.scripts.gate import rules", "import tools.scripts.gate.rules",
                     "from tools.scripts.gate.rules import X", "import os", "import os.path",
                     "TEXT = 'import rules'"):
            self.assertEqual(self.found("tools/scripts/gate/a.py", good + "\n"), [], good)

    def test_the_finding_says_where_the_module_is(self):
        self.write("tools/scripts/gate/rules.py", "import rules\n")
        self.write("tools/scripts/oss_fuzz/rules.py", "")
        finding, = python_rules.check_imports(self.tree())
        self.assertEqual(str(finding),
                         "tools/scripts/gate/rules.py:1: an import of 'rules', expected one from "
                         "tools.scripts.gate or tools.scripts.oss_fuzz")


class ExemptionTest(RuleTest):

    def findings(self, rule, exemptions):
        self.write(presubmit.EXEMPTIONS, exemptions)
        self.write(".clang-format", "BasedOnStyle: Google\n")
        self.write("a.md", "end \n")
        found = presubmit.check(self.tree())
        return [(finding.path, finding.line) for finding in found[rule]]

    def test_an_exemption_silences_its_rule(self):
        self.assertEqual(self.findings("white-space", ""), [("a.md", 1)])
        self.assertEqual(self.findings("white-space", "white-space a.md shows it\n"), [])

    def test_an_unused_exemption_is_a_finding(self):
        self.assertEqual(
            self.findings("exemption", "# Text.\nsize a.md is large\n"),
            [(presubmit.EXEMPTIONS, 2)])

    def test_an_exemption_needs_a_rule_and_a_reason(self):
        self.assertEqual(
            self.findings("exemption", "white-space a.md\nno-rule a.md why\n"),
            [(presubmit.EXEMPTIONS, 1), (presubmit.EXEMPTIONS, 2)])


if __name__ == "__main__":
    unittest.main()

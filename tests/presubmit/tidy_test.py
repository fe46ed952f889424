"""Each check of .clang-tidy fires on a seeded mistake, and none on code without one."""

import collections
import os
import re
import subprocess
import tempfile
import unittest

HEAD = """#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
std::string Made();
void Use(const std::string&);
void Mixed(double size, int data);
struct Base { virtual ~Base(); virtual void Run(); int x = 0; };
struct Middle : Base { void Run() override; };
"""

# By check: code with the mistake.
MISTAKES = {
    "bugprone-use-after-move":
        "void F(std::string a) { Use(std::move(a)); std::string b = std::move(a); Use(a); }",
    "bugprone-dangling-handle":
        "std::string_view F() { std::string_view v = Made(); return v; }",
    "bugprone-return-const-ref-from-parameter":
        "const std::string& F(const std::string& a) { return a; }",
    "bugprone-unused-return-value":
        "void F(std::vector<int>& v) { v.empty(); }",
    "bugprone-inaccurate-erase":
        "void F(std::vector<int>& v) { v.erase(std::remove(v.begin(), v.end(), 1)); }",
    "misc-uniqueptr-reset-release":
        "void F(std::unique_ptr<int>& a, std::unique_ptr<int>& b) { a.reset(b.release()); }",
    "bugprone-integer-division":
        "double F(int a) { return a / 2; }",
    "bugprone-incorrect-roundings":
        "int F(double a) { return (int)(a + 0.5); }",
    "bugprone-too-small-loop-variable":
        "void F(long n) { for (short i = 0; i < n; ++i) Use(Made()); }",
    "bugprone-misplaced-widening-cast":
        "long F(int a) { return (long)(a * 1000); }",
    "bugprone-infinite-loop":
        "void F(int n) { int i = 0; while (i < n) Use(Made()); }",
    "bugprone-redundant-branch-condition":
        "void F(bool a, int b) { if (a) { if (b > 1 && a) Use(Made()); } }",
    "misc-redundant-expression":
        "bool F(int a) { return a == 1 || a == 1; }",
    "bugprone-swapped-arguments":
        "void F(int a, double b) { Mixed(a, b); }",
    "bugprone-bool-pointer-implicit-conversion":
        "void F(bool* a) { if (a) Use(Made()); }",
    "bugprone-terminating-continue":
        "void F(bool a) { do { if (a) continue; Use(Made()); } while (false); }",
    "bugprone-sizeof-expression":
        "struct S { char* p; }; unsigned long F(S* s) { return sizeof(s); }",
    "bugprone-sizeof-container":
        "unsigned long F(std::string a) { return sizeof(a); }",
    "bugprone-suspicious-memset-usage":
        "void F(int* a) { std::memset(a, '0', 4); }",
    "bugprone-undefined-memory-manipulation":
        "void F(std::string* a) { std::memset(a, 0, sizeof(*a)); }",
    "bugprone-string-constructor":
        "std::string F() { return std::string('x', 50); }",
    "bugprone-virtual-near-miss":
        "struct D : Base { virtual void Rum(); };",
    "bugprone-parent-virtual-call":
        "struct D : Middle { void Run() override { Base::Run(); } };",
    "bugprone-copy-constructor-init":
        "struct B { B(); B(const B&); int x; }; struct D : B { D(const D& o) : y(o.y) {} int y; };",
    "bugprone-unhandled-self-assignment":
        "struct S { S& operator=(const S& o) { delete p; p = new int(*o.p); return *this; }\n"
        "  int* p; };",
    "bugprone-move-forwarding-reference":
        "template <class T> void F(T&& a) { Use(std::move(a)); }",
    "bugprone-forwarding-reference-overload":
        "struct S { template <class T> explicit S(T&& a); };",
    "bugprone-throw-keyword-missing":
        "void F(int a) { if (a) std::runtime_error(\"x\"); }",
    "performance-noexcept-move-constructor":
        "struct S { S(S&&); };",
    "performance-for-range-copy":
        "void F(const std::vector<std::string>& v) { for (const auto a : v) Use(a); }",
    "performance-implicit-conversion-in-loop":
        "void F(const std::map<int, std::string>& m)\n"
        "{ for (const std::pair<int, std::string>& a : m) Use(a.second); }",
    "performance-unnecessary-copy-initialization":
        "void F(const std::vector<std::string>& v) { const std::string a = v.front(); Use(a); }",
}


def enabled():
    with open(".clang-tidy", encoding="utf-8") as file:
        return set(re.findall(r"^  ((?:bugprone|misc|performance)-[\w-]+),?$", file.read(),
                              re.MULTILINE))


def tidy(name, text):
    """(exit code, {line: checks that fire in it}) of one file."""
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run(
            ["clang-tidy-19", "--quiet", "--config-file=" + os.path.abspath(".clang-tidy"), path,
             "--", "-std=c++20", "-x", "c++"], capture_output=True, text=True, check=False)
    found = collections.defaultdict(set)
    for line, checks in re.findall(r"^.*?:(\d+):\d+: error: .* \[(.*?)\]$", done.stdout,
                                   re.MULTILINE):
        found[int(line)].update(checks.split(","))
    return done.returncode, found


class TidyTest(unittest.TestCase):

    def test_each_check_has_a_mistake(self):
        self.assertEqual(set(MISTAKES), enabled())

    def test_each_check_fires(self):
        """In one file, which costs a tenth of one for each; a header, for definitions in it."""
        text, lines = HEAD, {}
        for number, (check, code) in enumerate(MISTAKES.items()):
            text += f"namespace n{number} {{\n"
            first = text.count("\n") + 1
            text += code + "\n}\n"
            lines[check] = range(first, text.count("\n"))
        code, found = tidy("mistakes.h", text)
        self.assertEqual(code, 1, found)
        for check, places in lines.items():
            self.assertIn(check, set().union(*(found[line] for line in places)))

    def test_good_code_has_no_finding(self):
        self.assertEqual(
            tidy("good.cc", "int F(const int& a);\nint G(int a) { return F(a); }\n"), (0, {}))


if __name__ == "__main__":
    unittest.main()

"""The promises of `tools/coverage`: instantiations count as one, and no report is wrong.

The merge is given small exports made by hand, and one of the real tools. The command runs with
scripts in place of Bazel, of fuzz targets and of LLVM.
"""

import contextlib
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

from tools.bazel_rules import patience
from tools.scripts.coverage import coverage, coverage_map, function_records, summary as summary_lib

FOLDERS = ("mmu/", "legacy_mmu/")
PATH = "mmu/map.h"


def region(start, end, count, kind=coverage_map.CODE):
    return [*start, *end, count, 0, 0, kind]


def branch(start, end, true, false):
    return [*start, *end, true, false, 0, 0, 4]


def function(name, regions, branches=(), path=PATH):
    return {"name": name, "count": regions[0][4], "filenames": [path],
            "regions": regions, "branches": list(branches)}


def export(*functions, path=PATH):
    return {"data": [{"files": [{"filename": path}], "functions": list(functions)}]}


def lcov(*counts, path=PATH):
    """Lines from the first on, with their counts."""
    lines = "".join(f"DA:{line},{count}\n" for line, count in enumerate(counts, 1))
    return f"SF:{path}\n{lines}LF:9\nLH:9\nend_of_record\n"


def merge(*functions, path=PATH):
    """The one file of an export that holds these functions."""
    return coverage_map.merge(export(*functions, path=path), lcov(path=path), "/root", FOLDERS)


class MergeTest(unittest.TestCase):

    def test_the_sides_of_a_branch_add_up_over_instantiations(self):
        body = region((1, 20), (4, 2), 5)
        files = merge(function("a", [body], [branch((2, 7), (2, 9), 5, 0)]),
                      function("b", [body], [branch((2, 7), (2, 9), 0, 5)]))
        self.assertEqual(files[PATH].branches,
                         {(2, 7, 2, 9): coverage_map.Branch(5, 5, False)})

    def test_a_side_that_no_instantiation_takes_stays_uncovered(self):
        body = region((1, 20), (4, 2), 5)
        both = [function(name, [body], [branch((2, 7), (2, 9), 5, 0)]) for name in "ab"]
        found = summary_lib.file_summary(PATH, merge(*both)[PATH])
        self.assertEqual(found["branches"], summary_lib.ratio(1, 2))
        self.assertEqual(found["uncovered_branches"], [{"line": 2, "column": 7, "side": "false"}])

    def test_conditions_of_one_line_are_told_apart(self):
        body = region((1, 20), (4, 2), 3)
        branches = [branch((2, 7), (2, 8), 3, 0), branch((2, 12), (2, 13), 0, 3)]
        self.assertEqual(len(merge(function("a", [body], branches))[PATH].branches), 2)

    def test_a_function_is_covered_if_any_instantiation_is(self):
        files = merge(function("a", [region((1, 20), (4, 2), 0)]),
                      function("b", [region((1, 20), (4, 2), 7)]),
                      function("c", [region((1, 20), (4, 2), 0)]),
                      function("d", [region((6, 20), (8, 2), 0)]))
        found = files[PATH].functions
        self.assertEqual({place: item.count for place, item in found.items()},
                         {(1, 20): 7, (6, 20): 0})
        self.assertEqual(found[(1, 20)].symbols, {"a", "b", "c"})

    def test_a_constant_condition_has_no_sides(self):
        body = region((1, 20), (4, 2), 5)
        files = merge(function("a", [body], [branch((2, 7), (2, 9), 0, 0)]))
        self.assertEqual(files[PATH].branches, {})

    def test_a_condition_that_was_never_reached_has_two_uncovered_sides(self):
        regions = [region((1, 20), (9, 2), 5), region((3, 5), (6, 4), 0)]
        files = merge(function("a", regions, [branch((4, 7), (4, 9), 0, 0)]))
        self.assertEqual(files[PATH].branches,
                         {(4, 7, 4, 9): coverage_map.Branch(0, 0, False)})

    def test_a_condition_that_is_constant_in_one_instantiation_alone_counts(self):
        body = region((1, 20), (4, 2), 5)
        files = merge(function("a", [body], [branch((2, 7), (2, 9), 0, 0)]),
                      function("b", [body], [branch((2, 7), (2, 9), 5, 0)]))
        found = summary_lib.file_summary(PATH, files[PATH])
        self.assertEqual(found["branches"], summary_lib.ratio(1, 2))

    def test_other_folders_are_left_out(self):
        self.assertEqual(merge(function("a", [region((1, 1), (2, 2), 1)], path="fuzzers/x.cc"),
                               path="fuzzers/x.cc"), {})

    def test_paths_are_seen_from_the_root(self):
        for path in ("mmu/map.h", "./mmu/map.h", "/root/mmu/map.h"):
            body = region((1, 1), (2, 2), 1)
            self.assertEqual(list(merge(function("a", [body], path=path), path=path)), [PATH])

    def test_a_file_of_two_spellings_is_one(self):
        text = lcov(3, 3) + lcov(0, 1, 0, path="./" + PATH) + lcov(7, path="fuzzers/a.cc")
        files = coverage_map.merge(export(), text, "/root", FOLDERS)
        self.assertEqual({path: file.lines for path, file in files.items()},
                         {PATH: {1: 3, 2: 4, 3: 0}})


class NameTest(unittest.TestCase):

    def test_names_are_those_of_the_source(self):
        cases = {
            "rmapdiff::RaiseBug(rmapdiff::BugClass, char const*)": "RaiseBug",
            "void rmapdiff::Graph<rmapdiff::Map<int>>::Zap(int) const": "Graph::Zap",
            "rmapdiff::Spte const& rmapdiff::Map<rmapdiff::Tiny>::At(int) &": "Map::At",
            "auto rmapdiff::(anonymous namespace)::Find<int>(int)": "Find",
            "rmapdiff::Map<A>::Each() const::'lambda'(int)::operator()(int) const":
                "Map::Each::lambda",
            "rmapdiff::Chunks()::$_0::operator()() const": "Chunks::lambda",
            "rmapdiff::operator<=>(rmapdiff::Gfn, rmapdiff::Gfn)": "operator<=>",
            "bool rmapdiff::operator< <int>(rmapdiff::P<int>, int)": "operator<",
            "rmapdiff::Map<A>::operator->() const": "Map::operator->",
            "rmapdiff::Functor::operator()(int)": "Functor::operator()",
            "rmapdiff::Gfn::operator bool() const": "Gfn::operator bool",
            "rmapdiff::Host::~Host()": "Host::~Host",
        }
        for demangled, expected in cases.items():
            self.assertEqual(coverage_map.plain_name(demangled), expected)

    def test_the_file_of_a_local_function_is_no_part_of_its_symbol(self):
        self.assertEqual(coverage_map.symbol_of("mmu/a.cc:_ZL1fv"), "_ZL1fv")
        self.assertEqual(coverage_map.symbol_of("mmu/a.cc;_ZL1fv"), "_ZL1fv")


class SummaryTest(unittest.TestCase):

    def summarize(self, listed):
        """The summary of a covered function F and an uncovered G."""
        files = merge(function("F", [region((1, 20), (4, 2), 5)]),
                      function("G", [region((6, 20), (8, 2), 0)]))
        exclusions, warnings = summary_lib.read_exclusions(listed, "list")
        self.assertEqual(warnings, [])
        names = {"F": "rmapdiff::F()", "G": "rmapdiff::G()"}
        return summary_lib.summarize(files, names, exclusions, "list", FOLDERS)

    def test_functions_without_a_call_are_listed(self):
        found = self.summarize([])
        self.assertEqual(found["unreached"], [{"path": PATH, "line": 6, "function": "G"}])
        self.assertEqual(found["total"]["functions"], summary_lib.ratio(1, 2))
        self.assertEqual(found["warnings"], [])

    def test_excluded_functions_are_listed_apart_and_count(self):
        found = self.summarize(["# a comment\n", "\n", "mmu/map.h:G  it raises a bug\n"])
        self.assertEqual(found["unreached"], [])
        self.assertEqual(found["unreachable"], [
            {"path": PATH, "line": 6, "function": "G", "reason": "it raises a bug"}])
        self.assertEqual(found["total"]["functions"], summary_lib.ratio(1, 2))
        self.assertEqual(found["warnings"], [])

    def test_an_exclusion_that_is_covered_is_warned_of(self):
        found = self.summarize(["mmu/map.h:F  why"])
        self.assertEqual(found["warnings"], ["list:1: mmu/map.h:F is covered"])

    def test_an_exclusion_of_no_function_is_warned_of(self):
        found = self.summarize(["mmu/map.h:H  why"])
        self.assertEqual(
            found["warnings"], ["list:1: mmu/map.h:H is not a function of a fuzz target"])

    def test_a_line_without_a_reason_excludes_nothing(self):
        exclusions, warnings = summary_lib.read_exclusions(["mmu/map.h:G", "G why"], "list")
        self.assertEqual(exclusions, [])
        self.assertEqual(len(warnings), 2)

    def test_nothing_to_cover_has_no_percentage(self):
        self.assertEqual(self.summarize([])["folders"]["legacy_mmu/"]["lines"],
                         {"covered": 0, "total": 0, "percent": None})


class RecordTest(unittest.TestCase):

    @staticmethod
    def record(name, body, data=b"data"):
        text = struct.pack("<QIQQ", name, len(data), body, 9) + data
        return text + bytes(-len(text) % 8)

    def test_a_note_of_no_calls_is_dropped_if_another_program_calls(self):
        note, real, other = self.record(1, 0), self.record(1, 5), self.record(2, 0)
        self.assertEqual(function_records.drop_hiding([note + other, real]), [other, real])

    def test_a_note_that_hides_nothing_stays(self):
        notes = self.record(1, 0, b"x") + self.record(2, 0, b"of another length")
        self.assertEqual(function_records.drop_hiding([notes, b""]), [notes, b""])


HEADER = """
template <int kN>
int Pick(bool high) {
  if constexpr (kN > 5) return 1;
  if (high) {
    return kN;
  }
  return 0;
}
template <typename T>
void Never(T) {}
inline int Flags(bool a, bool b, int level) {
  int flags = 0;
  if (a) flags |= 1;
  if (!b) flags |= 2;
  if (level > 1) flags |= 4;
  return flags;
}
inline int Nobody(int n) {
  return n;
}
"""

# The first calls one instantiation and leaves Flags out; the second is the other way round. The
# hash of Flags is one of those for which llvm-cov believes the record of a program without calls.
PROGRAMS = {
    "one": "int main(int argc, char**) { return argc > 9 ? Never(0), 1 : Pick<1>(true) - 1; }\n",
    "two": "int main() { return Flags(0, 1, 0) + Pick<2>(false); }\n",
}


class RealToolsTest(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name

    def call(self, *command):
        environment = dict(os.environ, LLVM_PROFILE_FILE="%p.profraw")
        return subprocess.run(command, cwd=self.folder, env=environment, check=True,
                              stdout=subprocess.PIPE).stdout

    def write(self, path, text):
        with open(os.path.join(self.folder, path), "w", encoding="utf-8") as file:
            file.write(text)

    def test_two_programs_cover_what_neither_does(self):
        os.mkdir(os.path.join(self.folder, "mmu"))
        self.write("mmu/pick.h", HEADER)
        for name, text in PROGRAMS.items():
            self.write(f"{name}_fuzzer.cc", '#include "mmu/pick.h"\n' + text)
            self.call("clang++-19", "-std=c++20", "-O1", "-fprofile-instr-generate",
                      "-fcoverage-mapping", "-ffile-compilation-dir=.", "-I.",
                      f"{name}_fuzzer.cc", "-o", f"{name}_cov_bin")
            self.call(f"./{name}_cov_bin")
        os.mkdir(os.path.join(self.folder, "copies"))
        copies = coverage.copy_programs(
            list(PROGRAMS), self.folder, os.path.join(self.folder, "copies"))
        raw = [name for name in os.listdir(self.folder) if name.endswith(".profraw")]
        self.call("llvm-profdata-19", "merge", *raw, "-o", "data")
        view = [copies[0], f"-object={copies[1]}", "-instr-profile=data"]
        text = self.call("llvm-cov-19", "export", *view)
        lines = self.call("llvm-cov-19", *coverage.LCOV, *view).decode()
        file = coverage_map.merge(json.loads(text), lines, self.folder, FOLDERS)["mmu/pick.h"]
        found = summary_lib.file_summary("mmu/pick.h", file)
        self.assertEqual(found["uncovered_lines"], [11, 19, 20, 21])
        self.assertEqual(found["branches"], summary_lib.ratio(5, 8))
        self.assertEqual(found["functions"], summary_lib.ratio(2, 4))


BUILD = """#!/bin/bash
echo "$@" >> builds
[[ ! -e broken ]] && echo "${PWD}/built"
"""

# A fuzz target: the words in its seeds say what is to happen.
TARGET = r"""#!/bin/bash
for word in "$@"; do
  [[ "$word" != -* ]] || continue
  echo "Running: $word"
  ! grep -q meddle "$word" || { mkdir report; touch report/precious; }
  ! grep -q slow "$word" || { touch started; sleep 60; }
  ! grep -q crash "$word" || { echo 'it went wrong'; exit 77; }
  echo "Executed $word in 0 ms"
done
touch "${LLVM_PROFILE_FILE/\%p/$$}"
"""

# LLVM: the exports are the files `export.json` and `export.info`. A page says which it was made of.
TOOLS = {
    "llvm-profdata-19": 'touch "$4"\n',
    "llvm-cov-19": """
if [[ "$*" == "export -format=lcov "* ]]; then cat export.info; exit; fi
if [[ "$1" == export ]]; then cat export.json; exit; fi
for word in "$@"; do
  [[ "$word" != -output-dir=* ]] || dir="${word#*=}"
done
mkdir "$dir"
echo "$*" > "$dir/index.html"
""",
    "llvm-cxxfilt-19": "cat\n",
    "llvm-objcopy-19": '[[ "$1" != --dump-section=* ]] || : > "${1##*=}"\n',
}


class CommandTest(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = os.path.realpath(scratch.name)
        self.report = os.path.join(self.root, "report")
        shutil.copytree("tools/scripts", os.path.join(self.root, "tools/scripts"))
        for name in ("tools/__init__.py", "tools/bazel_rules/replay.py"):
            with open(name, encoding="utf-8") as file:
                self.write(name, file.read())
        self.write("tools/scripts/coverage/unreachable.txt", "")
        self.write("tools/cli/build.sh", BUILD)
        for name, text in TOOLS.items():
            self.write("bin/" + name, "#!/bin/bash\n" + text)
        self.write("built/fuzzers/fuzz_targets.txt", "one_fuzzer\ntwo_fuzzer\n")
        for name in ("one_fuzzer", "two_fuzzer"):
            self.write(f"built/fuzzers/{name}_cov_bin", TARGET)
            self.write(f"built/fuzzers/{name}_options.options", "[libfuzzer]\nmax_len=9\n")
            self.write(f"built/fuzzers/{name}_corpus/seed", "fine")
        self.write("mmu/map.h", "")
        self.write("mmu/left_out.h", "")
        self.cover(1, 1)

    def write(self, path, text):
        absolute = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(absolute), exist_ok=True)
        with open(absolute, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(absolute, 0o755)

    def cover(self, *counts):
        """Makes llvm-cov say that the first lines of mmu/map.h, each a function, ran so often."""
        functions = [function(f"F{line}", [region((line, 1), (line, 9), count)])
                     for line, count in enumerate(counts, 1)]
        self.write("export.json", json.dumps(export(*functions)))
        self.write("export.info", lcov(*counts))

    def command(self, *words):
        return [sys.executable, "-B", os.path.join(self.root, "tools/scripts/start.py"),
                "tools.scripts.coverage.coverage", "--dir=" + self.report, *words]

    def environment(self):
        return dict(os.environ, PATH=os.path.join(self.root, "bin") + ":" + os.environ["PATH"])

    def run_command(self, *words, code=0):
        """Runs the command; returns what it prints, and what it complains of."""
        done = subprocess.run(self.command(*words), cwd=self.root, env=self.environment(),
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout, done.stderr

    def summary(self):
        with open(os.path.join(self.report, "summary.json"), encoding="utf-8") as file:
            return json.load(file)

    def assert_no_leftovers(self):
        left = [name for name in os.listdir(self.root) if name.startswith("report.")]
        self.assertEqual(left, [])

    def test_all_targets_replay_their_seeds(self):
        output, complaints = self.run_command()
        self.assertIn("2 seeds of one_fuzzer, two_fuzzer\n", output)
        self.assertRegex(output, r"\nmmu/map.h +100\.0% +2/2 .* 100\.0% +2/2\n")
        self.assertIn(os.path.join(self.report, "html/index.html"), output)
        self.assertEqual(complaints, "")
        self.assertEqual(sorted(os.listdir(self.report)), ["html", "summary.json"])
        self.assert_no_leftovers()

    def test_sources_that_no_target_holds_are_named(self):
        self.run_command()
        self.assertEqual(self.summary()["absent"], ["mmu/left_out.h"])

    def test_one_target_is_built_if_one_is_named(self):
        self.run_command("--target=two_fuzzer")
        self.assertEqual(self.summary()["targets"], [{"name": "two_fuzzer", "seeds": 1}])
        with open(os.path.join(self.root, "builds"), encoding="utf-8") as file:
            self.assertNotIn("one_fuzzer", file.read())

    def test_an_exclusion_may_be_for_a_target_that_is_left_out(self):
        self.write("tools/scripts/coverage/unreachable.txt", "mmu/map.h:Other  why\n")
        _, complaints = self.run_command()
        self.assertIn("unreachable.txt:1: mmu/map.h:Other is not a function", complaints)
        _, complaints = self.run_command("--target=one_fuzzer")
        self.assertEqual(complaints, "")

    def test_an_unknown_target_is_wrong_usage(self):
        _, complaints = self.run_command("--target=three_fuzzer", code=2)
        self.assertIn("no target 'three_fuzzer', expected one of one_fuzzer, two_fuzzer",
                      complaints)

    def test_a_figure_below_its_minimum_fails(self):
        self.cover(1, 1, 1, 0)
        self.run_command("--min-lines=75")
        _, complaints = self.run_command("--min-lines=75.1", code=1)
        self.assertIn("3 of 4 lines are covered, expected 75.1%", complaints)
        self.assertTrue(os.path.exists(self.report))

    def test_no_branches_are_below_any_minimum(self):
        _, complaints = self.run_command("--min-branches=1", code=1)
        self.assertIn("0 of 0 branches", complaints)

    def test_a_minimum_is_a_percentage(self):
        for word in ("101", "-1", "x", "nan", ""):
            self.run_command("--min-lines=" + word, code=2)
        self.assertFalse(os.path.exists(os.path.join(self.root, "builds")))

    def test_a_target_that_fails_is_named_with_its_seed_and_leaves_the_old_report(self):
        self.run_command()
        before = self.summary()
        self.cover(0)
        self.write("built/fuzzers/two_fuzzer_corpus/bad", "crash")
        output, complaints = self.run_command(code=1)
        self.assertEqual(output, "")
        self.assertRegex(complaints, r"^Running: \S+/bad\nit went wrong\n")
        self.assertIn("two_fuzzer fails on 1 of 2 seeds: bad", complaints)
        self.assertEqual(self.summary(), before)
        self.assert_no_leftovers()

    def test_a_target_without_seeds_fails(self):
        os.remove(os.path.join(self.root, "built/fuzzers/two_fuzzer_corpus/seed"))
        _, complaints = self.run_command(code=1)
        self.assertIn("two_fuzzer has no seed", complaints)

    def test_a_failed_build_is_the_environment(self):
        self.write("broken", "")
        self.run_command(code=3)

    def test_a_failing_tool_is_the_environment(self):
        self.write("bin/llvm-cov-19", "#!/bin/bash\necho 'no such format' >&2\nexit 1\n")
        _, complaints = self.run_command(code=3)
        self.assertIn("tools/coverage: llvm-cov-19: exit code 1: no such format\n", complaints)
        self.assert_no_leftovers()

    def test_an_old_report_is_replaced_as_a_whole(self):
        self.run_command()
        self.write("report/html/stale.html", "")
        self.cover(1, 0)
        self.run_command()
        self.assertEqual(os.listdir(os.path.join(self.report, "html")), ["index.html"])
        self.assertEqual(len(self.summary()["unreached"]), 1)

    def test_a_folder_of_anything_else_is_left_alone(self):
        for name, text in (("precious", ""), ("summary.json", '{"format": "x"}'),
                           ("summary.json", "[]"), ("summary.json", "{")):
            shutil.rmtree(self.report, ignore_errors=True)
            self.write("report/" + name, text)
            _, complaints = self.run_command(code=2)
            self.assertIn("holds no report of ours", complaints)
            self.assertEqual(os.listdir(self.report), [name])
        self.assertFalse(os.path.exists(os.path.join(self.root, "builds")))

    def test_a_folder_that_is_filled_meanwhile_is_left_alone(self):
        self.write("built/fuzzers/one_fuzzer_corpus/seed", "meddle")
        self.run_command(code=2)
        self.assertEqual(os.listdir(self.report), ["precious"])
        self.assert_no_leftovers()

    def test_an_empty_folder_is_taken(self):
        os.mkdir(self.report)
        self.run_command()
        self.assertEqual(sorted(os.listdir(self.report)), ["html", "summary.json"])

    def test_a_file_is_no_folder(self):
        self.write("report", "text")
        self.run_command(code=2)

    def test_pages_are_made_of_the_mmus_alone(self):
        functions = [function("F", [region((1, 1), (1, 9), 1)])]
        made = export(*functions)
        made["data"][0]["files"] += [{"filename": name}
                                     for name in ("./fuzzers/a.cc", "bench/b.cc")]
        self.write("export.json", json.dumps(made))
        self.run_command()
        with open(os.path.join(self.report, "html/index.html"), encoding="utf-8") as file:
            self.assertIn(r"-ignore-filename-regex=^(\./)?(bench/|fuzzers/) ", file.read())

    def test_whoever_is_terminated_leaves_nothing_behind(self):
        self.write("built/fuzzers/one_fuzzer_corpus/seed", "slow")
        with subprocess.Popen(self.command(), cwd=self.root, env=self.environment(),
                              stderr=subprocess.DEVNULL, start_new_session=True) as process:
            try:
                patience.wait_for(lambda: os.path.exists(os.path.join(self.root, "started")))
                process.terminate()
                self.assertEqual(process.wait(patience.SECONDS), 128 + signal.SIGTERM)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        self.assert_no_leftovers()


if __name__ == "__main__":
    unittest.main()

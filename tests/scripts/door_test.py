"""The door: tools/rmapdiff, tools/fuzz and tools/cli/build.sh, before a verb runs.

Each test has its own checkout, with scripts in place of Bazel, tools/setup and the products. The
real command line says whether the door knows its verbs, and whether `--check-usage` only checks.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from tools.scripts.build import bazel, door, stamp

COMMAND_LINE = os.path.abspath("tools/cli/rmapdiff")

COPIED = ("tools/rmapdiff", "tools/fuzz", "tools/cli/build.sh", "tools/__init__.py",
          "tools/scripts", "more_maps/maps.bzl")

# The command line: what it is built of, and its words.
PRODUCT = r"""#!/bin/bash
if [[ "$1" == --check-usage ]]; then
  for word in "$@"; do [[ "$word" != --nope ]] || { echo "rmapdiff $2: --nope" >&2; exit 2; }; done
  exit
fi
echo "%s"
printf '<%%s>' "$@" "$RMAPDIFF_ROOT" "${RMAPDIFF_DEBUG:-}"
exit 7
"""

# Bazel: notes its words in $CALLS, builds each label into out/bin, and says so as it does.
BAZEL = f"""#!{sys.executable}
import json, os, re, sys, time
PRODUCT = {PRODUCT!r}
words = [word for word in sys.argv[1:] if not word.startswith("--output_")]
root, out = os.getcwd(), os.environ["OUT"]
with open(os.environ["CALLS"], "a") as file:
    file.write(json.dumps(sys.argv[1:]) + chr(10))
if words[0] == "query":
    for label in open(root + "/labels").read().split():
        print(label)
    sys.exit()
if words[0] == "info":
    print(out)
    sys.exit()
labels = [word for word in words[1:] if word.startswith("//")]
source = open(root + "/tools/cli/main.cc").read()
if os.path.exists(root + "/during"):
    time.sleep(0.1)  # the clock of a file system is coarse
    exec(open(root + "/during").read())
    os.unlink(root + "/during")
if os.path.exists(root + "/broken"):
    print("[1 / 2] Compiling x", "x.cc:1: error", sep=chr(10))
    sys.exit(1)
open(root + "/pid", "w").write(str(os.getpid()))
while os.path.exists(root + "/hang"):
    print("[3 / 4] Compiling y", flush=True)
    time.sleep(0.01)
events = [w.partition("=")[2] for w in words if w.startswith("--build_event_json_file=")][0]
files = []
for label in labels:
    name = label[2:].replace(":", "/")
    path = out + "/execroot/r/bin/" + name
    os.makedirs(os.path.dirname(path), exist_ok=True)
    text = PRODUCT % source
    if not os.path.exists(path) or open(path).read() != text:
        open(path, "w").write(text)
        os.chmod(path, 0o755)
    files.append(dict(name=name, uri="file://" + path.replace("%", "%25")))
with open(events, "w") as file:
    for event in (dict(workspaceInfo=dict(localExecRoot=out + "/execroot/r")),
                  dict(namedSetOfFiles=dict(files=files))):
        file.write(json.dumps(event) + chr(10))
"""

SETUP = """#!/bin/bash
echo "$@" >> "$SETUPS"
"""

FUZZERS = """
cc_fuzz_test(
    name = "one_fuzzer",
    corpus = ["//corpus:one"],
)

cc_fuzz_test(
    name = "two_fuzzer",
    dicts = ["two.dict"],
)
"""

LABELS = ("//tools/cli:main.cc", "//tools/cli:BUILD", "//corpus:one/a.ops", "//corpus:BUILD",
          "@system//:fmt.h", "@bazel_tools//:absent")


class Checkout(unittest.TestCase):
    """A checkout in a folder of a name, where no stamp is too young to be written."""

    NAME = "tree"

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.top = os.path.realpath(scratch.name)
        self.root = os.path.join(self.top, self.NAME)
        for path in COPIED:
            self.copy(path)
        self.write("tools/setup", SETUP)
        self.write("tools/bazel_rules/m32.sh", "#!/bin/sh\n")
        self.write("tools/cli/main.cc", "first")
        self.write("tools/cli/BUILD", "")
        self.write("corpus/one/a.ops", "")
        self.write("corpus/BUILD", 'glob(["one/*.ops"])')
        self.write("fuzzers/BUILD", FUZZERS)
        self.write("WORKSPACE", "")
        self.write("labels", "\n".join(LABELS))
        self.write("../out%41/external/system/fmt.h", "")
        self.write("../out%41/external/bazel_tools/absent", "")
        self.write("../bin/bazel", BAZEL)
        self.home = self.path("../home")
        os.mkdir(self.home)
        self.environment = {
            "HOME": self.home, "CALLS": self.path("../calls"), "OUT": self.path("../out%41"),
            "SETUPS": self.path("../setups"), "TMPDIR": self.top,
            "PATH": self.path("../bin") + ":" + os.environ["PATH"]}
        self.replace("tools/scripts/build/stamp.py", r"MARGIN_NS = \d[\d_]+", "MARGIN_NS = 0")

    def path(self, name):
        return os.path.normpath(os.path.join(self.root, name))

    def copy(self, path):
        target = self.path(path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.isdir(path):
            shutil.copytree(path, target)
        else:
            shutil.copy(path, target)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), 0o755)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def replace(self, name, pattern, text):
        old = self.read(name)
        new = re.sub(pattern, text, old)
        self.assertNotEqual(new, old)
        self.write(name, new)

    def run_words(self, *words, code=7):
        """Runs a script of the checkout; returns what it prints and what it says."""
        done = subprocess.run([self.path(words[0]), *words[1:]], env=self.environment, cwd=self.top,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout, done.stderr

    def calls(self, command="build"):
        """The words of Bazel's calls so far."""
        if not os.path.exists(self.environment["CALLS"]):
            return []
        calls = [json.loads(line) for line in self.read(self.environment["CALLS"]).splitlines()]
        return [call for call in calls if command in call]

    def built(self):
        """The labels that Bazel was told to build, a list for each call."""
        return [[word for word in call if word.startswith("//")] for call in self.calls()]


class FreshnessTest(Checkout):
    """What is up to date runs without Bazel, and what is stale never runs."""

    def test_a_verb_is_built_once_and_gets_its_words_and_where_sources_are(self):
        for _ in range(3):
            out, err = self.run_words("tools/rmapdiff", "show", "a b", "$(x)")
            self.assertEqual(out, f"first\n<show><a b><$(x)><{self.root}><>")
            self.assertEqual(err, "")
        self.assertEqual(self.built(), [["//tools/cli:rmapdiff"]])

    def test_an_edit_is_built_and_then_it_is_up_to_date_again(self):
        self.run_words("tools/rmapdiff", "show")
        self.write("tools/cli/main.cc", "second")
        for _ in range(2):
            self.assertIn("second\n", self.run_words("tools/rmapdiff", "show")[0])
        self.assertEqual(len(self.calls()), 2)

    def keeping_its_time(self, name, change):
        """A change that leaves modification time and size as they are."""
        before = os.stat(self.path(name))
        change()
        os.utime(self.path(name), ns=(before.st_atime_ns, before.st_mtime_ns))

    def replaced(self, name):
        """Another file of the same size and time in its place."""
        shutil.copy2(self.path(name), self.path(name) + ".new")
        os.replace(self.path(name) + ".new", self.path(name))

    def test_bazel_is_asked_after_every_change_that_could_matter(self):
        product = "../out%41/execroot/r/bin/tools/cli/rmapdiff"
        os.symlink(self.root, self.path("../link"))
        self.write("more.bazelrc", "")
        self.write(".bazelrc", "build --x\ntry-import %workspace%/more.bazelrc\n")
        os.mkdir(self.path("corpus/one/deep"))
        for what, change in (
                ("touched", lambda: os.utime(self.path("tools/cli/main.cc"))),
                ("edited, with the old time",
                 lambda: self.keeping_its_time("tools/cli/main.cc",
                                               lambda: self.write("tools/cli/main.cc", "third"))),
                ("replaced", lambda: self.replaced("tools/cli/main.cc")),
                ("a BUILD file", lambda: self.write("tools/cli/BUILD", " ")),
                ("another BUILD file", lambda: self.write("tools/cli/BUILD.bazel", "")),
                ("a seed more", lambda: self.write("corpus/one/b.ops", "")),
                ("a seed less", lambda: os.unlink(self.path("corpus/one/b.ops"))),
                ("a deep seed", lambda: self.write("corpus/one/deep/c.ops", "")),
                ("a library", lambda: self.write("../out%41/external/system/fmt.h", "new")),
                ("flags", lambda: self.write(".bazelrc", self.read(".bazelrc") + "build --y\n")),
                ("flags of the user", lambda: self.write(".bazelrc.user", "startup --z\n")),
                ("imported flags", lambda: self.write("more.bazelrc", "build --z\n")),
                ("flags of the home", lambda: self.write("../home/.bazelrc", "build --z\n")),
                ("the workspace", lambda: self.write("WORKSPACE", " ")),
                ("Bazel", lambda: self.write("../bin/bazel", BAZEL + "\n")),
                ("the product is gone", lambda: os.unlink(self.path(product))),
                ("the product is another", lambda: self.replaced(product)),
                ("the product cannot be run", lambda: os.chmod(self.path(product), 0o644)),
                ("the environment", lambda: self.environment.update(CC="gcc"))):
            self.run_words("tools/rmapdiff", "show")
            count = len(self.calls())
            self.run_words("tools/rmapdiff", "show")
            with self.subTest(what):
                self.assertEqual(len(self.calls()), count)  # up to date before
                change()
                code = 3 if "cannot be run" in what else 7
                self.run_words("tools/rmapdiff", "show", code=code)
                self.assertEqual(len(self.calls()), count + 1)
                os.chmod(self.path(product), 0o755)

    def test_what_is_no_input_makes_nobody_wait(self):
        self.run_words("tools/rmapdiff", "show")
        for name in ("README.md", "min.ops", "fuzz-out/findings/x", "tools/cli/note.txt"):
            self.write(name, "")
        self.run_words("tools/rmapdiff", "show")
        self.assertEqual(len(self.calls()), 1)

    def test_a_change_during_the_build_is_built_the_next_time(self):
        for during in ("open(root + '/tools/cli/main.cc', 'w').write('late')",
                       "os.utime(root + '/tools/cli/BUILD')",
                       "open(root + '/corpus/one/late.ops', 'w').close()",
                       "os.rename(root + '/tools/cli', root + '/tools/old');"
                       "os.rename(root + '/tools/next', root + '/tools/cli')"):
            with self.subTest(during):
                self.setUp()
                shutil.copytree(self.path("tools/cli"), self.path("tools/next"))
                self.write("tools/next/main.cc", "late")
                self.write("during", during)
                self.run_words("tools/rmapdiff", "show")
                out, _ = self.run_words("tools/rmapdiff", "show")
                self.assertEqual(len(self.calls()), 2)
                if "late'" in during or "next" in during:
                    self.assertIn("late\n", out)

    def test_a_stamp_of_somebody_else_or_a_damaged_one_counts_as_none(self):
        self.run_words("tools/rmapdiff", "show")
        folder = self.path("../home/.cache/rmapdiff")
        name, = os.listdir(folder)
        whole = self.read(os.path.join(folder, name))
        self.assertEqual(os.stat(os.path.join(folder, name)).st_mode & 0o777, 0o600)
        for text in ("", whole[:-9], "[]", "{}", '{"question": 1}', whole.replace("rmapdiff-", "")):
            with self.subTest(text[:20]):
                count = len(self.calls())
                self.write(os.path.join(folder, name), text)
                os.chmod(os.path.join(folder, name), 0o600)
                self.run_words("tools/rmapdiff", "show")
                self.assertEqual(len(self.calls()), count + 1)
        for path in (folder, os.path.join(folder, name)):
            count = len(self.calls())
            os.chmod(path, 0o777)
            self.run_words("tools/rmapdiff", "show")
            self.assertEqual(len(self.calls()), count + 1)
            os.chmod(path, 0o700)

    def test_where_no_stamp_can_be_written_bazel_is_asked_every_time(self):
        self.environment["XDG_CACHE_HOME"] = "/dev/null"
        for _ in range(2):
            self.assertEqual(self.run_words("tools/rmapdiff", "show")[1], "")
        self.assertEqual(len(self.calls()), 2)

    def test_the_whole_tree_as_a_glob_leaves_a_doubt(self):
        self.write("BUILD", 'glob(["*"])')
        self.write("labels", "\n".join((*LABELS, "//:README.md")))
        for _ in range(2):
            self.run_words("tools/rmapdiff", "show")
        self.assertEqual(len(self.calls()), 2)

    def test_what_is_as_young_as_the_build_leaves_a_doubt(self):
        self.replace("tools/scripts/build/stamp.py", "MARGIN_NS = 0", "MARGIN_NS = 10 ** 18")
        for _ in range(2):
            self.run_words("tools/rmapdiff", "show")
        self.assertEqual(len(self.calls()), 2)
        self.assertGreater(stamp.MARGIN_NS, 10 ** 9)


class PlaceTest(Checkout):
    """Where it was built is where it is run."""

    def test_the_link_of_somebody_else_is_not_followed(self):
        self.write("../foreign/tools/cli/rmapdiff", "#!/bin/bash\necho stale\n")
        os.symlink(self.path("../foreign"), self.path("bazel-bin"))
        for _ in range(2):
            self.assertIn("first\n", self.run_words("tools/rmapdiff", "show")[0])

    def test_the_folder_of_what_was_built_is_printed(self):
        for _ in range(2):
            out, _ = self.run_words("tools/cli/build.sh", "tools/cli/x", "//tools/cli:x", code=0)
            self.assertEqual(out, self.path("../out%41/execroot/r/bin") + "\n")
        self.assertEqual(self.built(), [["//tools/cli:x"]])

    def test_another_compiler_has_an_output_base_and_links_of_its_own(self):
        self.run_words("tools/cli/build.sh", "--apart=afl", "a/b", "--keep_going", "//a:b", code=0)
        call, = self.calls()
        self.assertEqual(call[:2], [f"--output_base={self.path('../out%41')}_afl", "build"])
        for word in ("--config=afl", "--symlink_prefix=bazel-afl-", "--keep_going"):
            self.assertIn(word, call)
        self.assertLess(call.index("--keep_going"), call.index("--"))

    def test_a_product_that_the_targets_do_not_make_is_an_error(self):
        _, err = self.run_words("tools/cli/build.sh", "a/c", "//a:b", code=3)
        self.assertEqual(err, "a/c: Bazel has not built it, expected it of //a:b\n")

    def test_without_a_home_bazel_and_the_stamps_get_folders_of_this_user(self):
        self.environment["HOME"] = "/nonexistent"
        for _ in range(2):
            self.run_words("tools/rmapdiff", "show")
        call, = self.calls()
        self.assertEqual(call[0], f"--output_user_root={self.top}/rmapdiff-bazel-{os.getuid()}")
        stamps = os.path.join(self.top, f"rmapdiff-stamps-{os.getuid()}")
        self.assertEqual(os.stat(stamps).st_mode & 0o777, 0o700)

    def test_a_folder_in_which_bazel_cannot_build_is_one_line(self):
        for name in ("a b", "caf\u00e9"):
            moved = os.path.join(self.top, name)
            os.rename(self.root, moved)
            self.root = moved
            _, err = self.run_words("tools/rmapdiff", "show", code=3)
            self.assertRegex(err, r"\A.*: Bazel cannot build in this folder, expected .*\n\Z")
        self.assertEqual(self.calls(), [])


class HostileNamesTest(Checkout):
    """No name of a folder reaches a shell."""

    NAME = "a'b\"c&d;$(touch PWNED)`touch PWNED`".replace(" ", "\t")

    def test_a_checkout_and_a_temporary_folder_of_any_name(self):
        self.environment["TMPDIR"] = self.path("../t'; touch PWNED; '")
        os.mkdir(self.environment["TMPDIR"])
        for _ in range(2):
            out, err = self.run_words("tools/rmapdiff", "repro", "$(touch PWNED)")
            self.assertIn("<$(touch PWNED)>", out)
            self.assertEqual(err, "")
        self.run_words("tools/fuzz", "--dir=;touch PWNED")
        self.assertEqual(os.listdir(self.environment["TMPDIR"]), [])
        self.assertEqual([path for path, _, names in os.walk(self.top) if "PWNED" in names], [])


class UsageTest(Checkout):
    """Wrong usage is an answer, and not the end of a build."""

    def test_an_unknown_verb_and_no_verb_build_nothing(self):
        for words, said in ((("frob",), "no verb 'frob'"), ((), "no verb")):
            _, err = self.run_words("tools/rmapdiff", *words, code=2)
            self.assertRegex(err, f"\\Armapdiff: {said}, expected one of .*, show, .*\n\\Z")
        self.assertEqual(self.calls(""), [])

    def test_an_unknown_verb_is_for_the_command_line_where_it_is_up_to_date(self):
        self.run_words("tools/rmapdiff", "show")
        self.assertIn("<frob>", self.run_words("tools/rmapdiff", "frob")[0])

    def test_an_unknown_target_builds_nothing_and_names_the_known_ones(self):
        for words in (("--target=three",), ("--target", "three"), ("--target=one_fuzzer",
                                                                   "--target=three")):
            _, err = self.run_words("tools/fuzz", *words, code=2)
            self.assertEqual(err, "rmapdiff fuzz: --target: no target 'three', expected one of "
                                  "one_fuzzer, two_fuzzer, see rmapdiff fuzz --help\n")
        self.assertEqual(self.calls(""), [])

    def test_wrong_options_cost_the_command_line_at_most(self):
        for verb in (*door.PROBING, "corpus merge", "corpus prune", "fuzz"):
            with self.subTest(verb):
                if os.path.exists(self.environment["CALLS"]):
                    os.unlink(self.environment["CALLS"])
                _, err = self.run_words("tools/rmapdiff", *verb.split(), "--nope", code=2)
                self.assertEqual(err, f"rmapdiff {verb.split()[0]}: --nope\n")
                cheap = {"//tools/cli:rmapdiff", "//fuzzers:fuzz_targets_list"}
                self.assertLessEqual({label for call in self.built() for label in call}, cheap)

    def test_help_needs_the_command_line_alone(self):
        for words in (("tools/fuzz", "--help"), ("tools/rmapdiff", "repro", "-h"),
                      ("tools/rmapdiff", "help"), ("tools/rmapdiff", "--version")):
            self.run_words(*words)
        self.assertEqual(self.built(), [["//tools/cli:rmapdiff"]])

    def test_what_cannot_run_here_is_not_built(self):
        self.write("tools/bazel_rules/m32.sh", "#!/bin/sh\necho 'm32: no' >&2; exit 3\n")
        _, err = self.run_words("tools/fuzz", "--m32", code=3)
        self.assertEqual(err, "m32: no\n")
        self.assertNotIn("//fuzzers:fuzz_targets_m32", sum(self.built(), []))

    def last_build(self, *words):
        out, _ = self.run_words(*words)
        return sorted(self.built()[-1]), out.split("\n")[1]

    def test_fuzz_builds_what_it_runs(self):
        common = {"//tools/cli:rmapdiff", "//fuzzers:probe_bin", "//fuzzers:fuzz_targets_list"}
        scouts = {"//fuzzers:scout"}
        one = {"//fuzzers:one_fuzzer_corpus", "//fuzzers:one_fuzzer_options"}
        two = {"//fuzzers:two_fuzzer_corpus", "//fuzzers:two_fuzzer_options",
               "//fuzzers:two_fuzzer_dict"}
        for words, labels in (
                ((), {"//fuzzers:fuzz_targets"}), (("--m32",), {"//fuzzers:fuzz_targets_m32"}),
                (("--target=one_fuzzer",), one | {"//fuzzers:one_fuzzer_bin"}),
                (("--target", "one_fuzzer", "--m32"), one | {"//fuzzers:one_fuzzer_m32_bin"}),
                (("--target=two_fuzzer",), two | {"//fuzzers:two_fuzzer_bin"}),
                (("--target=two_fuzzer", "--target=one_fuzzer"),
                 one | two | {"//fuzzers:one_fuzzer_bin", "//fuzzers:two_fuzzer_bin"})):
            with self.subTest(words):
                found, out = self.last_build("tools/fuzz", *words)
                self.assertEqual(found, sorted(common | labels | (
                    set() if "--m32" in words else scouts)))
                where = f"--bin-dir={self.path('../out%41/execroot/r/bin')}/fuzzers"
                self.assertTrue(out.startswith("<fuzz><" + where), out)

    def test_other_verbs_build_what_they_run(self):
        found, _ = self.last_build("tools/rmapdiff", "minimize", "x", "-o", "y")
        self.assertEqual(found, ["//fuzzers:probe_bin", "//tools/cli:rmapdiff"])
        found, out = self.last_build("tools/rmapdiff", "repro", "x", "--gdb")
        self.assertIn("//tools/cli:rmapdiff_debug", found)
        self.assertTrue(out.endswith("bin/tools/cli/rmapdiff_debug>"), out)
        found, out = self.last_build("tools/rmapdiff", "corpus", "merge", "a", "b")
        self.assertEqual(found, ["//fuzzers:fuzz_targets", "//tools/cli:rmapdiff"])
        self.assertRegex(out, r"\A<corpus><merge><--bin-dir=[^>]*/fuzzers><a><b>")


class BuildTest(Checkout):
    """What a build says."""

    def test_a_build_that_fails_shows_why_and_is_3(self):
        self.write("broken", "")
        _, err = self.run_words("tools/rmapdiff", "show", code=3)
        self.assertEqual(err, "x.cc:1: error\ncannot be built: //tools/cli:rmapdiff\n")

    def test_a_long_build_says_so_again_and_again(self):
        self.replace("tools/scripts/build/bazel.py", "LONG, EVERY = 5, 15",
                     "LONG, EVERY = 0.05, 0.05")
        self.write("hang", "")
        process = subprocess.Popen(
            [self.path("tools/rmapdiff"), "show"], env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        lines = [process.stderr.readline(), process.stderr.readline()]
        while ": [3 / 4] Compiling y\n" not in lines[-1]:
            self.assertTrue(lines[-1])
            lines.append(process.stderr.readline())
        os.unlink(self.path("hang"))
        out, _ = process.communicate()
        self.assertIn("first\n", out)
        for line in lines:
            self.assertRegex(line, r"\Abuilding //tools/cli:rmapdiff since \d\d:\d\d:\d\d, \d+ s")

    def test_the_lines_come_after_5_seconds_and_then_every_15(self):
        class Clock:
            now = 100.0

        old, bazel.time.monotonic = time.monotonic, lambda: Clock.now
        self.addCleanup(setattr, bazel.time, "monotonic", old)
        with open(os.devnull, "w", encoding="utf-8") as stream:
            progress = bazel.Progress("x", stream)
            self.assertEqual(progress.wait(), 5)
            Clock.now += 6
            progress.say("")
            self.assertEqual(progress.wait(), 14)
            Clock.now += 14
            progress.say("")
            self.assertEqual(progress.wait(), 15)

    def test_who_ends_the_door_ends_the_build(self):
        self.write("hang", "")
        process = subprocess.Popen([self.path("tools/rmapdiff"), "show"], env=self.environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        while not os.path.exists(self.path("pid")) or not self.read("pid"):
            time.sleep(0.01)
        process.terminate()
        self.assertEqual(process.wait(), 128 + 15)
        with self.assertRaises(ProcessLookupError):
            os.kill(int(self.read("pid")), 0)

    def test_packages_that_cannot_be_installed_are_3_and_no_build(self):
        self.write("tools/setup",
                   "#!/bin/bash\n[[ $# -gt 0 ]] || echo 'setup: no root' >&2\nexit 3\n")
        _, err = self.run_words("tools/rmapdiff", "show", code=3)
        self.assertEqual(err.splitlines()[0], "setup: no root")
        self.assertEqual(self.calls(""), [])


class ScriptsTest(Checkout):
    """The other scripts: options first, then the environment."""

    SCRIPTS = ("tools/check_oss_fuzz", "tools/claims", "tools/coverage", "bench/false_alarms",
               "bench/fuzz_overhead", "bench/minimize_ab", "bench/scout_speed",
               "bench/search_ab")
    IMPORTED = ("bench/__init__.py", "bench/false_alarms.py", "bench/fuzz_overhead.py",
                "bench/minimize_ab.py", "bench/scout_speed.py", "bench/search_ab.py",
                "tests/__init__.py",
                "tests/mutants/mutants.py", "tools/bazel_rules/junit.py",
                "tools/bazel_rules/replay.py")

    def setUp(self):
        super().setUp()
        for path in (*self.SCRIPTS, *self.IMPORTED, "docs/finding-power/gate.json"):
            self.copy(path)
        self.commands = [(path,) for path in self.SCRIPTS]
        self.commands += [("tools/rmapdiff", verb) for verb in door.SCRIPTS]

    def test_wrong_options_install_and_build_nothing(self):
        for words in self.commands:
            with self.subTest(words):
                _, err = self.run_words(*words, "--nope", code=2)
                name = " ".join(words)
                name = name.removeprefix("tools/") if "rmapdiff " in name else name
                self.assertRegex(err, rf"\A{name}: .+, see {name} --help\n\Z")
        self.assertEqual(self.calls(""), [])
        self.assertFalse(os.path.exists(self.environment["SETUPS"]))

    def test_help_installs_and_builds_nothing(self):
        for words in self.commands:
            with self.subTest(words):
                self.assertIn("usage: ", self.run_words(*words, "--help", code=0)[0])
        self.assertEqual(self.calls(""), [])
        self.assertFalse(os.path.exists(self.environment["SETUPS"]))

    def test_without_python_each_is_3_with_one_line(self):
        tools = self.path("../few")
        os.mkdir(tools)
        for name in ("bash", "dirname", "env", "readlink"):
            os.symlink(shutil.which(name), os.path.join(tools, name))
        self.environment["PATH"] = tools
        commands = [*self.commands, ("tools/rmapdiff", "show"), ("tools/fuzz",),
                    ("tools/cli/build.sh", "a/b", "//a:b")]
        for setup, said in (("echo 'setup: no root' >&2; exit 3", "setup: no root\n"),
                            ("exit 0", "python3: not found, expected it in a folder of PATH\n")):
            self.write("tools/setup", "#!/bin/bash\n" + setup + "\n")
            for words in commands:
                with self.subTest(words):
                    self.assertEqual(self.run_words(*words, code=3), ("", said))


class CommandLineTest(unittest.TestCase):
    """What the door says of the command line is so."""

    def check(self, *words):
        done = subprocess.run([COMMAND_LINE, "--check-usage", *words], capture_output=True,
                              text=True, check=False, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr

    def test_the_door_knows_the_verbs(self):
        done = subprocess.run([COMMAND_LINE, "--help"], capture_output=True, text=True, check=True)
        listed = done.stdout.partition("Verbs:\n")[2].partition("\n\n")[0]
        self.assertEqual(sorted(re.findall(r"^  (\S+)", listed, re.M)), sorted(door.VERBS))

    def test_the_door_knows_the_targets(self):
        with open("fuzzers/fuzz_targets.txt", encoding="utf-8") as file:
            self.assertEqual(list(door.known_targets()), file.read().split())

    def test_right_words_do_nothing_when_only_they_are_checked(self):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out")
            built = os.path.abspath("fuzzers")
            for words in (("repro", out), ("minimize", out, "-o", out),
                          ("draft-test", out, "-o", out),
                          ("keep", out, "--cause=a", "--to", folder), ("triage", out),
                          ("corpus", "merge", out, out, "--all"),
                          ("corpus", "prune", "--bin-dir=" + built, out),
                          ("fuzz", "--bin-dir=" + built, "--dir=" + out, "--target=rmap_fuzzer")):
                with self.subTest(words):
                    self.assertEqual(self.check(*words), (0, "", ""))
            self.assertEqual(os.listdir(folder), [])

    def test_wrong_words_are_2_when_only_they_are_checked(self):
        built = "--bin-dir=" + os.path.abspath("fuzzers")
        for words in (("repro",), ("repro", "x", "--until=0"), ("repro", "x", "--memory=0"),
                      ("repro", "x", "--engine=y"), ("minimize", "x"), ("draft-test",),
                      ("minimize", "x", "-o", "y", "--time=z"), ("keep", "x", "--cause=A"),
                      ("triage", "x", "--runs=0"), ("corpus", "frob"),
                      ("corpus", "merge", "x", "y"),
                      ("corpus", "prune", built, "x", "--target=y"),
                      ("fuzz", built, "--time=1ms"), ("fuzz", built, "--weight=x=1"),
                      ("fuzz", built, "--time=1", "--jobs=1"), ("fuzz", built, "--target=x"),
                      ("frob",)):
            with self.subTest(words):
                code, _, err = self.check(*words)
                self.assertEqual((code, err.count("\n")), (2, 1), err)


if __name__ == "__main__":
    unittest.main()

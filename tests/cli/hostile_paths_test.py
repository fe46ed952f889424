"""Every verb that takes a path, with names in it that a shell, an option parser or JSON could take
for something else: nothing is run, and all is as with a plain name.

Each case is run in a folder of its own, once with a plain name and once with each hostile one, by
the same words. Exit codes, files and what is printed must be the same but for the name. The verbs
`gate` and `mutants` need a build, so that only what they draw is here.
"""

import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

from tests.scripts import report_fixture
from tools.bazel_rules import patience
from tools.scripts.mutants import survival_plot
from tools.scripts.oss_fuzz import runner

RMAPDIFF = os.environ.get("RMAPDIFF") or os.path.abspath("tools/cli/rmapdiff")
FAULTY = os.path.abspath("tests/cli/lone/faulty_rmapdiff")  # its engines fail at every operation
MOODY = os.path.realpath("tests/cli/moody_target")
RUN = os.path.abspath("tools/bazel_rules/fuzz_run.sh")
REPORT = (sys.executable, "-B", os.path.abspath("tools/scripts/start.py"),
          "tools.scripts.report.command")

PLAIN = b"plain"
# A name for each kind of reader: the words of a shell, a shell within double quotes, its quotes,
# lines and terminals, options, patterns, formats and escapes. Each command in one leaves PWNED.
HOSTILE = (b"sp  ace;touch PWNED;b", b"x$(touch PWNED)`touch PWNED`y",
           b"q'uote\"s|touch PWNED&touch PWNED&", b"new\ntouch PWNED\nline\tbell\a\xff\xfe\x80",
           b"-dash*?[a-z]~{b}", b"--trace",
           b"back\\slash%n%s{}" + "\N{LATIN SMALL LETTER E WITH ACUTE}".encode())

TINY = "tiny_rmap_fuzzer"
HEADER = "program version=2 limits=tiny reuse=quarantine masks=shadow recycle=exact misuse=no\n"
PROGRAM = HEADER + "alloc_page page=0 level=1 direct=no gfn=0x1 parent=none index=0\n"

# Ends as libFuzzer does with an input that it has found.
FINDS = r"""#!/bin/bash
for word in "$@"; do
  [[ "$word" != -artifact_prefix=* ]] || prefix="${word#*=}"
done
printf '#3\tNEW    cov: 5 ft: 9 corp: 3/9b\n'
artifact="${prefix}crash-00000000000000000000000000000000000000aa"
printf '\1\1\0\0\0\0\0\0' > "$artifact"
echo 'SIGNATURE: rmap-missing/drop/sibling'
echo "Test unit written to $artifact"
exit 77
"""


def program(records, salt=0):
    """Canonical bytes of a program with tiny limits: as many operations, on page `salt`."""
    return b"\2\1\0\0\0\x1d\0\0" + (bytes([0, salt]) + bytes(6)) * records


def spellings(name):
    """How a name may stand in what is printed: raw, Printable, in JSON, and as a shell's word."""
    text = name.decode("utf-8", "replace")
    escaped = json.dumps(text, ensure_ascii=False)[1:-1].encode()
    controls = re.sub(rb"[\0-\x1f\x7f]", lambda one: b"\\x%02x" % one[0][0], name)
    quoted = name.replace(b"'", b"'\\''")
    ansi = re.sub(rb"[\0-\x1f\x7f]", lambda one: b"\\x%02x" % one[0][0],
                  name.replace(b"\\", b"\\\\").replace(b"'", b"\\'"))
    in_json = [json.dumps(one.decode("utf-8", "replace"), ensure_ascii=False)[1:-1].encode()
               for one in (controls, quoted, ansi)]
    ascii_only = json.dumps(text)[1:-1].encode()  # of `run --json`
    found = {name, text.encode(), escaped, controls, quoted, ansi, ascii_only, *in_json}
    return sorted(found, key=len, reverse=True)


def counted(result):
    """Which of two inputs that show the same is kept is libFuzzer's to choose."""
    return (*result[:3], len(result[3]))


class HostileTest(unittest.TestCase):
    """The words and files of a case name the folder as NAME."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = os.fsencode(folder.name)

    # ---- One case ----

    def path(self, *parts):
        return os.path.join(self.folder, *[os.fsencode(part) for part in parts])

    def write(self, path, content, mode=0o644):
        path = self.path(os.fsencode(path).replace(b"NAME", self.name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        os.chmod(path, mode)

    def corpus(self, folder, *contents):
        for one in contents:
            self.write(f"{folder}/{TINY}/{hashlib.sha1(one).hexdigest()}", one)

    def targets(self, script=None):
        """NAME/bin, as //fuzzers is built into, with one target."""
        self.write("NAME/bin/fuzz_targets.txt", TINY + "\n")
        self.write(f"NAME/bin/{TINY}_options.options", "max_len=64\n")
        if script:
            self.write(f"NAME/bin/{TINY}_bin", script, 0o755)
        else:
            os.symlink(MOODY, self.path(self.name, "bin", TINY + "_bin"))

    def run_words(self, words, binary):
        words = [os.fsencode(word).replace(b"NAME", self.name) for word in words]
        environment = {**os.environb, b"TMPDIR": self.path(self.name), b"RMAPDIFF_ROOT":
                       self.path(self.name, "tree")}
        return subprocess.run([*map(os.fsencode, binary), *words], cwd=self.folder,
                              timeout=patience.SECONDS, env=environment, capture_output=True,
                              check=False)

    def tree(self):
        """{path: content} of all files, by the plain name; whatever a clock or chance decides is
        left out."""
        found = {}
        for folder, folders, names in os.walk(self.folder):
            for name in names + folders:
                path = os.path.join(folder, name)
                self.assertNotIn(b"PWNED", name.replace(self.name, b""), path)
                known = os.path.relpath(path, self.folder).replace(self.name, PLAIN)
                found[known] = None
                if os.path.isfile(path) and not re.search(rb"/out/|\.tar$|^plain/bin/", known):
                    with open(path, "rb") as file:
                        found[known] = self.normal(file.read())
        return found

    def normal(self, text):
        text = text.replace(self.folder, b"TOP")
        for spelling in spellings(self.name):
            text = text.replace(spelling, PLAIN)
        # A word that needs quotes has them; one that begins with a dash is led by a folder.
        text = re.sub(rb"\$?'((?:\./)?[^' \n]*plain[^' \n]*)'", rb"\1", text)
        return re.sub(rb"(?<![\w.])\./plain", b"plain", text)

    def run_case(self, name, prepare, words, binary):
        self.name = name
        self.folder = tempfile.mkdtemp(dir=self.top)
        os.mkdir(self.path(name))
        prepare()
        done = self.run_words(words, binary)
        self.assertNotIn(b"internal error", done.stderr)
        if "--json" in words:
            json.loads(done.stdout)
        if re.search(rb"[\0-\x1f]", name):  # they drive a terminal, and one line is one line
            self.assertNotIn(name, done.stdout + done.stderr)
        return done.returncode, self.normal(done.stdout), self.normal(done.stderr), self.tree()

    def same(self, prepare, *words, code=0, binary=(RMAPDIFF,), normal=lambda result: result,
             names=HOSTILE):
        """Runs the words with each name; returns what is the same of all."""
        plain = normal(self.run_case(PLAIN, prepare, words, binary))
        self.assertEqual(plain[0], code, plain)
        for name in names:
            with self.subTest(name=name, words=words):
                self.assertEqual(normal(self.run_case(name, prepare, words, binary)), plain)
        return plain

    # ---- Programs ----

    def a_program(self):
        self.write("NAME/a.ops", PROGRAM)
        self.write("NAME/bytes", program(2))
        self.write("NAME/tree/corpus/tiny_rmap_fuzzer/.keep", "")
        self.write("NAME/tree/corpus/regressions/.keep", "")

    def test_run_and_show(self):
        for words in (["run"], ["run", "--json"], ["run", "--trace"], ["show"]):
            self.same(self.a_program, *words, "--", "NAME/a.ops")
        self.same(self.a_program, "run", "--", "NAME/a.ops", "NAME/bytes")
        for words in (["run"], ["run", "--json"]):
            _, output, _, _ = self.same(self.a_program, *words, "--", "NAME/a.ops", code=1,
                                        binary=(FAULTY,))
            self.assertIn(b"plain/a.ops", output)

    def test_what_is_wrong_is_one_line(self):
        def bad():
            self.write("NAME/bad.ops", HEADER + "mpa\n")

        for words, code in ((["run", "--", "NAME/bad.ops"], 2), (["show", "--", "NAME/none"], 2),
                            (["run", "--", "NAME"], 2), (["repro", "--", "NAME/none"], 2),
                            (["triage", "--", "NAME/none"], 2), (["status", "--", "NAME"], 2),
                            (["corpus", "stats", "--", "NAME/none"], 2),
                            (["corpus", "prune", "--bin-dir=NAME/none", "--", "NAME"], 2),
                            (["corpus", "pack", "-o", "x", "--", "NAME/none"], 2),
                            (["corpus", "unpack", "--", "NAME/none", "x"], 2),
                            (["graph", "-oNAME", "--", "NAME/bad.ops"], 2),
                            (["fuzz", "--bin-dir=NAME/none", "--dir=NAME/out"], 3),
                            (["assemble", "-oNAME/no/x", "--", "NAME/bad.ops"], 2),
                            (["no such verb NAME"], 2), (["run", "--option=NAME"], 2)):
            result = self.same(bad, *words, code=code)
            self.assertEqual((result[1], result[2].count(b"\n")), (b"", 1), result)

    def test_commands_that_are_printed_may_be_pasted(self):
        for name in (PLAIN, *HOSTILE):
            self.run_case(name, self.a_program, ["show", "--", "NAME/a.ops"], (RMAPDIFF,))
            done = self.run_words(["run", "--", "NAME/a.ops"], (FAULTY,))
            word = re.search(rb"^reproduce:  tools/rmapdiff repro (.*)$", done.stdout, re.M)[1]
            self.write("paste", b"printf %s " + word + b"\n")
            said = subprocess.run(["bash", "paste"], cwd=self.folder, capture_output=True,
                                  check=True).stdout
            self.assertEqual(os.path.normpath(said), name + b"/a.ops")
            self.tree()

    def test_assemble(self):
        result = self.same(self.a_program, "assemble", "-oNAME/out.bin", "--", "NAME/a.ops")
        self.assertIn(b"plain/out.bin", result[3])

    def test_repro(self):
        for words in ([], ["--json"], ["--trace"]):
            result = self.same(self.a_program, "repro", "-k", "1", *words, "--", "NAME/a.ops",
                               code=1, binary=(FAULTY,))
            self.assertIn(b"plain/a.ops", result[1])

    def test_a_debugger_gets_the_file(self):
        def first_words(result):
            stopped = b"rmapdiff::BeforeOperation" in result[1] + result[2]
            return (result[0], stopped, b"no such file" in result[1] + result[2], result[3])

        result = self.same(self.a_program, "repro", "-k", "1", "--gdb", "--", "NAME/a.ops",
                           binary=(FAULTY,), normal=first_words, names=HOSTILE[:3])
        self.assertEqual(result[1:3], (True, False))

    def test_minimize_draft_test_and_keep(self):
        times = re.compile(rb"\d+ runs|\d+(\.\d+)? (s|seconds)\b")

        def without_times(result):
            return (result[0], times.sub(b"N", result[1]), *result[2:])

        result = self.same(self.a_program, "minimize", "-oNAME/out.ops", "--", "NAME/a.ops",
                           binary=(FAULTY,), normal=without_times)
        self.assertIn(b"plain/out.ops", result[3])
        result = self.same(self.a_program, "draft-test", "-oNAME/x_test.cc", "--", "NAME/a.ops",
                           binary=(FAULTY,))
        self.assertIn(b"plain/x_test.cc", result[3])
        for more in ([], ["--to=NAME"]):
            self.same(self.a_program, "keep", "--cause=some", *more, "--", "NAME/a.ops",
                      binary=(FAULTY,))

    def test_triage(self):
        def artifacts():
            self.a_program()
            self.write("NAME/crash-NAME", program(1))
            self.write("NAME/deep/crash-2", program(2))
            for folder, _, names in os.walk(self.folder):
                for name in names:
                    os.utime(os.path.join(folder, name), (0, 0))

        for words in ([], ["--json"]):
            result = self.same(artifacts, "triage", *words, "--", "NAME", code=1, binary=(FAULTY,))
            self.assertIn(b"plain/", result[1])

    def test_graph(self):
        for name in ("NAME/g.dot", "NAME/g.svg"):
            result = self.same(self.a_program, "graph", "-o", "./" + name, "--", "NAME/a.ops")
            self.assertTrue(result[3][os.fsencode(name.replace("NAME", "plain"))])

    # ---- Corpora ----

    def two_corpora(self):
        self.targets()
        self.corpus("NAME/c", *(program(n, salt) for n in range(4) for salt in range(3)))
        self.corpus("NAME/from", program(2, 9), program(5), program(4, 1))
        self.write("NAME/from/tiny_rmap_fuzzer/NAME.bin", program(6))

    def test_merge(self):
        result = self.same(self.two_corpora, "corpus", "merge", "--bin-dir=NAME/bin", "--",
                           "NAME/c", "NAME/from", normal=counted)
        self.assertEqual(result[1], b"tiny_rmap_fuzzer: 2 added, 2 add nothing, 0 were there "
                                    b"already\n")
        self.same(self.two_corpora, "corpus", "merge", "--all", "--", "NAME/new", "NAME/from",
                  "NAME/c")

    def test_prune(self):
        result = self.same(self.two_corpora, "corpus", "prune", "--bin-dir=NAME/bin", "--",
                           "NAME/c", normal=counted)
        self.assertEqual(result[1], b"tiny_rmap_fuzzer: 4 of 10 inputs needed, 80 of 224 bytes\n")
        # The folder itself, and a file in it, by the same name.
        def corpus_of_that_name():
            self.two_corpora()
            shutil.rmtree(self.path(self.name, "c"))
            self.write("NAME/NAME/tiny_rmap_fuzzer/NAME", program(1))
            self.corpus("NAME/NAME", program(1, 1), program(2))

        result = self.same(corpus_of_that_name, "corpus", "prune", "--bin-dir=NAME/bin", "--",
                           "NAME/NAME", normal=counted)
        self.assertIn(b": 2 of 3 inputs needed, ", result[1])

    def test_an_input_that_crashes_is_put_aside(self):
        def crashing():
            self.two_corpora()
            self.corpus("NAME/c", program(13))

        result = self.same(crashing, "corpus", "prune", "--bin-dir=NAME/bin", "--", "NAME/c",
                           code=1, normal=counted)
        self.assertRegex(result[2], rb"\Aplain/c/crashing/tiny_rmap_fuzzer/crash-\w+: crashes ")

    def test_what_a_session_reduces(self):
        def one_target():
            self.two_corpora()
            os.mkdir(self.path(self.name, "incoming"))

        result = self.same(one_target, "--reduce", f"NAME/c/{TINY}", "NAME/work", "NAME/incoming",
                           "1000", "2560", f"NAME/bin/{TINY}_bin", "-timeout=25",
                           normal=lambda result: (result[0], result[1], len(result[3])))
        self.assertEqual(struct.unpack("=3Q", result[1]), (10, 4, 0))

    def test_an_option_that_a_shell_would_read_is_refused(self):
        self.run_case(PLAIN, self.two_corpora, ["ops"], (RMAPDIFF,))
        for option in (b"-x=$(touch PWNED)", b"-x=a b", b"-x=a;b", b"-x=a\nb", b"-x='"):
            done = self.run_words(["--reduce", f"NAME/c/{TINY}", "NAME/work", "NAME", "1000",
                                   "2560", f"NAME/bin/{TINY}_bin", option], (RMAPDIFF,))
            self.assertEqual(done.returncode, 3)
            self.assertRegex(done.stderr, rb"\A.*_bin: has the option '.*', expected letters, "
                                          rb"digits and -_=\.,:/\n\Z")
        self.tree()

    def test_stats_pack_unpack_migrate_and_promote(self):
        for words in ([], ["--json"]):
            self.same(self.two_corpora, "corpus", "stats", *words, "--", "NAME/c")
        result = self.same(self.two_corpora, "corpus", "pack", "-oNAME/c.tar", "--", "NAME/c")
        self.assertIn(b"plain/c.tar", result[3])

        def packed():
            self.two_corpora()
            self.run_words(["corpus", "pack", "-oNAME/c.tar", "--", "NAME/c"], (RMAPDIFF,))

        result = self.same(packed, "corpus", "unpack", "--", "NAME/c.tar", "NAME/new")
        self.assertEqual(result[1], b"plain/new: 10 added, 0 were there already\n")
        self.same(self.two_corpora, "corpus", "migrate", "--", "NAME/c")
        for more in ([], ["--to=NAME/tree/corpus/tiny_rmap_fuzzer"]):
            self.same(self.a_program, "corpus", "promote", "--name=x", *more, "--", "NAME/a.ops")

    # ---- Runs ----

    def test_fuzz(self):
        def kept(result):
            inputs = [path for path in result[3] if b"/out/corpus/tiny_rmap_fuzzer/" in path]
            return (result[0], bool(inputs), result[2].count(b"\n") < 4)

        result = self.same(self.targets, "fuzz", "--bin-dir=NAME/bin", "--dir=NAME/out",
                           "--time=1", "--jobs=1", "--seed=1", normal=kept)
        self.assertTrue(result[1])

    def test_fuzz_with_a_finding(self):
        def findings(result):
            return (result[0], sorted(path for path in result[3] if b"/out/findings/" in path),
                    re.findall(rb"^FINDING .*$", result[1], re.M))

        result = self.same(lambda: self.targets(FINDS), "fuzz", "--bin-dir=NAME/bin",
                           "--dir=NAME/out", "--time=1", "--jobs=1", code=1, normal=findings)
        self.assertEqual(len(result[2]), 1)

    def a_run(self):
        line = {"time": 1000, "run": 1, "elapsed": 60, "jobs": 1, "seed": 1, "final": True,
                "findings": 1, "targets": {TINY: {"execs": 10, "ops": 100, "seconds": 60,
                                                  "coverage": 5, "features": 9, "corpus": 3,
                                                  "corpus_bytes": 99, "findings": 1}}}
        self.write("NAME/run/stats.jsonl", json.dumps(line) + "\n")
        self.write("NAME/run/findings/a-1/finding.json", json.dumps(
            {"signature": "rmap-missing/drop/sibling", "target": TINY, "count": 3, "ops": 4,
             "first_seen": 1000, "last_seen": 2000}))

    def test_status(self):
        ago = re.compile(rb"[\d:]+ ago|age_seconds [\d.e+]+")
        for words in ([], ["--json"], ["--metrics"]):
            result = self.same(self.a_run, "status", *words, "--", "NAME/run",
                               normal=lambda result: (result[0], ago.sub(b"", result[1]),
                                                      *result[2:]))
            self.assertEqual(result[2], b"")

    def test_report(self):
        def a_long_run():
            self.write("NAME/run/.keep", "")
            report_fixture.write(os.fsdecode(self.path(self.name, "run")), names=["a"], lines=3)
            self.write("NAME/stats.json", '{"targets": {}}')
            said = self.run_words(["status", "--history", "--", "NAME/run"], (RMAPDIFF,))
            self.write("NAME/status.json", said.stdout)

        def pages(result):
            page = result[3].get(b"plain/r.html") or b""
            return result[0], page.count(b"<svg"), sorted(result[3]), result[2]

        result = self.same(a_long_run, "-oNAME/r.html", "--status=NAME/status.json",
                           "--corpus-stats=NAME/stats.json", "--", "NAME/run", binary=REPORT,
                           normal=pages)
        self.assertGreater(result[1], 0)
        self.assertEqual(result[3], b"")

    def test_a_run_that_is_not_there_is_one_line(self):
        result = self.same(lambda: None, "-o", "x", "--status=NAME/none", "--", "NAME", code=2,
                           binary=REPORT,
                           normal=lambda result: (*result[:2], result[2].count(b"\n"), result[3]))
        self.assertEqual(result[1:3], (b"", 1))

    def test_the_plot_of_mutants(self):
        for name in HOSTILE:
            folder = os.path.join(tempfile.mkdtemp(dir=self.top), name)
            os.mkdir(folder)
            plot = os.path.join(folder, b"survival.svg")
            survival_plot.write(os.fsdecode(plot), {"`touch PWNED`": [(1.0, True)]}, 60)
            self.assertEqual(os.listdir(folder), [b"survival.svg"])
            self.assertFalse(os.path.exists("PWNED"))

    # ---- Programs of libFuzzer that are not started by rmapdiff ----

    def test_bazel_run_keeps_paths_from_the_shell_of_libfuzzer(self):
        def target():
            self.write("bin", "#!/bin/bash\nprintf '<%s>' \"$@\" >said\n", 0o755)
            self.write("options", "[libfuzzer]\nmax_len=64\n")

        words = ("--name=x", "--binary=bin", "--corpus=seeds", "--options=options",
                 "--fuzzing_output_root=NAME/out")
        result = self.same(target, *words, "-seed=1", binary=(RUN,), normal=lambda result: (
            *result[:2], result[2].count(b"\n"), result[3]))
        self.assertEqual(result[2], 1)
        self.assertIn(b"<-max_len=64><-seed=1><TOP/plain/out/corpus><TOP/seeds>",
                      result[3][b"said"])
        for flag in ("-fork=2", "-jobs=2", "-merge=1", "-set_cover_merge=1", "-minimize_crash=1",
                     "-cleanse_crash=1", "-collect_data_flow=x"):
            for name in (b"plain", b"-dash"):
                self.assertEqual(self.run_case(name, target, [*words, flag], (RUN,))[0], 0)
            for name in (b"sp ace", b"x$(touch PWNED)y", b"new\nline", b"\xff"):
                code, output, errors, _ = self.run_case(name, target, [*words, flag], (RUN,))
                self.assertEqual((code, output, errors.count(b"\n")), (2, b"", 1), errors)

    def test_the_coverage_of_oss_fuzz_is_merged_by_names_of_ours(self):
        for name in HOSTILE:
            out = os.path.join(tempfile.mkdtemp(dir=self.top), name, b"out")
            os.makedirs(out)
            one = runner.Runner(runner.image.Configuration("libfuzzer", "coverage"),
                                os.fsdecode(out), "sources")
            words = one.merge_command("x_fuzzer", one.new_folder())
            for word in words:
                self.assertRegex(word, r"\A[A-Za-z0-9_./=-]+\Z")
            for folder in words[-2:]:
                self.assertTrue(os.path.isdir(os.path.join(out, os.fsencode(folder))))

    # ---- Where the programs themselves are ----

    def test_a_checkout_of_that_name(self):
        def checkout():
            self.a_program()
            os.makedirs(self.path(self.name, "bin/tests"))
            shutil.copy(FAULTY, self.path(self.name, "bin/tests/rmapdiff"))

        def without_the_program(result):
            tree = {path: content for path, content in result[3].items()
                    if path != b"plain/bin/tests/rmapdiff"}
            return (*result[:3], tree)

        script = 'exec "./$1/bin/tests/rmapdiff" repro -k 1 -- "./$1/a.ops"'
        self.same(checkout, "run", "NAME", code=1, normal=without_the_program,
                  binary=("bash", self.script(script)))

    def script(self, text):
        path = os.path.join(self.top, b"script")
        with open(path, "w", encoding="utf-8") as file:
            file.write("shift\n" + text + "\n")
        return path


if __name__ == "__main__":
    unittest.main()

"""A limit of address space (ulimit -v) is an error of the environment: exit code 3, no finding."""

import os
import resource
import unittest

from tests.cli import cli_fixture
from tools.scripts.common import script
from tools.scripts.gate import findings

PROBE = os.path.abspath("fuzzers/probe_bin")
TARGET = os.path.abspath("fuzzers/tiny_rmap_fuzzer_bin")
TINY = "tiny_rmap_fuzzer"

PROGRAM = ("program version=2 limits=tiny reuse=quarantine masks=shadow recycle=exact misuse=no\n"
           "alloc_page page=0 level=1 direct=no gfn=0x1 parent=none index=0\n"
           "map page=0 index=0 gfn=0x2 write=no speculative=no\n")
# Shows a finding: a latent bug that the header puts back.
BUG = ("program version=2 mode=long limits=tiny reuse=quarantine masks=shadow vcpus=1 oos=yes "
       "large=1g log=no oom=no quirk=move_slot_in_place counters=zero second=none protect=none\n"
       "delete_memslot slot=2\n"
       "access vcpu=0 va=0/0/3/0 type=read user=no word=0 value=0\n"
       "move_memslot slot=0 gfn=0x1\n")

GIB = 1 << 30
# Less than the MMUs' host memory; less than a shadow of AddressSanitizer, which fails in one way or
# another by how much less.
NO_HOST_MEMORY = (GIB // 10, GIB)
NO_SHADOW = (GIB, 20 * GIB, 16 * 1024 * GIB, 18 * 1024 * GIB)

# As libFuzzer ends where an allocation fails.
OUT_OF_MEMORY = """#!/bin/sh
for word in "$@"; do
  case "$word" in -artifact_prefix=*) prefix="${word#*=}" ;; esac
done
printf '#3\\tNEW    cov: 5 ft: 13 corp: 3/9b\\n'
echo input > "${prefix}crash-00000000000000000000000000000000000000aa"
echo '==7==ERROR: AddressSanitizer: out of memory: allocator is trying to allocate 0x100 bytes'
echo 'SUMMARY: AddressSanitizer: out-of-memory'
echo "Test unit written to ${prefix}crash-00000000000000000000000000000000000000aa"
exit 1
"""


# A fuzz target that crashes in a merge, and says that it lacks address space.
MOODY = os.path.abspath("tests/cli/moody_target")
MERGE_WITHOUT_SPACE = """#!/bin/bash
echo "==7==ERROR: AddressSanitizer failed to allocate 0x100"
exec -a "$0" {target} "$@"
"""
# A program of 13 operations, at which tests/cli/moody_target.cc aborts.
MOODY_CRASH = bytes([1, 1, 0, 0, 0, 0, 0, 0]) + bytes(8 * 13)


class AddressSpaceTest(cli_fixture.FolderTest):

    def setUp(self):
        super().setUp()
        self.write("a.ops", PROGRAM)
        self.write("found/bug.ops", BUG)
        self.files = self.all_files()

    def all_files(self):
        return sorted(os.path.join(folder, name)
                      for folder, _, names in os.walk(".") for name in names)

    def run_limited(self, limit, *words, probe=""):
        def set_limit():
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        env = {**os.environ, "RMAPDIFF_PROBE": probe} if probe else os.environ
        return self.run_cli(*words, text=True, env=env, preexec_fn=set_limit if limit else None)

    def expect_environment(self, limit, *words, **options):
        done = self.run_limited(limit, *words, **options)
        self.assertEqual(done.returncode, 3, (limit, words, done.stdout, done.stderr))
        self.assertIn("address space", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertEqual(self.all_files(), self.files)

    def real_target(self):
        with open(TARGET, "rb") as file:
            self.fuzz_target(TINY, file.read())

    def fuzz(self, limit):
        return self.run_limited(limit, "fuzz", "--bin-dir=bin", "--dir=run", "--time=2", "--jobs=1")

    PROBING = (["repro", "-k", "1", "found/bug.ops"], ["minimize", "found/bug.ops", "-o", "out"],
               ["draft-test", "found/bug.ops", "-o", "out"],
               ["keep", "a.ops", "--cause=x", "--to=."], ["triage", "-k", "1", "found"])

    # ---- The host memory of the MMUs ----

    def test_verbs_that_run_programs_themselves(self):
        for limit in NO_HOST_MEMORY:
            for words in (["run", "a.ops"], ["run", "--json", "found/bug.ops", "a.ops"],
                          ["corpus", "stats", "a.ops"],
                          ["graph", "a.ops", "--at=1", "-o", "out.dot"]):
                self.expect_environment(limit, *words)

    def test_verbs_that_ask_a_probe(self):
        for limit in NO_HOST_MEMORY:
            for words in (*self.PROBING, ["graph", "found/bug.ops", "-o", "out.dot"]):
                self.expect_environment(limit, *words)

    # ---- The shadow of AddressSanitizer ----

    def test_verbs_that_ask_a_probe_with_sanitizers(self):
        for limit in NO_SHADOW:
            for words in self.PROBING:
                self.expect_environment(limit, *words, probe=PROBE)

    def test_a_probe_that_cannot_even_be_loaded_is_quoted(self):
        self.write("probe", "#!/bin/sh\necho 'libx.so: failed to map\x1b segment' >&2\nexit 127\n")
        os.chmod("probe", 0o755)
        done = self.run_limited(0, *self.PROBING[0], probe=os.path.abspath("probe"))
        self.assertEqual(done.returncode, 3)
        self.assertTrue(done.stderr.endswith("; it said: libx.so: failed to map\\x1b segment\n"))

    def test_without_a_limit_the_finding_is_one(self):
        for probe in ("", PROBE):
            done = self.run_limited(0, *self.PROBING[0], probe=probe)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)

    def test_fuzz_files_nothing(self):
        self.real_target()
        for limit in NO_SHADOW:
            done = self.fuzz(limit)
            self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
            self.assertIn(f"rmapdiff fuzz: {TINY} did not work", done.stderr)
            self.assertEqual(os.listdir("run/findings"), [])
            self.assertEqual(os.listdir("run/incoming/" + TINY), [])

    def test_corpus_verbs_put_nothing_aside(self):
        self.real_target()
        self.write("b.ops", PROGRAM.replace("page=0", "page=1"))
        done = self.run_limited(0, "corpus", "merge", "--all", "corpus", "a.ops")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.files = self.all_files()
        for limit in NO_SHADOW:
            for words in (["merge", "corpus", "b.ops"], ["prune", "corpus"]):
                done = self.run_limited(limit, "corpus", *words, "--bin-dir=bin")
                self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
                self.assertEqual(self.all_files(), self.files)

    def test_an_input_that_lacks_it_in_a_merge_is_no_crash(self):
        self.fuzz_target(TINY, MERGE_WITHOUT_SPACE.format(target=MOODY))
        records = len(MOODY_CRASH) // 8 - 1
        self.write("corpus/" + TINY + "/crash", MOODY_CRASH)
        self.files = self.all_files()
        done = self.run_cli("corpus", "prune", "corpus", "--bin-dir=bin")
        self.assertEqual((records, done.returncode), (13, 3), done.stdout + done.stderr)
        self.assertIn(b"lacks address space, expected a larger limit (ulimit -v)", done.stderr)
        self.assertEqual(self.all_files(), self.files)

    def test_the_gate_makes_no_finding_of_it(self):
        os.makedirs("root/built/tools/cli")
        os.symlink(cli_fixture.RMAPDIFF, "root/built/tools/cli/rmapdiff")
        tool = findings.Tool(os.path.abspath("root"), os.path.abspath("root/built"))
        self.assertNotEqual(tool.repro("found/bug.ops")["signature"], "")
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (GIB, before[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_AS, before)
        with self.assertRaises(script.Failure) as caught:
            tool.repro("found/bug.ops")
        self.assertEqual(caught.exception.code, 3)
        self.assertIn("address space", str(caught.exception))

    # ---- Any allocation ----

    def test_an_allocation_that_fails_is_a_finding_only_where_there_is_no_limit(self):
        self.fuzz_target("one", OUT_OF_MEMORY)
        done = self.fuzz(100 * GIB)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertEqual(os.listdir("run/findings"), [])
        # The input is kept for the user; the next run takes no notice of it.
        kept = ["unjudged-crash-00000000000000000000000000000000000000aa"]
        self.assertEqual(os.listdir("run/incoming/one"), kept)
        done = self.fuzz(0)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertEqual(len(os.listdir("run/findings")), 1)
        self.assertEqual(os.listdir("run/incoming/one"), kept)


if __name__ == "__main__":
    unittest.main()

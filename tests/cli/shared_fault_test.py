"""For a fault that both engines share, reports name the lines that they share, on real programs.

The faults are bugs of 2.6.36 that a program's header puts back, so that the ordinary engine has
them: where each is stands in its source, as the name of its switch.
"""

import json
import os
import subprocess
import tempfile
import unittest

ROOT = os.getcwd()
RMAPDIFF = os.path.join(ROOT, "tools/cli/rmapdiff")
PROBE = os.path.join(ROOT, "fuzzers/probe_bin")
MAPS = ("mmu/sibling_map.h", "legacy_mmu/descriptor_map.h")

HEADER = ("program version=2 mode={mode} limits=tiny reuse=quarantine masks=shadow vcpus=1 oos=yes "
          "large=1g log={log} oom=no quirk={quirk}\n")
STALE = HEADER.format(mode="pae", log="yes", quirk="keep_stale_child") + """\
access vcpu=0 va=0/1/0/1 type=read user=no word=0 value=0
set_gpte vcpu=0 table=0xc entry=0 gfn=0x0 flags=p via=host
access vcpu=0 va=0/1/0/0 type=read user=no word=0 value=0
"""
# The links are protected by op 3, and the guest sees it at op 4.
LINKS = HEADER.format(mode="tdp", log="no", quirk="protect_links") + """\
self_map vcpu=0 table=0x0 entry=0 va=0/0/0/0
access vcpu=0 va=0/0/2/0 type=read user=no word=0 value=0
log_dirty slot=0 on=no
set_gpte vcpu=0 table=0x0 entry=0 gfn=0x0 flags=- via=guest
"""
DIRTY = HEADER.format(mode="32bit", log="no", quirk="log_forgets_dirty_frames") + """\
access vcpu=0 va=0/0/0/0 type=write user=no word=0 value=0
log_dirty slot=0 on=no
"""


def switch(file, quirk):
    """The line of a source at which the bug is put back."""
    with open(os.path.join(ROOT, file), encoding="utf-8") as source:
        return next(number for number, line in enumerate(source, 1) if "quirks." + quirk in line)


class SharedFaultTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def repro(self, program, *words):
        path = os.path.join(self.folder, "a.ops")
        with open(path, "w", encoding="utf-8") as file:
            file.write(program)
        done = subprocess.run([RMAPDIFF, "repro", "-k", "1", *words, path], check=False,
                              env=dict(os.environ, RMAPDIFF_PROBE=PROBE, RMAPDIFF_ROOT=ROOT),
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        return done.stdout

    def code(self, program, *words):
        answer = json.loads(self.repro(program, "--json", *words))
        self.assertEqual(answer["reproduced"], 1)
        return answer

    def assert_leads_to(self, program, signature, function):
        """The lines of that function that are among the first three places."""
        answer = self.code(program)
        self.assertEqual(answer["signature"], signature)
        self.assertTrue(answer["code"])
        for line in answer["code"]:
            self.assertRegex(line["file"], r"\Ammu/(shadow|graph)/")
            self.assertGreaterEqual(line["rank"], 1)
        ranks = [line["rank"] for line in answer["code"]]
        self.assertEqual(ranks, sorted(ranks))
        lines = [line["line"] for line in answer["code"]
                 if line["rank"] <= 3 and line["function"] == function]
        self.assertTrue(lines, answer["code"])
        return lines

    def test_a_bug_of_the_same_operation(self):
        # The check that is left out has no line that ran; the function around it has.
        self.assert_leads_to(STALE, "bug/access/both", "ShadowMmu::FetchIndirect")

    def test_a_bug_of_an_operation_before_the_one_that_sees_it(self):
        lines = self.assert_leads_to(LINKS, "truth/set_gpte/both",
                                     "ShadowMmu::SlotRemoveWriteAccess")
        self.assertIn(switch("mmu/shadow/shadow_mmu_slots.h", "protect_links"), lines)

    def test_something_that_was_left_out(self):
        lines = self.assert_leads_to(DIRTY, "truth/log_dirty/both",
                                     "ShadowMmu::SlotRemoveWriteAccess")
        self.assertIn(switch("mmu/shadow/shadow_mmu_slots.h", "log_forgets_dirty_frames"), lines)

    def test_with_one_engine_alone_what_the_guest_sees_is_still_not_its_maps_fault(self):
        answer = self.code(LINKS, "--engine=legacy")
        self.assertEqual(answer["signature"], "truth/set_gpte/legacy")
        self.assertTrue(answer["code"])
        self.assertEqual([line for line in answer["code"] if line["file"] in MAPS], [])

    def test_the_text_shows_the_sources_and_says_that_they_are_candidates(self):
        text = self.repro(LINKS)
        self.assertRegex(text, r"\ncandidates in the engine that all maps share, by \d+ programs ")
        self.assertIn("\n  1. ", text)
        self.assertIn("quirks.protect_links) spte &= ~kSpteWritable;", text)
        for file in MAPS:
            self.assertNotIn(file, text)

    def test_without_the_code_it_runs_no_other_program(self):
        self.assertNotIn("candidates", self.repro(LINKS, "--no-code"))
        self.assertEqual(self.code(LINKS, "--no-code")["code"], [])

    def test_twice_it_is_the_same(self):
        self.assertEqual(self.code(LINKS)["code"], self.code(LINKS)["code"])


if __name__ == "__main__":
    unittest.main()

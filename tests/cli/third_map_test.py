"""Reports show the code, the place and the crashes of a third map, as of the first two.

The suite knows the map only by its line in the table of engines (third_map_engines.cc).
"""

import json
import os
import subprocess
import tempfile
import unittest

ROOT = os.getcwd()
RMAPDIFF = os.path.join(ROOT, "tests/cli/third_map_rmapdiff")
PROBE = os.path.join(ROOT, "tests/cli/third_map_probe")
SOURCE = "tests/power/faulty_maps.h"

HEADER = "program version=2 limits=tiny reuse=quarantine masks=shadow recycle=exact misuse=no\n"
# The tail of a list is lost when an entry before it goes.
LOST_TAIL = HEADER + """\
alloc_page page=3 level=1 direct=no gfn=0x0 parent=none index=0
alloc_page page=5 level=1 direct=no gfn=0x0 parent=none index=0
map page=5 index=0 gfn=0x12 write=no speculative=no
map page=3 index=7 gfn=0x12 write=no speculative=no
map page=3 index=6 gfn=0x12 write=no speculative=no
drop page=3 index=7 notrap=no
"""
# The second descriptor of a list is freed and still linked; the next walk of the list reads it.
READ_AFTER_FREE = HEADER + "alloc_page page=3 level=1 direct=no gfn=0x0 parent=none index=0\n" + \
    "".join(f"map page=3 index={i} gfn=0x12 write=no speculative=no\n" for i in range(5)) + \
    "drop page=3 index=4 notrap=no\n"


class ThirdMapTest(unittest.TestCase):

    def repro(self, program, *words):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "a.ops")
        with open(path, "w", encoding="utf-8") as file:
            file.write(program)
        done = subprocess.run([RMAPDIFF, "repro", "-k", "1", *words, path], check=False,
                              env=dict(os.environ, RMAPDIFF_PROBE=PROBE, RMAPDIFF_ROOT=ROOT),
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (1, ""), done.stdout)
        return done.stdout

    def test_a_verdict_leads_to_its_lines(self):
        answer = json.loads(self.repro(LOST_TAIL, "--json"))
        self.assertEqual(answer["signature"], "rmap-missing/drop/loser")
        self.assertEqual(answer["source"], SOURCE)
        self.assertEqual(answer["engines"]["loser"], SOURCE)
        functions = {line["function"] for line in answer["code"] if line["first"]}
        self.assertIn("LostTail::Remove", functions)
        self.assertEqual({line["file"] for line in answer["code"]}, {SOURCE})

    def test_the_report_shows_them(self):
        text = self.repro(LOST_TAIL)
        self.assertIn(f"\n{SOURCE}, what op 6 ran (* for the first time):\n", text)
        self.assertIn("\n  LostTail::Remove\n", text)
        with open(os.path.join(ROOT, SOURCE), encoding="utf-8") as source:
            self.assertIn("class LostTail : public SiblingMap<L> {", source.read())

    def test_a_map_that_is_not_compared_by_default_shows_its_lines_if_it_is_named(self):
        answer = json.loads(self.repro(LOST_TAIL, "--json", "--maps=legacy,named"))
        self.assertEqual(answer["signature"], "rmap-missing/drop/named")
        self.assertEqual(answer["engines"], {"legacy": "legacy_mmu/descriptor_map.h",
                                             "named": SOURCE})
        self.assertEqual(answer["source"], SOURCE)
        self.assertEqual({line["file"] for line in answer["code"]}, {SOURCE})

    def test_by_default_it_takes_no_part(self):
        answer = json.loads(self.repro(LOST_TAIL, "--json"))
        self.assertEqual(set(answer["engines"]), {"legacy", "loser"})

    def test_a_use_after_free_names_both_the_reader_and_who_freed(self):
        answer = json.loads(self.repro(READ_AFTER_FREE, "--json", "--engine=user"))
        self.assertRegex(answer["signature"], r"\Aasan-use-after-poison/DescriptorMap::\w+/user\Z")
        self.assertEqual(answer["source"], SOURCE)
        reader, freed = answer["report"].split("  memory that was freed by\n")
        self.assertRegex(reader, r" DescriptorMap::\w+ +legacy_mmu/descriptor_map.h:\d+\n")
        self.assertNotIn("FreedDescriptorLinked", reader)
        self.assertRegex(freed, r" Pool::Release +mmu/base/host_memory.cc:\d+\n")


if __name__ == "__main__":
    unittest.main()

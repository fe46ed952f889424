"""The maps as scripts read them are those of the command line, and --maps takes their names."""

import argparse
import json
import os
import subprocess
import unittest
from unittest import mock

from tools.scripts.common import maps

RMAPDIFF = os.path.abspath("tools/cli/rmapdiff")


class MapsTest(unittest.TestCase):

    def test_they_are_those_of_the_command_line(self):
        printed = subprocess.run([RMAPDIFF, "maps", "--json"], check=True, capture_output=True)
        self.assertEqual([one._asdict() for one in maps.known()], json.loads(printed.stdout))

    def test_an_unknown_name_is_refused_with_the_known_ones(self):
        for word in ("lagacy", "legacy,", "", "legacy, sibling"):
            name = [one for one in word.split(",") if one not in ("legacy", "sibling")][0]
            with self.assertRaises(argparse.ArgumentTypeError) as caught:
                maps.names(word)
            self.assertEqual(str(caught.exception), f"no map '{name}', expected one or more of "
                                                    "legacy,sibling,counted")

    def test_what_is_chosen_is_in_the_environment_of_children(self):
        with mock.patch.dict(os.environ, clear=False):
            os.environ.pop(maps.VARIABLE, None)
            self.assertEqual(maps.choose(None), "legacy,sibling")
            self.assertNotIn(maps.VARIABLE, os.environ)
            self.assertEqual(maps.choose("counted,legacy"), "legacy,counted")
            self.assertEqual(os.environ[maps.VARIABLE], "counted,legacy")
            self.assertEqual(maps.choose(None), "legacy,counted")


if __name__ == "__main__":
    unittest.main()

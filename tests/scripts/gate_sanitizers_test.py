"""The gate detects sanitizers that are missing, that only print, or that the environment disables.

The programs are gate_probe.cc, each built with other flags; one is built as fuzz targets are.
"""

import os
import tempfile
import unittest
import unittest.mock as mock

from tools.scripts.gate import machine_code, sanitizers

HERE = os.path.dirname(os.path.abspath(__file__))


class SanitizersTest(unittest.TestCase):

    def problems(self, name, environment=None, **least):
        """What is wrong with a program: of its code, of the two self tests."""
        limits = {"least_asan": 1, "least_ubsan": 1, **least}
        with mock.patch.dict(os.environ, environment or {}):
            cases = sanitizers.check_target(name, os.path.join(HERE, name), **limits)
        self.assertEqual(len(cases), 3)
        return [case.problem for case in cases]

    def test_as_fuzz_targets_are_built_nothing_is_wrong(self):
        self.assertEqual(self.problems("gate_probe_good"), ["", "", ""])

    def test_without_any_sanitizer(self):
        code, address, undefined = self.problems("gate_probe_plain")
        self.assertIn("no AddressSanitizer: 0 checks", code)
        self.assertIn("the address sanitizer is missing", address)
        self.assertIn("the undefined sanitizer is missing", undefined)

    def test_without_address_sanitizer(self):
        code, address, undefined = self.problems("gate_probe_ubsan")
        self.assertIn("no AddressSanitizer", code)
        self.assertIn("the address sanitizer is missing", address)
        self.assertEqual(undefined, "")

    def test_without_undefined_behavior_sanitizer(self):
        code, address, undefined = self.problems("gate_probe_asan")
        self.assertIn("no UBSan: 0 fatal checks", code)
        self.assertEqual(address, "")
        self.assertIn("the undefined sanitizer is missing", undefined)

    def test_undefined_behavior_that_is_only_printed(self):
        code, address, undefined = self.problems("gate_probe_recoverable")
        self.assertRegex(code, r"UBSan is recoverable: \d+ calls that go on, __ubsan_handle_")
        self.assertEqual(address, "")
        self.assertIn("the undefined sanitizer sees a fault and the program", undefined)

    def test_one_part_that_goes_on_is_enough(self):
        code, address, undefined = self.problems("gate_probe_partly_recoverable")
        self.assertIn("UBSan is recoverable", code)
        self.assertEqual((address, undefined), ("", ""))

    def test_a_runtime_without_checks_in_the_code_is_none(self):
        code, _, _ = self.problems("gate_probe_good", least_asan=sanitizers.LEAST_ASAN)
        self.assertRegex(code, r"no AddressSanitizer: \d+ checks, expected 1000 at least")

    def test_an_environment_that_hides_findings(self):
        code, address, undefined = self.problems("gate_probe_good",
                                                 {"ASAN_OPTIONS": "exitcode=0"})
        self.assertEqual(code, "")
        self.assertEqual(address, "the address sanitizer sees a fault and the program ends with 0")
        self.assertEqual(undefined,
                         "the undefined sanitizer sees a fault and the program ends with 0")

    def test_what_is_no_program_cannot_be_seen_into(self):
        with tempfile.NamedTemporaryFile(suffix="_bin") as file:
            file.write(b"#!/bin/sh\n")
            file.flush()
            with self.assertRaisesRegex(machine_code.NotReadable, "no 64-bit ELF program"):
                machine_code.count_calls(file.name, lambda name: True)


if __name__ == "__main__":
    unittest.main()

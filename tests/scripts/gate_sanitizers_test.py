"""The gate sees sanitizers that are missing, that go on, and that were switched off from outside.

The programs are gate_probe.cc, each built with other flags; one is built as fuzz targets are.
"""

import hashlib
import os
import subprocess
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


class SameCodeTest(unittest.TestCase):
    """Two programs from texts of one name, instrumented as fuzz targets are."""

    SOURCE = """int Sum(const int* values, int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += values[i] << i;
  return sum;
}
int main(int argc, char**) {
  const int values[] = {1, 2, argc};
  return Sum(values, argc);
}
"""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.before = cls.compiled(cls.SOURCE)

    @classmethod
    def compiled(cls, text):
        source = os.path.join(cls.folder.name, "a.cc")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        program = os.path.join(cls.folder.name, hashlib.sha1(text.encode()).hexdigest())
        subprocess.run(["clang++-19", "-O2", "-gline-tables-only", "-fPIE", "-pie",
                        "-fsanitize=address,undefined", "-fno-sanitize-recover=all", source, "-o",
                        program], check=True)
        return program

    def is_same(self, text):
        return machine_code.is_same_code(self.before, self.compiled(text))

    def test_comments_and_layout(self):
        commented = self.SOURCE.replace("  int sum", "\n// A remark.\n      int sum")
        self.assertTrue(self.is_same(commented))
        self.assertTrue(self.is_same(self.SOURCE.replace("sum += values", "sum  +=   values")))

    def test_code_a_constant_or_a_line_that_code_depends_on(self):
        for old, new in (("sum += values", "sum -= values"), ("{1, 2, argc}", "{1, 3, argc}"),
                         ("return sum;", "return sum + __LINE__;"),
                         ("int sum = 0;", "unsigned sum = 0;")):
            with self.subTest(new):
                self.assertFalse(self.is_same(self.SOURCE.replace(old, new)))
        lines = self.SOURCE.replace("return sum;", "return sum + __LINE__;")
        self.assertFalse(machine_code.is_same_code(self.compiled(lines),
                                                   self.compiled("\n" + lines)))

    def test_what_is_no_program_is_told(self):
        with self.assertRaises(machine_code.NotReadable):
            machine_code.is_same_code(self.before, __file__)


if __name__ == "__main__":
    unittest.main()

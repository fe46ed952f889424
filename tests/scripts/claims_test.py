"""The promises of `tools/claims`: a figure is the measured one, a verdict follows its figure, and a
document is written as a whole or not at all.

Samples and dumps are made by hand; a measurement of made-up maps stands in for a real one.
"""

import contextlib
import copy
import io
import json
import os
import shutil
import tempfile
import unittest
from unittest import mock

from tools.scripts.claims import (claims, document, figures, measure, plots, results as results_lib,
                                  tables, verdicts)

LENGTHS = (1, 2, 4, 5, 8, 16, 64, 256, 1000)


class FiguresTest(unittest.TestCase):

    def test_a_spread_is_the_median_and_the_quartiles(self):
        self.assertEqual(figures.spread([5, 1, 4, 2, 3]), figures.Spread(3, 2, 4))
        self.assertEqual(figures.spread([7.0]), figures.Spread(7.0, 7.0, 7.0))

    def test_a_ratio_is_taken_repetition_by_repetition(self):
        # The machine is three times slower in the second one: the ratio does not notice.
        self.assertEqual(figures.ratio([10, 30, 10], [5, 15, 5]), figures.Spread(2, 2, 2))
        with self.assertRaisesRegex(ValueError, "2 samples over 1"):
            figures.ratio([1, 2], [1])

    def test_an_exponent_is_the_slope_on_log_axes(self):
        self.assertAlmostEqual(figures.exponent([(n, 3 * n * n) for n in LENGTHS]), 2)
        self.assertAlmostEqual(figures.exponent([(n, 0.5 * n) for n in LENGTHS]), 1)
        self.assertAlmostEqual(figures.exponent([(n, 7) for n in LENGTHS]), 0)

    def test_numbers_have_three_digits_that_count(self):
        for value, text in ((0, "0"), (0.01234, "0.0123"), (1.234, "1.23"), (12.34, "12.3"),
                            (123.4, "123"), (1234, "1,230"), (17868, "17,900")):
            self.assertEqual(figures.number(value), text)

    def test_units_suit_their_values(self):
        self.assertEqual(figures.duration(1.5e-8), "15.0 ns")
        self.assertEqual(figures.duration(0.0025), "2.50 ms")
        self.assertEqual(figures.size(512), "512 B")
        self.assertEqual(figures.size(3 << 19), "1.50 MiB")
        self.assertEqual(figures.times(0.0316), "0.03x")
        self.assertEqual(figures.times(209.4), "209x")
        self.assertEqual(figures.times_spread(figures.Spread(1, 0.9, 1.1)), "1.00x (0.90..1.10)")


def benchmark(name, repetition, time, unit="ns", **more):
    return {"name": name, "run_type": "iteration", "repetition_index": repetition,
            "real_time": time, "time_unit": unit, **more}


class ReadTest(unittest.TestCase):

    def test_samples_come_in_the_order_of_their_repetitions(self):
        times = measure.read_times({"benchmarks": [
            benchmark("add/legacy/packed/4/iterations:1/manual_time", 1, 20),
            benchmark("add/legacy/packed/4/iterations:1/manual_time", 0, 10),
            benchmark("boot/legacy/iterations:1/manual_time", 0, 2, "ms"),
            benchmark("fit/add/legacy/packed/4/min_time:0.002/repeats:1", 0, 99),
            {"name": "add/legacy/packed/4_mean", "run_type": "aggregate"}]})
        self.assertEqual(times, {"add": {"legacy": {"packed": {"4": [1e-8, 2e-8]}}},
                                 "boot": {"legacy": {"": {"0": [2e-3]}}}})

    def test_a_workload_that_went_wrong_is_a_failure(self):
        with self.assertRaisesRegex(measure.Failure, "boot/legacy: the guest"):
            measure.read_times({"benchmarks": [benchmark(
                "boot/legacy", 0, 1, error_occurred=True, error_message="the guest met")]})

    def test_curves_are_those_of_complexity(self):
        fits = measure.read_fits({"benchmarks": [
            {"name": "fit/traverse/legacy/packed/min_time:0.002/repeats:1_BigO",
             "aggregate_name": "BigO", "big_o": "N^2"},
            {"name": "fit/traverse/legacy/packed/min_time:0.002/repeats:1_RMS",
             "aggregate_name": "RMS"}]})
        self.assertEqual(fits, {"traverse/legacy/packed": "N^2"})

    def test_a_dump_belongs_to_the_call_of_its_number(self):
        steps = measure.read_steps(["add legacy 4 2", "boot legacy 0 10"],
                                   ["events: Ir\nsummary: 30\n", "totals: 500\n"])
        self.assertEqual(steps, {"add": {"legacy": {"4": 15}}, "boot": {"legacy": {"0": 50}}})
        with self.assertRaisesRegex(measure.Failure, "1 dumps of 2 calls"):
            measure.read_steps(["a legacy 1 1", "b legacy 1 1"], ["summary: 1"])
        with self.assertRaisesRegex(measure.Failure, "without a summary"):
            measure.read_dump("events: Ir\n")

    def test_lines_of_code_are_neither_blank_nor_comments_nor_of_the_preprocessor(self):
        text = "// what\n#include <a>\n\nint a;  // why\n  // because\nint b;\n"
        self.assertEqual(measure.count_lines(text), 2)

    def test_functions_are_those_of_pmccabe(self):
        text = "3\t4\t2\t57\t14\tmmu/map.h(58): rmapdiff::Map::Add\n"
        self.assertEqual(measure.read_functions(text),
                         [{"name": "Add", "complexity": 4, "first": 57, "lines": 14}])

    def test_the_audits_of_a_map_do_not_count(self):
        text = "int Add() {\n}\nint AuditRmap() {\n  return 0;\n}\nint Count() {\n}\n"
        functions = [{"name": name, "complexity": 1, "first": first, "lines": lines}
                     for name, first, lines in (("Add", 1, 2), ("AuditRmap", 3, 3),
                                                ("Count", 6, 2))]
        left, counted = measure.without_audits(text, functions)
        self.assertEqual(left, "int Add() {\n}\nint Count() {\n}")
        self.assertEqual([one["name"] for one in counted], ["Add", "Count"])

    def test_a_program_that_fails_says_why(self):
        with self.assertRaisesRegex(measure.Failure, "python3: exit code 1: broken"):
            measure.run(["python3", "-c", "import sys; sys.exit('broken')"])
        with self.assertRaisesRegex(measure.Failure, "cannot be run"):
            measure.run(["/no/such/program"])


def cost(case, of_map, n):
    """Instructions of a made-up map: what the complexities of both say."""
    if case == "traverse":
        return 3 * n * n if of_map == "legacy" else 15 * n
    if case == "add":
        return {"legacy": 300 + 2 * n, "sibling": 300 + 17 * n, "counted": 300}[of_map]
    return 100 + 10 * n


def memory_row(pages, objects):
    return {"pages": pages * 8192, "headers": 160 * pages, "objects": objects,
            "bytes": pages * 8352 + objects, "object_count": objects // 40, "peak_objects": 0,
            "shadow_pages": pages, "mappings": 64 * pages}


def made_up_facts(of_map):
    objects = 4000 if of_map == "legacy" else 0
    pages = 100 if of_map == "legacy" else 150  # of the same number of shadow pages
    row = memory_row(pages, objects)
    return {
        "memory": {
            "fill": [{**row, "n": n, "fill": fill} for n in (1, 2, 4) for fill in (64, 512)],
            "parents": [{**row, "parents": 2}],
            "idle_guest": [{**row, "fill": fill} for fill in (512, 64)],
            "tdp_guest": memory_row(pages, 0),
            "fragments": {"added": 400, "left": 100, "bytes_full": objects, "bytes_left": objects}},
        "lock": {
            "taken": [{"workload": "boot", "what": "read", "operations": 10, "objects": objects,
                       "operations_with": 0, "worst": 1, "pages": 3}],
            "peaks": {"boot": {"objects": objects, "bytes": objects}},
            "store_bursts": [{"wanted": 16, "done": 15 if objects else 16, "taken": objects // 1000,
                              "bug": "cache_empty" if objects else ""}]}}


def made_up():
    """A complete measurement of maps that keep every promise that can be kept."""
    layouts = {"packed": 1e-9, "scattered": 4e-9}
    times = {case: {name: {layout: {str(n): [cost(case, name, n) * unit] * 3 for n in LENGTHS}
                           for layout, unit in layouts.items()} for name in results_lib.MAPS}
             for case in tables.CASES}
    steps = {case: {name: {str(n): cost(case, name, n) for n in LENGTHS}
                    for name in results_lib.MAPS} for case in tables.CASES}
    for case in tables.GUESTS:
        times[case] = {name: {"": {"0": [1e-3, 1.1e-3, 1.2e-3]}} for name in results_lib.MAPS}
        steps[case] = {name: {"0": 5000} for name in results_lib.MAPS}
    functions = {"legacy": 8, "sibling": 4, "counted": 2}
    return {
        "format": claims.FORMAT, "repetitions": 3,
        "machine": {"processor": "a processor", "cores": 2, "compiler": "a compiler"},
        "times": times, "steps": steps, "fits": {"traverse/legacy/packed": "N^2"},
        "sizes": {name: {"path": f"{name}.h", "lines": 30 * worst, "functions": [
            {"name": "Add", "complexity": worst, "lines": 9}]}
                  for name, worst in functions.items()},
        "facts": {"maps": {name: made_up_facts(name) for name in results_lib.MAPS},
                  "break_even": [{"map": "sibling", "n": n, "fill": 0 if n == 1 else 205}
                                 for n in (1, 2, 3, 4, 5, 6, 8, 16)]}}


def verdict(raw, claim):
    return getattr(verdicts, claim)(results_lib.Results(raw)).verdict


class VerdictTest(unittest.TestCase):
    """Each verdict follows its figure: whatever is turned round, turns the verdict round."""

    def setUp(self):
        self.raw = made_up()

    def test_promises_that_are_kept_hold(self):
        for claim in ("size", "simple", "rmap_next", "traversal", "interlayer", "allocation",
                      "memory", "fault_path"):
            self.assertEqual(verdict(self.raw, claim), verdicts.HOLDS, claim)

    def test_an_add_that_counts_does_not_hold(self):
        self.assertEqual(verdict(self.raw, "counting"), verdicts.NOT)
        self.raw["times"]["add"]["sibling"] = self.raw["times"]["add"]["counted"]
        self.assertEqual(verdict(self.raw, "counting"), verdicts.HOLDS)

    def test_fast_holds_in_part_if_some_functions_are_slower(self):
        self.assertEqual(verdict(self.raw, "fast"), verdicts.PART)
        self.raw["times"]["add"]["sibling"] = self.raw["times"]["add"]["counted"]
        for layout in self.raw["times"]["traverse"]["legacy"].values():
            layout["1"] = [1e-6] * 3  # or the made-up list would be slower there
        self.assertEqual(verdict(self.raw, "fast"), verdicts.HOLDS)
        self.raw["times"]["traverse"]["sibling"] = self.raw["times"]["traverse"]["legacy"]
        self.raw["times"]["add"]["sibling"] = self.raw["times"]["add"]["legacy"]
        self.assertEqual(verdict(self.raw, "fast"), verdicts.NOT)

    def test_more_lines_and_more_complexity_do_not_hold(self):
        sizes = self.raw["sizes"]
        sizes["legacy"], sizes["sibling"] = sizes["sibling"], sizes["legacy"]
        self.assertEqual(verdict(self.raw, "size"), verdicts.NOT)
        self.assertEqual(verdict(self.raw, "simple"), verdicts.PART)

    def test_the_wrong_exponent_does_not_hold(self):
        steps = self.raw["steps"]["traverse"]
        steps["sibling"] = {n: int(n) ** 1.3 for n in steps["sibling"]}
        self.assertEqual(verdict(self.raw, "traversal"), verdicts.NOT)
        steps["sibling"] = steps["legacy"]
        self.assertEqual(verdict(self.raw, "rmap_next"), verdicts.NOT)

    def test_an_object_that_is_left_or_taken_does_not_hold(self):
        sibling = self.raw["facts"]["maps"]["sibling"]
        sibling["memory"]["idle_guest"][1]["object_count"] = 1
        self.assertEqual(verdict(self.raw, "interlayer"), verdicts.NOT)
        sibling["lock"]["taken"][0]["objects"] = 1
        self.assertEqual(verdict(self.raw, "allocation"), verdicts.NOT)

    def test_a_burst_that_ends_in_a_bug_does_not_hold(self):
        self.raw["facts"]["maps"]["sibling"]["lock"]["store_bursts"][0]["bug"] = "cache_empty"
        self.assertEqual(verdict(self.raw, "allocation"), verdicts.NOT)

    def test_a_fault_path_that_differs_is_seen(self):
        self.raw["times"]["fault_single"]["legacy"][""]["0"] = [2e-3] * 3
        self.assertEqual(verdict(self.raw, "fault_path"), verdicts.NOT)

    def test_break_even_by_arithmetic(self):
        self.assertIsNone(results_lib.predicted_break_even(1))
        self.assertAlmostEqual(results_lib.predicted_break_even(2), 204.8)
        self.assertAlmostEqual(results_lib.predicted_break_even(5), 256)


class DocumentTest(unittest.TestCase):

    TEXT = "a\n<!-- claims:begin: one -->\nold\n<!-- claims:end -->\nb\n"

    def test_only_what_is_between_the_markers_changes(self):
        filled = document.fill(self.TEXT, {"one": "new"})
        self.assertEqual(filled, self.TEXT.replace("old", "new"))
        self.assertEqual(document.fill(filled, {"one": "new"}), filled)

    def test_parts_must_be_those_of_the_document(self):
        for parts in ({}, {"two": "x"}, {"one": "x", "two": "x"}):
            with self.assertRaises(claims.Failure):
                document.fill(self.TEXT, parts)
        with self.assertRaisesRegex(claims.Failure, "does not end"):
            document.fill(self.TEXT + "<!-- claims:begin: three -->\n", {"one": "x"})


class CommandTest(unittest.TestCase):
    """The command on a copy of the documents, without a measurement and without gnuplot."""

    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)
        shutil.copytree("docs", os.path.join(self.root, "docs"))
        self.report = os.path.join(self.root, "report")
        os.mkdir(self.report)
        self.save(made_up())
        self.scripts = []

    def save(self, raw):
        with open(os.path.join(self.report, "results.json"), "w", encoding="utf-8") as file:
            json.dump(raw, file)

    def gnuplot(self, command, **options):
        self.assertEqual(command, ["gnuplot", "-"])
        self.scripts.append(options["input"])
        output = options["input"].split('set output "', 1)[1].split('"', 1)[0]
        with open(output, "w", encoding="utf-8") as file:
            file.write("<svg/>\n")

    def run_claims(self, *words):
        out = io.StringIO()
        with mock.patch.object(claims, "ROOT", self.root), \
                mock.patch.object(measure, "run", self.gnuplot), \
                contextlib.redirect_stdout(out):
            try:
                return claims.main(["--dir", self.report, *words]), out.getvalue(), ""
            except claims.Failure as failure:
                return failure.code, out.getvalue(), str(failure)

    def documents(self):
        texts = {}
        for folder, _, names in os.walk(os.path.join(self.root, "docs")):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as file:
                    texts[os.path.relpath(path, self.root)] = file.read()
        return texts

    def test_rendering_fills_every_part_and_twice_is_once(self):
        code, out, _ = self.run_claims("--render")
        self.assertEqual(code, 0)
        self.assertEqual(out.count("\n"), 2 * len(verdicts.CLAIMS))
        first = self.documents()
        self.assertIn("| a processor |".strip("| "), first["docs/claims.md"])
        self.assertIn("| `traverse` | packed |", first["docs/claims/all_figures.md"])
        self.assertEqual(len(self.scripts), len(plots.PLOTS))
        self.run_claims("--render")
        self.assertEqual(self.documents(), first)

    def test_printing_changes_no_document(self):
        before = self.documents()
        self.assertEqual(self.run_claims("--render", "--print")[0], 0)
        self.assertEqual(self.documents(), before)

    def test_every_plot_is_of_its_data(self):
        self.run_claims("--render")
        traverse = next(script for script in self.scripts if "rmap\\\\_next" in script)
        self.assertIn("1000 1.2e+07 1.2e+07 1.2e+07", traverse)  # 3 * 1000^2, 4 ns each
        memory = next(script for script in self.scripts if "break-even" in script)
        self.assertIn("predicted 204.8\\nmeasured 205", memory)

    def test_a_plot_that_fails_leaves_everything_as_it_was(self):
        before = self.documents()
        with mock.patch.object(plots, "draw", side_effect=claims.Failure(
                claims.FAILED, "gnuplot has failed")):
            code, _, err = self.run_claims("--render")
        self.assertEqual(code, claims.FAILED)
        self.assertEqual("gnuplot has failed", err)
        self.assertEqual(self.documents(), before)

    def test_results_of_somebody_else_are_refused(self):
        for raw in ({"format": "other"}, []):
            self.save(raw)
            code, _, err = self.run_claims("--render")
            self.assertEqual(code, claims.USAGE)
            self.assertIn(f"expected format {claims.FORMAT}", err)
        os.remove(os.path.join(self.report, "results.json"))
        self.assertEqual(self.run_claims("--render")[0], claims.USAGE)

    def test_damaged_results_are_refused_and_nothing_is_written(self):
        before = self.documents()
        with open(os.path.join(self.report, "results.json"), encoding="utf-8") as file:
            whole = json.load(file)
        for key in sorted(set(whole) - {"format", "repetitions"}):
            for value in (None, 7, [], {}, "x"):
                self.save({**whole, key: value})
                code, _, err = self.run_claims("--render")
                if code == 0:  # what is not asked for does no harm
                    before = self.documents()
                    continue
                self.assertEqual(code, claims.USAGE, (key, value, err))
                self.assertIn("is damaged, expected results as tools/claims writes them", err)
                self.assertEqual(self.documents(), before)
        path = os.path.join(self.report, "results.json")
        for content in ("[" * 100000, "{", "\xff"):
            with open(path, "w", encoding="latin-1") as file:
                file.write(content)
            self.assertEqual(self.run_claims("--render")[0], claims.USAGE)
        os.remove(path)
        os.mkfifo(path)
        self.assertEqual(self.run_claims("--render")[0], claims.USAGE)

    def test_wrong_options_are_refused(self):
        for words in (["--repetitions", "0"], ["--repetitions", "many"], ["--bogus"]):
            self.assertEqual(self.run_claims(*words)[0], claims.USAGE)

    def test_a_document_without_a_place_for_a_part_is_refused(self):
        path = os.path.join(self.root, "docs/claims.md")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("claims:begin: sizes", "claims:begin: sizen"))
        before = self.documents()
        code, _, err = self.run_claims("--render")
        self.assertEqual(code, claims.FAILED)
        self.assertIn("size", err)
        self.assertEqual(self.documents(), before)


class RepositoryTest(unittest.TestCase):

    def test_the_documents_have_been_filled(self):
        found = []
        for path in claims.DOCUMENTS:
            with open(path, encoding="utf-8") as file:
                text = file.read()
            parts = document.PART.findall(text)
            found += [name for _, name, _, _ in parts]
            for _, name, content, _ in parts:
                self.assertGreater(len(content), 40, f"{path}: {name} is empty")
        self.assertEqual(sorted(found), sorted(tables.PARTS))

    def test_made_up_results_are_not_changed_by_reading_them(self):
        raw = made_up()
        kept = copy.deepcopy(raw)
        for make in tables.PARTS.values():
            make(results_lib.Results(raw))
        self.assertEqual(raw, kept)


if __name__ == "__main__":
    unittest.main()

"""`rmapdiff report`: each part by itself, and the command on folders good, bad and hostile."""

import contextlib
import html.parser
import io
import json
import os
import re
import stat
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

from tests.scripts import report_fixture
from tools.scripts.common.script import ROOT, USAGE, Failure
from tools.scripts.report import (axes, command, corpus_stats, figure, history, markup, mutation,
                                  run_folder, series, words)


RMAPDIFF = os.path.abspath("tools/cli/rmapdiff")


def point(elapsed, run=1, **figures):
    return history.Sample(1000.0 + elapsed, run, elapsed, 2, 7, {"t": figures}, 0, False)


class FolderTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.run_path = os.path.join(folder.name, "out")

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path


class MarkupTest(unittest.TestCase):

    def test_text_is_escaped_in_elements_and_attributes_and_html_is_not_escaped_twice(self):
        inner = markup.element("b", "a < b & c")
        self.assertEqual(inner, "<b>a &lt; b &amp; c</b>")
        self.assertEqual(markup.element("p", inner, title='"<>', class_=None),
                         '<p title="&quot;&lt;&gt;"><b>a &lt; b &amp; c</b></p>')
        self.assertEqual(markup.element("p", title=markup.Html('"')), '<p title="&quot;"></p>')

    def test_what_has_no_place_in_a_page_is_spelled_out(self):
        self.assertEqual(markup.printable("\x1b[31m\u202ea\u2066\ud800\x00\x85\uffff\U0001ffff"),
                         "\\x1b[31m\\u202ea\\u2066\\ud800\\x00\\x85\\uffff\\U0001ffff")
        self.assertEqual(markup.printable("é – \t\n 中 😀"), "é – \t\n 中 😀")

    def test_a_table_names_its_heads_and_has_a_caption(self):
        text = markup.table("C", ["a", "b"], [["x", 1]], foot=["all", 2])
        self.assertIn("<caption>C</caption>", text)
        self.assertIn('<th scope="col">b</th>', text)
        self.assertIn('<th scope="row">x</th><td>1</td>', text)
        self.assertIn('<tfoot><tr><th scope="row">all</th><td>2</td>', text)


class WordsTest(unittest.TestCase):

    def test_numbers(self):
        numbers = {0: "0", 999: "999", 1000: "1k", 1234: "1.23k", 12345: "12.3k", 99960: "100k",
                   999999: "1.00M", 2e9: "2G", 0.25: "0.25", 99.97: "100", None: "–"}
        self.assertEqual({value: words.short(value) for value in numbers}, numbers)
        self.assertEqual([words.short(n, 2) for n in (742, 1234, 45678, 180300, 999999)],
                         ["742", "1.2k", "46k", "180k", "1.0M"])
        self.assertEqual([words.size(n) for n in (0, 1536, 5 << 30)], ["0 B", "1.5 KiB", "5.0 GiB"])

    def test_times(self):
        times = {0: "0 s", 59.4: "59 s", 60: "1 min", 3725: "1 h 2 min", 90000: "1 d 1 h"}
        self.assertEqual({value: words.duration(value) for value in times}, times)
        self.assertEqual(words.date(0), "1970-01-01 00:00 UTC")
        self.assertEqual([words.date(value) for value in (None, 2.0 ** 62)], ["–", "–"])


class SeriesTest(unittest.TestCase):

    def test_a_rate_is_the_difference_over_the_time_and_stands_between(self):
        self.assertEqual(series.rates([(0, 0), (10, 50), (20, 250)]), [(5, 5), (15, 20)])

    def test_a_rate_that_cannot_be_known_is_a_gap(self):
        counts = [(0, 10), (10, 5), (10, 6), (20, None), (30, 7)]
        self.assertEqual([rate for _, rate in series.rates(counts)], [None] * 4)

    def test_a_rate_can_be_by_the_seconds_of_a_process(self):
        self.assertEqual(series.rates([(0, 0), (10, 50)], [(0, 0), (10, 5)]), [(5, 10)])

    def test_the_sum_over_targets_is_of_those_that_say_it(self):
        sample = point(5, execs=3)._replace(targets={"a": {"execs": 3}, "b": {"execs": None}})
        self.assertEqual(series.of_run([sample], "execs"), [(5, 3)])
        self.assertEqual(series.of_run([sample], "ops"), [(5, None)])

    def test_thousands_of_samples_become_few_with_the_first_and_the_last(self):
        samples = [point(i) for i in range(5000)]
        few = series.spread(samples, 100)
        self.assertLessEqual(len(few), 101)
        self.assertGreater(len(few), 90)
        self.assertEqual((few[0], few[-1]), (samples[0], samples[-1]))
        self.assertEqual(series.spread(samples[:7], 100), samples[:7])

    def test_last_growth(self):
        self.assertEqual(series.last_growth([(0, 1), (1, 3), (2, 3), (3, 2), (4, 3)]), 1)
        self.assertIsNone(series.last_growth([(0, None), (1, 3), (2, 3)]))


class AxesTest(unittest.TestCase):

    def test_time_is_told_in_the_unit_that_fits(self):
        self.assertEqual(axes.time_tics(60, 4)[-1], (60, "60 s"))
        self.assertEqual(axes.time_tics(8 * 3600, 8)[1:3], [(1, "1"), (2, "2")])
        self.assertEqual(axes.time_tics(8 * 3600, 4)[-1], (8, "8 h"))
        self.assertEqual(axes.time_tics(3000 * 86400, 8)[-1], (3000, "3k d"))

    def test_values_stand_at_round_steps(self):
        self.assertEqual([at for at, _ in axes.value_tics(42189, 4)], [0, 20000, 40000])
        self.assertEqual([at for at, _ in axes.value_tics(2, 4, whole=True)], [0, 1, 2])


def line(elapsed, **more):
    return {"time": 1, "run": 1, "elapsed": elapsed, "jobs": 1, "seed": 1, "targets": {},
            "findings": 0, **more}


class HistoryTest(unittest.TestCase):

    def take(self, *samples):
        return history.take({"lines": len(samples), "samples": samples})

    def test_time_that_goes_back_is_no_sample(self):
        past = self.take(line(5), line(3), line(6, final=True))
        self.assertEqual([sample.elapsed for sample in past.samples], [5, 6])
        self.assertEqual([sample.final for sample in past.samples], [False, True])

    def test_a_target_stays_when_a_line_does_not_name_it(self):
        past = self.take(line(1, targets={"a": {"execs": 5}}), line(2))
        self.assertEqual(series.of_run(past.samples, "execs"), [(1, 5), (2, 5)])

    def test_a_session_begins_with_its_first_sample(self):
        past = self.take(line(1), line(2), line(3, run=2), line(4, run=2))
        self.assertEqual([sample.elapsed for sample in past.sessions], [1, 3])


class RunFolderTest(FolderTest):

    def finding(self, values, **contents):
        self.write("out/stats.jsonl", "")
        self.write("out/findings/f/finding.json",
                   values if isinstance(values, (bytes, str)) else json.dumps(values))
        for name, content in contents.items():
            self.write(f"out/findings/f/{name}", content)
        return self.read().findings[0]

    def read(self):
        return run_folder.read(self.run_path, run_folder.ask(RMAPDIFF, self.run_path))

    def test_what_is_no_run_is_said_in_one_line(self):
        for path, what in ((self.run_path, "no such folder"), (self.folder, "no such file"),
                           (self.write("file", ""), "is not a folder")):
            with self.assertRaises(Failure) as caught:
                run_folder.ask(RMAPDIFF, path)
            self.assertEqual(caught.exception.code, USAGE)
            self.assertIn(what, str(caught.exception))
            self.assertNotIn("\n", str(caught.exception))

    def test_what_status_says_is_in_the_run(self):
        report_fixture.write(self.run_path, lines=20)
        self.write("out/findings/bad/finding.json", "{")
        run = self.read()
        self.assertEqual((len(run.history.samples), run.history.lines), (21, 21))
        self.assertEqual(len(run.history.sessions), 2)
        self.assertTrue(run.history.samples[-1].final)
        self.assertEqual([(one.kind, one.count, one.minimal == "") for one in run.findings],
                         [("divergence", 3, False), ("sanitizer", 1, False)])
        self.assertEqual(len(run.notes), 1)
        self.assertIn("bad/finding.json: left out", run.notes[0])

    def test_bytes_that_are_no_text_are_spelled(self):
        finding = self.finding({"signature": "s", "report": "r"}, r=b"a\xffb")
        self.assertEqual((finding.report, finding.problems), ("a\\xffb", []))

    def test_a_huge_report_is_shown_from_its_beginning(self):
        finding = self.finding({"signature": "s", "report": "r"},
                               r="x" * (run_folder.LONGEST_TEXT + 1))
        self.assertEqual(len(finding.report), run_folder.LONGEST_TEXT)
        self.assertIn("64 KiB", finding.problems[0])

    def test_a_finding_cannot_name_files_elsewhere(self):
        self.write("out/secret", "secret")
        for name in ("../../secret", "/etc/passwd", "..", "a\0b", 5, ["r"]):
            finding = self.finding({"signature": "s", "report": name})
            self.assertEqual(finding.report, "", name)
        os.symlink("../../secret", os.path.join(self.run_path, "findings", "f", "link"))
        finding = self.finding({"signature": "s", "report": "link"})
        self.assertEqual(finding.report, "")
        self.assertIn("cannot be read", finding.problems[0])

    def test_a_pipe_is_not_waited_for(self):
        os.makedirs(self.run_path)
        os.mkfifo(os.path.join(self.run_path, "stats.jsonl"))
        note, = self.read().notes
        self.assertIn("stats.jsonl: is a pipe", note)

    def test_what_is_no_status_is_said(self):
        for content in ("{}", '{"findings": 5}', "[]", "x"):
            path = self.write("status.json", content)
            with self.assertRaises(Failure) as caught:
                command.main([self.folder, "--status", path])
            self.assertEqual(caught.exception.code, USAGE, content)
            self.assertIn("expected what `rmapdiff status --history` prints",
                          str(caught.exception))


class CorpusStatsTest(FolderTest):

    def stats(self, **values):
        return {"programs": 0, "ops": 0, "unreadable": 0, "outcomes": {}, "rmap_lengths": {},
                "parent_lengths": {}, "program_lengths": {}, **values}

    def test_sums_and_the_order_of_buckets(self):
        values = {"targets": {
            "a": self.stats(programs=2, outcomes={"map": {"ok": 3}},
                            rmap_lengths={"9-16": 1, "2": 5, "17+": 1}),
            "b": self.stats(programs=1, outcomes={"map": {"ok": 1, "bug": 2}, "drop": {"ok": 0}},
                            rmap_lengths={"3-4": 2})}}
        stats = corpus_stats.together(corpus_stats.parse(json.dumps(values), "x"))
        self.assertEqual(stats.programs, 3)
        self.assertEqual(stats.outcomes, {"map": {"ok": 4, "bug": 2}, "drop": {"ok": 0}})
        self.assertEqual(list(stats.rmap_lengths), ["2", "3-4", "9-16", "17+"])

    def test_figures_of_another_form_are_refused(self):
        for values in ({"programs": None}, {"programs": {}}, {"outcomes": {"map": 7}}, {"ops": "x"},
                       {"rmap_lengths": {"odd": 1}}, {"rmap_lengths": {"1": "x"}},
                       {"parent_lengths": []}):
            content = json.dumps({"targets": {"a": self.stats(**values)}})
            with self.assertRaisesRegex(Failure, "x: expected what `rmapdiff corpus stats --json`"):
                corpus_stats.parse(content, "x")

    def ask(self, script):
        path = self.write("rmapdiff", f"#!/bin/sh\n{script}\n")
        os.chmod(path, stat.S_IRWXU)
        os.makedirs(os.path.join(self.run_path, "corpus"), exist_ok=True)
        return corpus_stats.ask(path, os.path.join(self.run_path, "corpus"))

    def test_the_command_line_is_asked(self):
        checks = 'test "$*" = "corpus stats --json $4" && test -d "$4"'
        script = checks + """ && echo '{"targets": {}}'"""
        self.assertEqual(self.ask(script), {})

    def test_a_corpus_with_a_finding_or_an_unreadable_file_has_figures_too(self):
        for code in (1, 2):
            self.assertEqual(self.ask(f"""echo '{{"targets": {{}}}}'; exit {code}"""), {})

    def test_a_command_line_that_fails_is_one_line(self):
        for script, what in (("echo a >&2; echo bad >&2; exit 2", "exit code 2: bad"),
                             ("echo nonsense", "expected what"), ("echo '{}'", "expected what")):
            with self.assertRaises(Failure) as caught:
                self.ask(script)
            self.assertIn(what, str(caught.exception))


class FigureTest(unittest.TestCase):

    FIGURE = figure.Figure(points=[(0, 0), (1, 50), (2, None), (3, 100)], x_range=(0, 4),
                           y_range=(0, 100), x_tics=[(0, "0"), (4, "4 h")],
                           y_tics=[(0, "0"), (100, "100")], width=370, height=168, marks=[2],
                           summary="<what>")

    def test_a_figure_has_lines_and_words_of_classes_and_no_colour(self):
        svg = figure.draw(self.FIGURE)
        self.assertTrue(svg.startswith('<svg viewBox="0 0 370 168" role="img" '
                                       'aria-label="&lt;what&gt;">'))
        for name in ("axis", "grid", "mark", "line"):
            self.assertIn(f'<path class="{name}"', svg)
        for label in ("4 h", "100"):
            self.assertRegex(svg, f'<text x="[0-9.]+" y="[0-9.]+" text-anchor="\\w+">{label}<')
        self.assertNotRegex(svg, "rgb|style=|stroke=|font|Gnuplot")

    def curves(self, **changes):
        """The points of each part of the curve."""
        svg = figure.draw(self.FIGURE._replace(**changes))
        return [[tuple(float(value) for value in point.lstrip("ML").split(","))
                 for point in path.split(" ")]
                for path in re.findall('class="line" d="([^"]*)"', svg)]

    def test_points_stand_where_they_belong_and_a_gap_is_no_line(self):
        # 316 by 136 between the margins; x of 3 is three quarters of the way.
        self.assertEqual(self.curves(), [[(44, 144), (123, 76)], [(281, 8)]])

    def test_a_staircase_holds_its_value_until_the_next_point(self):
        self.assertEqual(self.curves(steps=True, points=[(0, 0), (2, 50), (4, 100)]),
                         [[(44, 144), (202, 144), (202, 76), (360, 76), (360, 8)]])

    def test_a_logarithmic_axis_has_as_much_room_for_each_power(self):
        svg = figure.draw(self.FIGURE._replace(
            log_x=True, x_range=(0.01, 100), x_tics=[(1, "one")], points=[(1, 50)], marks=()))
        self.assertIn('<text x="202.00" y="162.00" text-anchor="middle">one</text>', svg)
        self.assertIn('<path class="line" d="M202.00,76.00">', svg)


def trial(mutant, seconds, found, guilty="sibling"):
    return mutation.campaign.Record("empty", mutant, 1, seconds, 100, found, "model", "s", guilty)


class MutationTest(FolderTest):

    KNOWN = [mutation.mutants.Mutant(name, {
        "Target": "rmap_fuzzer", "Guilty": "sibling", "Equivalent": equivalent}, [])
             for name, equivalent in (("slow", "no"), ("quick", "no"), ("never_tried", "no"),
                                      ("equal", "yes, why"))]

    def test_the_score_is_of_what_was_tried(self):
        records = [trial("slow", 9.0, False), trial("quick", 0.5, True), trial("equal", 9.0, False),
                   trial("gone", 1.0, True)]
        result = mutation.judge(self.KNOWN, records)
        self.assertEqual((result.summary.found, result.summary.faults, result.summary.limit),
                         (1, 2, 9.0))
        self.assertEqual(result.trials, [(9.0, False), (0.5, True)])
        text = mutation.section_of(result, "")
        self.assertIn("1 of 2 faults found, 50.0 %", text)
        self.assertLess(text.index(">slow<"), text.index(">quick<"))
        self.assertIn('class="line"', text)

    def test_an_equivalent_mutant_that_was_reported_stands_first(self):
        text = mutation.section_of(mutation.judge(self.KNOWN, [
            trial("slow", 9.0, True), trial("equal", 1.0, True)]), "")
        self.assertLess(text.index(">equal<"), text.index(">slow<"))
        self.assertIn("REPORTED: model 1", text)

    def test_records_that_are_none_are_one_line(self):
        self.assertIsNone(mutation.read(self.folder))
        for content in ("{}\n", "[\n", "5\n", b"\xff\n"):
            self.write("trials.jsonl", content)
            with self.assertRaises(Failure) as caught:
                mutation.read(self.folder)
            self.assertNotIn("\n", str(caught.exception))

    def test_a_damaged_record_is_left_out_and_the_others_count(self):
        good = json.dumps(trial("quick", 1.0, True)._asdict())
        self.write("trials.jsonl", f"{good}\n[\n{good[:50]}\n{good}\n")
        with contextlib.redirect_stderr(io.StringIO()) as said, \
                mock.patch.object(mutation.glob, "glob", return_value=["quick.patch"]), \
                mock.patch.object(mutation.mutants, "read", return_value=self.KNOWN[1]):
            result = mutation.read(self.folder)
        self.assertEqual(len(result.trials), 2)
        self.assertEqual(said.getvalue().count("left out, expected a record of a trial"), 2)


class Page(html.parser.HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text, self.ids = set(), [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_data(self, data):
        self.text += data


class CommandTest(FolderTest):

    def report(self, *arguments):
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors), \
                mock.patch.object(command, "RMAPDIFF", RMAPDIFF):
            code = command.main([self.run_path, "-o", self.run_path + ".html",
                                 "--corpus-stats", self.run_path + ".stats.json", *arguments])
        self.assertEqual((code, errors.getvalue()), (0, ""))
        with open(self.run_path + ".html", encoding="utf-8") as file:
            return file.read()

    def test_a_run_with_everything(self):
        report_fixture.write(self.run_path)
        text = self.report()
        page = Page(text)
        for words_of_it in ("2 distinct findings (divergence 1, sanitizer 1) in 8 h",
                            "New features still came at the end.", "42, 43", "mmu_fuzzer",
                            "map page=3 index=17 gfn=0x12", "missing: page 5 [0]", "heap-use-after",
                            "Never “ok” in this corpus: misuse_free.", "3-4", "Not measured"):
            self.assertIn(words_of_it, page.text)
        self.assertIn("<mark>    sibling  { page 3 [18] }", text)
        self.assertEqual(text.count("<svg viewBox"), 6 + 4 * len(report_fixture.TARGETS))
        self.assertEqual(len(page.ids), len(set(page.ids)))
        for name, value in page.attributes:
            if name == "href":
                self.assertIn(value[1:], page.ids)
        self.assertNotIn("script", page.tags)

    def test_hostile_names_stay_text(self):
        report_fixture.write_hostile(self.run_path)
        page = Page(self.report())
        self.assertTrue(page.tags.isdisjoint(("script", "img", "iframe", "textarea", "object")))
        for name, value in page.attributes:
            self.assertFalse(name.startswith("on"), name)
            self.assertTrue(name not in ("href", "src") or value.startswith("#"), value)
        for text in report_fixture.HOSTILE:
            self.assertGreaterEqual(page.text.count(markup.printable(text)), 5, text)
        self.assertNotRegex(page.text, "[\x00-\x08\x0b-\x1f\u202e]")

    def test_a_folder_with_next_to_nothing_is_a_page_with_notes(self):
        self.write("out/stats.jsonl", "")
        self.write("out.stats.json", "nonsense")
        text = Page(self.report()).text
        for note in ("Nothing was found; the run has left no figures.", "too few lines to draw",
                     "expected what `rmapdiff corpus stats --json` prints", "None."):
            self.assertIn(note, text)

    def test_a_page_that_cannot_be_written_leaves_the_old_one(self):
        report_fixture.write(self.run_path, names=["a"], lines=3)
        self.report()
        with mock.patch("os.replace", side_effect=OSError(28, "No space left on device")):
            with self.assertRaises(command.Failure) as caught:
                self.report()
        self.assertEqual(caught.exception.code, 3)
        self.assertEqual(sorted(os.listdir(self.folder)), ["out", "out.html", "out.stats.json"])

    def words(self, *arguments):
        start = os.path.join(ROOT, "tools/scripts/start.py")
        return [sys.executable, "-B", start, "tools.scripts.report.command", *arguments]

    def run_command(self, *arguments):
        words = self.words(*arguments)
        return subprocess.run(words, check=False, capture_output=True, text=True, cwd=self.folder)

    def given(self):
        """Options with what the command line has said of a run that has only begun."""
        self.write("out/stats.jsonl", "")
        said = json.dumps(run_folder.ask(RMAPDIFF, self.run_path))
        return ["--status", self.write("status.json", said),
                "--corpus-stats", self.write("s.json", "{}")]

    def test_exit_codes_and_one_line_each(self):
        read = self.given()
        for arguments, code in (
                (["--status", "none", self.run_path], 2), ([self.run_path, "-o", self.folder], 2),
                ([self.run_path, "-o", "no/such/folder.html"], 3)):
            done = self.run_command(*read, *arguments)
            self.assertEqual((done.returncode, done.stderr.count("\n"), done.stdout),
                             (code, 1, ""), done.stderr)
            self.assertTrue(done.stderr.startswith("rmapdiff report: "), done.stderr)
        self.assertEqual(self.run_command().returncode, 2)
        self.assertEqual(self.run_command("--help").returncode, 0)

    def test_the_status_of_another_run_is_refused(self):
        read = self.given()
        line = {"time": 1000.5, "run": 1, "targets": {}}
        for name, time in (("out", 1000.5), ("copy", 1000.5), ("other", 1000.25)):
            self.write(f"{name}/stats.jsonl", "x\n" + json.dumps({**line, "time": time}) + "\n")
        self.write("status.json", json.dumps(run_folder.ask(RMAPDIFF, self.run_path)))
        os.mkdir(os.path.join(self.folder, "bare"))
        for name, code in (("out", 0), ("copy", 0), ("bare", 0), ("other", 2)):
            done = self.run_command(name, "-o", "-", *read)
            self.assertEqual(done.returncode, code, name + done.stderr)
        self.assertEqual(done.stderr, "rmapdiff report: --status: is of the run in "
                         f"{self.run_path}, expected the status of other\n")

    def test_standard_output_and_devices(self):
        read = self.given()
        done = self.run_command("out", "-o", "-", *read)
        self.assertTrue(done.stdout.startswith("<!DOCTYPE html>\n"))
        self.assertTrue(done.stdout.endswith("</html>\n"))
        done = subprocess.run(self.words("out", "-o", "-", *read), check=False, cwd=self.folder,
                              stderr=subprocess.PIPE, text=True, preexec_fn=lambda: os.close(1))
        self.assertEqual((done.returncode, done.stderr), (
            3, "rmapdiff report: standard output: is closed, expected to write there\n"))
        os.symlink("status.json", os.path.join(self.folder, "link.json"))
        done = self.run_command("out", "-o", "-", "--status", "link.json", *read[2:])
        self.assertTrue(done.stdout.endswith("</html>\n"), done.stderr)
        self.assertEqual(self.run_command("out", "-o", "/dev/null", *read).returncode, 0)
        self.assertFalse(os.path.isfile("/dev/null"))
        os.mkfifo(os.path.join(self.folder, "pipe"))  # without a reader
        done = self.run_command("out", "-o", "pipe", *read)
        self.assertEqual((done.returncode, done.stderr), (
            3, "rmapdiff report: pipe: cannot be written: No such device or address\n"))


if __name__ == "__main__":
    unittest.main()

"""The findings: a table of all, then each with its minimal program and the difference of states."""

import re

from tools.scripts.report import words
from tools.scripts.report.markup import element, facts, join, note, section, table

MOST_IN_FULL = 100

# The lines of a report that show the difference itself: they stand out.
DIFFERENCE = re.compile(r"(missing|extra|duplicate|twice): |^\s*expected |^  > ")


def _anchor(number):
    return f"finding-{number}"


def _row(number, finding):
    link = element("a", finding.signature, href=f"#{_anchor(number)}")
    name = link if number <= MOST_IN_FULL else finding.signature
    return [number, element("td", name), finding.kind or "–", finding.target or "–",
            finding.engine or "–", element("td", words.count(finding.count), class_="n"),
            element("td", words.count(finding.ops or None), class_="n"),
            words.date(finding.first_seen), words.date(finding.last_seen)]


def _marked(report):
    """The report, with the lines that show the difference marked."""
    return join([element("mark", line) if DIFFERENCE.search(line) else line
                 for line in report.splitlines(keepends=True)])


def _text(title, content, class_=None):
    if not content.strip():
        return note(f"No {title}.")
    return element("div", element("h4", title.capitalize()),
                   element("pre", content, tabindex="0"), class_=class_)


def _article(number, finding, folder):
    pairs = [("kind", finding.kind or "–"), ("target", finding.target or "–"),
             ("engine at fault", finding.engine or "–"), ("seen", _times(finding.count)),
             ("first", words.date(finding.first_seen)), ("last", words.date(finding.last_seen)),
             ("input", f"{folder}/findings/{finding.folder}/{finding.artifact}")]
    report = finding.report.strip("\n")
    return element(
        "article", element("h3", f"{number}. ", finding.signature), facts(pairs),
        [note(f"{problem}.") for problem in finding.problems],
        _text("minimal program", finding.minimal.strip("\n"), "minimal"),
        _text("report", _marked(report) if report else ""), id=_anchor(number))


def _times(number):
    return "–" if number is None else "once" if number == 1 else words.plural(number, "time")


def section_of(run):
    if not run.findings:
        return section("findings", "Findings", element("p", "None."))
    rows = [_row(number, finding) for number, finding in enumerate(run.findings, 1)]
    heads = ["no.", "signature", "kind", "target", "engine", "seen", "ops", "first", "last"]
    rest = len(run.findings) - MOST_IN_FULL
    return section(
        "findings", "Findings",
        table("Distinct findings, the oldest first; ops are those of the minimal program", heads,
              rows, class_="index"),
        [_article(number, finding, run.path)
         for number, finding in enumerate(run.findings[:MOST_IN_FULL], 1)],
        note(f"{rest:,} more stand in the table alone.") if rest > 0 else "")

"""The outcomes of the corpus's operations, and the lengths of its lists: heat map, histograms."""

import collections

from tools.scripts.report import corpus_stats, words
from tools.scripts.report.markup import Html, element, join, note, section, table

# Shades by the number of digits: 1 to 9, 10 to 99, ... and everything above.
SHADES = 6

TITLES = {
    "rmap_lengths": ("Reverse maps", "entries", "lists"),
    "parent_lengths": ("Parents of a shadow page", "links", "lists"),
    "program_lengths": ("Programs", "operations", "programs"),
}


def shade(number):
    return min(len(str(int(number))), SHADES)


def _columns(outcomes):
    """ "ok" first, then by how often they occur."""
    totals = collections.Counter()
    for counts in outcomes.values():
        totals.update(counts)
    seen = [outcome for outcome, number in totals.items() if number]
    return sorted(seen, key=lambda outcome: (outcome != "ok", -totals[outcome], outcome))


def _cell(number):
    if not number:
        return element("td")
    return element("td", words.short(number, 2), class_=f"h{shade(number)}")


def heat_map(caption, outcomes):
    columns = _columns(outcomes)
    heads = [element("span", name) for name in columns]
    ops = sorted(outcomes, key=lambda op: (-sum(outcomes[op].values()), op))
    rows = [[op, element("td", words.short(sum(outcomes[op].values())), class_="sum"),
             *[_cell(outcomes[op].get(name)) for name in columns]] for op in ops]
    return table(caption, ["operation", "in all", *heads], rows, class_="heat")


def _caption(name, stats):
    """A program that ends early, as with a known difference, does not run all that it has."""
    ran = sum(sum(counts.values()) for counts in stats.outcomes.values())
    return (f"{name}Operations and their outcomes: {words.count(ran)} executed, of "
            f"{words.count(stats.ops)} in {words.plural(stats.programs, 'program')}")


def _legend():
    names = ["1–9", "10–99", "100–999", "1k–9.9k", "10k–99k", "100k and more"]
    return element("p", "Times executed: ", [join(element("span", name, class_=f"key h{i}"), " ")
                                             for i, name in enumerate(names, 1)], class_="hint")


def bar(share):
    return element("svg", element("rect", width=f"{100 * share:.2f}%", height="100%"),
                   class_="bar", aria_hidden="true")


def histogram(title, of_what, what, counts):
    total, most = sum(counts.values()), max(counts.values(), default=0)
    if not total:
        return element("div", note(f"{title}: no {what}."))
    rows = [[bucket, element("td", words.count(number), class_="n"),
             element("td", f"{100 * number / total:.1f} %", class_="n"),
             element("td", bar(number / most), class_="bars")] for bucket, number in counts.items()]
    return table(f"{title}: {words.count(total)} {what} by {of_what}",
                 [of_what, what, "share", element("span", "share as a bar", class_="unseen")],
                 rows, class_="histogram")


def _histograms(stats):
    return element("div", [histogram(*TITLES[name], getattr(stats, name))
                           for name in corpus_stats.HISTOGRAMS], class_="histograms")


def _never_ok(outcomes):
    never = sorted(op for op, counts in outcomes.items() if not counts.get("ok"))
    if not never:
        return Html("")
    return element("p", "Never “ok” in this corpus: ", ", ".join(never) + ".", class_="hint")


def _of_target(name, stats):
    title = (f"{name}: {words.plural(stats.programs, 'program')}, "
             f"{words.plural(stats.ops, 'operation')}")
    return element("details", element("summary", title),
                   heat_map(_caption(f"{name}: ", stats), stats.outcomes),
                   _histograms(stats))


def section_of(targets, problem):
    """Of {target: Stats}, or with why there is none."""
    title = "Operations and list lengths of the corpus"
    if problem:
        return section("operations", title, note(f"{problem}."))
    whole = corpus_stats.together(targets)
    if not whole.programs:
        return section("operations", title, note("The corpus holds no program."))
    unreadable = (note(f"{words.plural(whole.unreadable, 'file')} of the corpus could not be read.")
                  if whole.unreadable else "")
    return section(
        "operations", title, unreadable, _legend(),
        heat_map(_caption("", whole), whole.outcomes),
        _never_ok(whole.outcomes),
        element("p", "At the end of each program, before its teardown: every reverse map that is "
                "not empty, and the parents of every shadow page.", class_="hint"),
        _histograms(whole), [_of_target(*item) for item in sorted(targets.items())])

"""Cases as JUnit XML, as GitLab, Jenkins and most others read it: a suite for each step or target.

A finding is a <failure>, a gate that proves nothing an <error>; either has the one line that says
why as its message, and what there is to read as its text.
"""

import itertools
import re
from xml.sax import saxutils

MAX_TEXT = 16000


def _text(text):
    """As XML 1.0 allows it: a crash report may hold control characters."""
    return re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)


def _attribute(text):
    return saxutils.quoteattr(_text(text))


def _case(case):
    head = (f"    <testcase name={_attribute(case.name)} classname={_attribute(case.suite)} "
            f'time="{case.seconds:.3f}"')
    if not case.problem:
        return head + "/>\n"
    kind = "failure" if case.finding else "error"
    body = saxutils.escape(_text(case.text[-MAX_TEXT:] or case.problem))
    return (f"{head}>\n      <{kind} message={_attribute(case.problem)} type={_attribute(kind)}>"
            f"{body}</{kind}>\n    </testcase>\n")


def _counts(cases):
    failures = sum(bool(case.problem) and case.finding for case in cases)
    errors = sum(bool(case.problem) and not case.finding for case in cases)
    seconds = sum(case.seconds for case in cases)
    return (f'tests="{len(cases)}" failures="{failures}" errors="{errors}" skipped="0" '
            f'time="{seconds:.3f}"')


def document(cases):
    """The XML; suites in the order of their first cases."""
    order = {}
    for case in cases:
        order.setdefault(case.suite, len(order))
    ordered = sorted(cases, key=lambda case: order[case.suite])
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n',
             f'<testsuites name="rmapdiff gate" {_counts(cases)}>\n']
    for suite, group in itertools.groupby(ordered, key=lambda case: case.suite):
        members = list(group)
        parts.append(f"  <testsuite name={_attribute(suite)} {_counts(members)}>\n")
        parts += [_case(case) for case in members]
        parts.append("  </testsuite>\n")
    return "".join(parts) + "</testsuites>\n"

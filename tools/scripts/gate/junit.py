"""Cases as JUnit XML, as GitLab, Jenkins and most others read it: a suite for each step or target.

A finding is a <failure>, a gate that proves nothing an <error>; either has the one line that says
why as its message, and as its text what there is to read: its beginning and its end if it is long,
and the command to go on with.
"""

import itertools
import re
from xml.sax import saxutils

MAX_BODY = 2000  # bytes of a text as it is written; the file has hundreds of cases
MAX_MESSAGE = 500
CUT = "\n[...]\n"


def _text(text):
    """As XML 1.0 allows it: a crash report may hold control characters."""
    return re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)


def _attribute(text):
    return saxutils.quoteattr(_text(text))


def _escaped(text, most):
    """The text for an element, of `most` bytes at most: what is too much is cut out of the midst.

    Cuts are between characters, so that no entity is left in half.
    """
    pieces = [saxutils.escape(character) for character in _text(text)]
    sizes = [len(piece.encode()) for piece in pieces]
    if sum(sizes) <= most:
        return "".join(pieces)
    room = (most - len(CUT)) // 2
    begin, end = 0, len(pieces)
    for size in itertools.accumulate(sizes):
        if size > room:
            break
        begin += 1
    for size in itertools.accumulate(reversed(sizes)):
        if size > room:
            break
        end -= 1
    return "".join(pieces[:begin]) + CUT + "".join(pieces[end:])


def _body(case):
    text = case.text or case.problem
    if not case.again:
        return _escaped(text, MAX_BODY)
    again = saxutils.escape(_text(case.again))
    return again + "\n\n" + _escaped(text, max(0, MAX_BODY - len(again.encode()) - 2))


def _case(case):
    head = (f"    <testcase name={_attribute(case.name)} classname={_attribute(case.suite)} "
            f'time="{case.seconds:.3f}"')
    if not case.problem:
        return head + "/>\n"
    kind = "failure" if case.finding else "error"
    message = _attribute(case.problem[:MAX_MESSAGE])
    return (f"{head}>\n      <{kind} message={message} type={_attribute(kind)}>"
            f"{_body(case)}</{kind}>\n    </testcase>\n")


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

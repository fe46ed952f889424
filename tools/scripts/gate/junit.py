"""Cases as JUnit XML, as GitLab, Jenkins and most others read it: a suite for each step or target.

A finding is a <failure>, a gate that proves nothing an <error>. Either has the one line that says
why as its message. Its text is the command to go on with and then the report, of which a long one
keeps its beginning and its end.
"""

import re
from xml.etree import ElementTree
from xml.sax import saxutils

from tools.bazel_rules.junit import clean

MAX_BODY = 2000  # bytes of a text as it is written; the file has hundreds of cases
MAX_MESSAGE = 500
CUT = "\n[...]\n"


def _shortened(text, most):
    """The text, cut in its middle if it is longer than `most` bytes as it is written."""
    written = saxutils.escape(text).encode()
    if len(written) <= most:
        return text
    room = (most - len(CUT)) // 2
    begin, end = (part.decode(errors="ignore") for part in (written[:room], written[-room:]))
    # No entity is left in half.
    begin, end = re.sub(r"&\w*\Z", "", begin), re.sub(r"\A\w{0,4};", "", end)
    return saxutils.unescape(begin) + CUT + saxutils.unescape(end)


def _body(case):
    again = clean(case.again) + "\n\n" if case.again else ""
    room = MAX_BODY - len(saxutils.escape(again).encode())
    return again + _shortened(clean(case.text or case.problem), max(0, room))


def _counts(cases):
    failures = sum(bool(case.problem) and case.finding for case in cases)
    errors = sum(bool(case.problem) and not case.finding for case in cases)
    seconds = sum(case.seconds for case in cases)
    return {"tests": str(len(cases)), "failures": str(failures), "errors": str(errors),
            "skipped": "0", "time": f"{seconds:.3f}"}


def _add(suite, case):
    element = ElementTree.SubElement(suite, "testcase", name=clean(case.name), classname=case.suite,
                                     time=f"{case.seconds:.3f}")
    if case.problem:
        kind = "failure" if case.finding else "error"
        ElementTree.SubElement(element, kind, message=clean(case.problem[:MAX_MESSAGE]),
                               type=kind).text = _body(case)


def document(cases):
    """The XML; suites in the order of their first cases."""
    suites = {}
    for case in cases:
        suites.setdefault(case.suite, []).append(case)
    root = ElementTree.Element("testsuites", name="rmapdiff gate", **_counts(cases))
    for name, members in suites.items():
        suite = ElementTree.SubElement(root, "testsuite", name=name, **_counts(members))
        for case in members:
            _add(suite, case)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"

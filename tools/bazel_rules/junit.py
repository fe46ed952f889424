"""The XML of a test: one case for each thing that it looked at, as test_summary.py counts them."""

import os
import re
import xml.etree.ElementTree as ElementTree


def clean(text):
    """Text as XML 1.0 allows it: a crash report may hold control characters."""
    return re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)


def write(cases):
    """Writes $XML_OUTPUT_FILE, which Bazel names; without it nothing.

    cases: (suite, name, failure, reason of a skip); "" where a case has none.
    """
    path = os.environ.get("XML_OUTPUT_FILE")
    if not path:
        return
    counts = {"tests": str(len(cases)), "failures": str(sum(bool(case[2]) for case in cases))}
    root = ElementTree.Element("testsuites", counts)
    suites = ElementTree.SubElement(root, "testsuite", counts, name="tests")
    for suite, name, failure, skipped in cases:
        case = ElementTree.SubElement(suites, "testcase", classname=clean(suite),
                                      name=clean(name))
        if failure:
            message = clean(failure.split("\n", 1)[0])
            ElementTree.SubElement(case, "failure", message=message).text = clean(failure)
        elif skipped:
            ElementTree.SubElement(case, "skipped", message=clean(skipped))
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)

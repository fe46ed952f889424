"""A Markdown file of which some parts are generated:

    <!-- claims:begin: NAME -->
    ...
    <!-- claims:end -->
"""

import re

PART = re.compile(r"(<!-- claims:begin: (\w+) -->\n)(.*?)(<!-- claims:end -->\n)", re.DOTALL)


class BadDocument(Exception):
    """What is wrong with the markers of a document."""


def names(text):
    return [match.group(2) for match in PART.finditer(text)]


def fill(text, parts):
    """The document with each part replaced. Every part must have its place, and none other."""
    found = names(text)
    if text.count("<!-- claims:") != 2 * len(found):
        raise BadDocument("a part that does not begin or does not end")
    if sorted(found) != sorted(parts):
        odd = ", ".join(sorted(set(found) ^ set(parts))) or "one that is there twice"
        raise BadDocument(f"parts of the document and of the results differ: {odd}")
    return PART.sub(lambda match: match.group(1) + parts[match.group(2)] + "\n" + match.group(4),
                    text)

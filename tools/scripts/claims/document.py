"""A Markdown file of which some parts are generated:

    <!-- claims:begin: NAME -->
    ...
    <!-- claims:end -->
"""

import re

from tools.scripts.common.script import FINDING, Failure

PART = re.compile(r"(<!-- claims:begin: (\w+) -->\n)(.*?)(<!-- claims:end -->\n)", re.DOTALL)


def names(text):
    return [match.group(2) for match in PART.finditer(text)]


def fill(text, parts):
    """The document with each part replaced; a Failure unless it has a place for these alone."""
    found = names(text)
    if text.count("<!-- claims:") != 2 * len(found):
        raise Failure(FINDING, "a part that does not begin or does not end")
    if sorted(found) != sorted(parts):
        odd = ", ".join(sorted(set(found) ^ set(parts))) or "one that is there twice"
        raise Failure(FINDING, f"parts of the document and of the results differ: {odd}")
    return PART.sub(lambda match: match.group(1) + parts[match.group(2)] + "\n" + match.group(4),
                    text)

"""A Markdown file of which some parts are generated:

    <!-- claims:begin: NAME -->
    ...
    <!-- claims:end -->
"""

import os
import re
import tempfile

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


def write(path, text):
    """Replaces a file as a whole, or not at all."""
    folder, name = os.path.split(os.path.abspath(path))
    handle, scratch = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise

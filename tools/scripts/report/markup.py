"""HTML that is escaped by construction: only what `element` and `join` made is taken as it is.

Whatever a run wrote is text, and stays text: characters that a page could not show, or that would
change how the rest of a line is read (controls, ANSI escapes, marks of direction, half surrogates),
are shown as what one would type for them.
"""

import html

from tools.scripts.common.printable import printable

VOID = frozenset(("br", "col", "input", "meta", "rect"))


class Html(str):
    """Text that is HTML already."""


def text(value):
    if isinstance(value, Html):
        return value
    return Html(html.escape(printable(value)))


def join(*parts):
    """The parts in a row; lists of parts are taken apart."""
    flat = []
    for part in parts:
        flat += [join(*part)] if isinstance(part, (list, tuple)) else [text(part)]
    return Html("".join(flat))


def element(tag, *children, **attributes):
    """An attribute of None is left out; `class_` and `for_` lose their line, `_` turns to `-`."""
    head = "".join(f' {name.rstrip("_").replace("_", "-")}="{html.escape(printable(value))}"'
                   for name, value in attributes.items() if value is not None)
    if tag in VOID:
        return Html(f"<{tag}{head}>")
    return Html(f"<{tag}{head}>{join(*children)}</{tag}>")


def section(name, title, *children):
    return element("section", element("h2", title), "\n", *children, "\n", id=name)


def note(value):
    return element("p", value, class_="note")


def notes(values):
    return join([note(value) for value in values])


def facts(pairs):
    """A list of names and values."""
    return element("dl", [element("div", element("dt", name), element("dd", value))
                          for name, value in pairs], class_="facts")


def table(caption, heads, rows, class_=None, foot=None):
    """Each row begins with its heading. Cells that are elements already are taken as they are."""
    def line(cells):
        return element("tr", element("th", cells[0], scope="row"), [cell(value)
                                                                    for value in cells[1:]])

    def cell(value):
        is_cell = isinstance(value, Html) and value.startswith("<td")
        return value if is_cell else element("td", value)

    head = element("thead", element("tr", [element("th", name, scope="col") for name in heads]))
    body = element("tbody", *[join(line(cells), "\n") for cells in rows])
    end = element("tfoot", line(foot)) if foot else ""
    return element("div", element("table", element("caption", caption), "\n", head, "\n", body, end,
                                  class_=class_), class_="wide")

"""The page: one file without script, which loads nothing and in which nothing can be loaded."""

import base64
import hashlib
import os

from tools.scripts.report.markup import Html, element, join

HERE = os.path.dirname(os.path.abspath(__file__))

SECTIONS = (("overview", "Verdict"), ("findings", "Findings"), ("growth", "Over time"),
            ("operations", "Operations"), ("mutants", "Mutants"))

THEMES = ("auto", "light", "dark")


def style():
    with open(os.path.join(HERE, "style.css"), encoding="utf-8") as file:
        return file.read()


def policy(css):
    """Nothing but this very style sheet: whatever else got into the page could not act."""
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return (f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
            "form-action 'none'")


def _themes():
    """Switched by the style sheet alone, so that the page needs no script."""
    choices = [element("label", element("input", type="radio", name="theme", id=f"theme-{name}",
                                        checked="checked" if name == "auto" else None),
                       name) for name in THEMES]
    return element("fieldset", element("legend", "colours", class_="unseen"), *choices,
                   class_="themes")


def render(name, sections):
    """The bytes of the page."""
    css = style()
    head = element(
        "head", "\n", element("meta", charset="utf-8"), "\n",
        element("meta", http_equiv="Content-Security-Policy", content=policy(css)), "\n",
        element("meta", name="viewport", content="width=device-width, initial-scale=1"), "\n",
        element("meta", name="color-scheme", content="light dark"), "\n",
        element("meta", name="referrer", content="no-referrer"), "\n",
        element("title", f"{name}: rmapdiff report"), "\n",
        element("style", Html(css)), "\n")
    links = [element("a", title, href=f"#{key}") for key, title in SECTIONS]
    header = element("header", element("h1", "rmapdiff report: ", element("span", name)),
                     element("nav", *links, aria_label="sections"), _themes())
    body = element("body", "\n", header, "\n",
                   element("main", "\n", *[join(part, "\n") for part in sections]), "\n")
    return ("<!DOCTYPE html>\n" + element("html", "\n", head, "\n", body, "\n", lang="en")
            + "\n").encode()

"""The page of `rmapdiff report` in headless Chromium: it renders, says nothing on the console, and
holds against names that attack it."""

import html.parser
import os
import re
import struct
import subprocess
import tempfile
import unittest
import zlib
from unittest import mock

from tests.scripts import report_fixture
from tools.bazel_rules import patience
from tools.scripts.report import command, markup, page

RMAPDIFF = os.path.abspath("tools/cli/rmapdiff")


class Elements(html.parser.HTMLParser):
    """The elements of what the browser made of a page: names, attributes, text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def first_pixel(path):
    """Red, green and blue of the corner of a PNG; whatever the filter, it stands for itself."""
    with open(path, "rb") as file:
        content = file.read()
    data, at = b"", 8
    while at < len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        data += content[at + 8:at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    return tuple(zlib.decompress(data)[1:4])


class BrowserTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def browse(self, name, *flags):
        """(what it prints, what the page says on the console)."""
        words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                 "--disable-dev-shm-usage", "--disable-background-networking",
                 "--enable-logging=stderr", f"--user-data-dir={self.path('profile')}", *flags,
                 f"file://{self.path(name)}"]
        env = {**os.environ, "HOME": self.folder, "XDG_CONFIG_HOME": self.folder,
               "XDG_CACHE_HOME": self.folder}
        done = subprocess.run(words, env=env, capture_output=True, check=True,
                              timeout=patience.SECONDS)
        errors = done.stderr.decode("utf-8", "replace")
        return done.stdout.decode(), re.findall(r".*:CONSOLE[:(].*", errors)

    def report(self, name):
        with mock.patch.object(command, "RMAPDIFF", RMAPDIFF):
            command.main([self.path(name), "-o", self.path(f"{name}.html"), "--corpus-stats",
                          self.path(f"{name}.stats.json")])

    def test_it_renders_light_and_dark_without_a_word_on_the_console(self):
        report_fixture.write(self.path("out"), lines=100)
        self.report("out")
        for scheme, paper in ((1, (0xff, 0xff, 0xff)), (0, (0x15, 0x18, 0x1c))):
            picture = self.path("page.png")
            _, console = self.browse("out.html", f"--screenshot={picture}", "--hide-scrollbars",
                                     f"--blink-settings=preferredColorScheme={scheme}")
            self.assertEqual(console, [])
            self.assertEqual(first_pixel(picture), paper)

    def test_hostile_names_stay_text(self):
        report_fixture.write_hostile(self.path("out"))
        self.report("out")
        dom, console = self.browse("out.html", "--dump-dom")
        self.assertEqual(console, [])
        elements = Elements(dom)
        self.assertTrue(set(elements.tags).isdisjoint(
            ("script", "img", "iframe", "object", "embed", "form", "link", "base", "textarea")))
        # Of ours alone: curves of the run and of each target, and a bar for each bucket.
        self.assertGreater(elements.tags.count("svg"), 20)
        for name, value in elements.attributes:
            self.assertFalse(name.startswith("on"), name)
            self.assertNotEqual(name, "style")
            self.assertTrue(name not in ("href", "src") or value.startswith("#"), value)
        for text in report_fixture.HOSTILE:
            self.assertIn(markup.printable(text), elements.text)

    def test_what_got_into_the_page_could_not_act_and_would_be_heard(self):
        """Both guards are seen to work: the policy of the page, and our ear on the console."""
        attack = "".join(report_fixture.HOSTILE[:2]) + '<p style="color:red">'
        with open(self.path("attacked.html"), "wb") as file:
            file.write(page.render("x", [markup.Html(attack)]))
        with open(self.path("open.html"), "w", encoding="utf-8") as file:
            file.write(f"<!DOCTYPE html><title>x</title>{attack}")
        dom, console = self.browse("attacked.html", "--dump-dom")
        self.assertIn("script", Elements(dom).tags)
        self.assertGreaterEqual(len(console), 3, console)
        self.assertTrue(all("Content Security Policy" in line for line in console), console)
        _, console = self.browse("open.html", "--dump-dom")
        self.assertTrue(any('"script ran"' in line for line in console), console)
        self.assertTrue(any('"handler ran"' in line for line in console), console)


if __name__ == "__main__":
    unittest.main()

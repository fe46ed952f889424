"""Builds targets, if Bazel has anything to do, and says where what was built is.

    tools/cli/build.sh [--apart=CONFIG] PRODUCT TARGET...

PRODUCT is a file, as seen from bazel-bin, that the build makes. The folder that it is in, which is
the one that bazel-bin would stand for, is printed: the link itself may be that of another user, of
another build, or of yesterday. A TARGET that begins with a dash is a flag of `bazel build`.

--apart=CONFIG is for a configuration of .bazelrc with another compiler, for which Bazel would
build everything anew each time it comes and goes. It gets an output base of its own, and
bazel-CONFIG-bin beside bazel-bin.

Exit code: 0 all is built, 2 wrong usage, 3 it cannot be.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.parse

from tools.scripts.build import bazel, stamp
from tools.scripts.common.script import ENVIRONMENT, USAGE, Failure, end_in_order, run_main

UI = ["--color=no", "--curses=no", "--ui_event_filters=-info"]


class Events:
    """The products and folders of a build, by Bazel's build event protocol."""

    def __init__(self, path):
        self.products = []  # paths
        self.folders = {}  # product, as seen from bazel-bin: what bazel-bin stands for
        self.output_base = ""
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                self._take(json.loads(line))

    def _take(self, event):
        if "workspaceInfo" in event:
            execroot = event["workspaceInfo"]["localExecRoot"]
            self.output_base = os.path.dirname(os.path.dirname(execroot))
        for file in event.get("namedSetOfFiles", {}).get("files", []):
            scheme, _, path = file.get("uri", "").partition("://")
            if scheme == "file":
                path = urllib.parse.unquote(path)
                self.products.append(path)
                self.folders[file["name"]] = path[:-len(file["name"]) - 1]


class Build:
    """One build."""

    def __init__(self, product, words, apart=""):
        self._product = product
        self._labels = [word for word in words if not word.startswith("-")]
        self._flags = [word for word in words if word.startswith("-")]
        self._what = " ".join(self._labels[:4])
        if len(self._labels) > 4:
            self._what += f" and {len(self._labels) - 4} more"
        self._apart = apart
        self._log = ""
        self._startup = []
        self._config = [f"--config={apart}"] if apart else []
        self._stamp = stamp.Stamp(self._labels, [*self._config, *self._flags])

    def fresh(self):
        """The folder of what was built if it is up to date, else None."""
        return self._stamp.folder()

    def run(self):
        """Builds; returns the folder."""
        bazel.check_place(bazel.ROOT)
        set_up()
        with tempfile.TemporaryDirectory(prefix="rmapdiff-build-") as scratch:
            self._log = os.path.join(scratch, "log")
            if self._apart:
                base = bazel.answer(self._what, ["info", *UI, "output_base"], self._log)
                self._startup = [f"--output_base={base[-1]}_{self._apart}"]
            since_ns = os.stat(scratch).st_ctime_ns
            events = self._build(os.path.join(scratch, "events"))
            folder = events.folders.get(self._product)
            if folder is None:
                raise Failure(ENVIRONMENT, f"{self._product}: Bazel has not built it, expected it "
                                           f"of {self._what}")
            products = {path: stamp.identity(path) for path in events.products}
            labels = self._ask_for_inputs(os.path.join(scratch, "query"))
            if labels:
                self._stamp.write(folder, products, labels, events.output_base, since_ns)
        return folder

    def _call(self, *words):
        """(Whether it went well, the lines of Bazel's output)."""
        code = bazel.call(self._what, [*self._startup, *words], self._log)
        with open(self._log, encoding="utf-8", errors="replace") as lines:
            return code == 0, lines.readlines()

    def _build(self, events):
        links = [f"--symlink_prefix=bazel-{self._apart}-"] if self._apart else []
        good, lines = self._call(
            "build", *UI, "--show_progress_rate_limit=10", f"--build_event_json_file={events}",
            *self._config, *links, *self._flags, "--", *self._labels)
        if good:
            return Events(events)
        sys.stderr.writelines(line for line in lines if not bazel.STEP.match(line))
        raise Failure(ENVIRONMENT, "cannot be built: " + self._what)

    def _ask_for_inputs(self, query):
        """The labels that the products depend on; none if Bazel does not say."""
        deps = "deps(set(" + " ".join(self._labels) + "))"
        with open(query, "w", encoding="utf-8") as file:
            file.write(f'kind("source file", {deps}) union buildfiles({deps})\n')
        good, lines = self._call("query", *UI, "--noshow_progress", f"--query_file={query}",
                                 *self._config)
        return [line.rstrip("\n") for line in lines if re.match("@|//", line)] if good else []


def set_up():
    """Has tools/setup install what a build needs."""
    script = os.path.join(bazel.ROOT, "tools", "setup")
    check = subprocess.run([script, "--check"], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False)
    if check.returncode != 0 and subprocess.run([script], check=False).returncode != 0:
        raise Failure(ENVIRONMENT, "nothing is built: packages are missing")


def build(product, words, apart=""):
    """Builds, unless all is up to date; returns the folder of what was built."""
    one = Build(product, words, apart)
    return one.fresh() or one.run()


def main(words):
    apart = ""
    if words and words[0].startswith("--apart="):
        apart = words.pop(0).partition("=")[2]
    if len(words) < 2:
        raise Failure(USAGE, "build.sh: expected [--apart=CONFIG] PRODUCT TARGET...")
    end_in_order()  # a build must not outlive us
    print(build(words[0], words[1:], apart))
    return 0


if __name__ == "__main__":
    run_main("build.sh", main, says_name=False)

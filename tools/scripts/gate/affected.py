"""Which fuzz targets a change can affect: those that are built from a file that it touches.

Bazel's own graph says so. In doubt a target is affected: a file that is gone, or that says how
everything is built, affects all.
"""

import collections
import os
import re
import subprocess

from tools.scripts.common.script import ENVIRONMENT, USAGE, Failure, output_of

# Files that decide about every build, or that are not in the graph.
FOR_ALL = (".bazelrc", ".bazeliskrc", ".bazelignore", "WORKSPACE", "tools/bazel_rules/",
           "tools/offline/", "tools/setup")
# No program is built from these.
FOR_NONE = (".md", ".svg", ".gitignore")

PLAIN = re.compile(r"[\w./+@%,=~-]+")

# revision: the merge base, as a hash. files: what differs from it, the work tree included.
Change = collections.namedtuple("Change", "revision files")


def _git(root, *words):
    return output_of(["git", "-c", "core.quotePath=off", *words], cwd=root)


def _merge_base(root, base):
    try:
        return _git(root, "merge-base", base, "HEAD").strip()
    except Failure:
        try:
            _git(root, "rev-parse", "--verify", "-q", base + "^{commit}")
            why = "has no common ancestor with HEAD here, expected a complete clone"
        except Failure:
            why = "is not a revision"
        raise Failure(USAGE, f"--base: '{base}' {why}") from None


def read_change(root, base):
    """The changes of the tree, as it is, since it left `base`."""
    revision = _merge_base(root, base)
    # -z: a name can hold anything. A rename is a file that is gone and a new one.
    changed = _git(root, "diff", "--name-only", "--no-renames", "-z", revision)
    untracked = _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    files = sorted({name for name in (changed + untracked).split("\0") if name})
    return Change(revision, files)


class Graph:
    """Bazel's graph of one workspace; tests bring their own."""

    def __init__(self, root, startup_flags=()):
        self._root = root
        self._bazel = ["bazel", *startup_flags, "query", "--noshow_progress", "--keep_going",
                       "--output=label"]

    def _query(self, expression):
        done = subprocess.run([*self._bazel, expression], cwd=self._root, check=False, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True)
        if done.returncode not in (0, 3):  # 3: a part of the question had no answer
            raise Failure(ENVIRONMENT, "bazel query: " + " ".join(done.stderr.split()[-40:]))
        return set(done.stdout.split())

    def labels(self, files):
        """{file: label} of the files that a package knows."""
        found = self._query("set(" + " ".join(f"'{name}'" for name in files) + ")")
        by_path = {label.lstrip("/").replace(":", "/").lstrip("/"): label for label in found}
        return {name: by_path[name] for name in files if name in by_path}

    def build_files(self, labels):
        """Paths of all BUILD and .bzl files that these targets and their inputs come from."""
        found = self._query("buildfiles(deps(set(" + " ".join(labels) + ")))")
        return {label[2:].replace(":", "/").lstrip("/") for label in found
                if label.startswith("//")}

    def dependents(self, labels, files):
        """Those of the labels, and of what they are made of, that need one of the files or are."""
        return self._query(f"rdeps(set({' '.join(labels)}), set({' '.join(files)}))")


def parts_of(target):
    return [f"//fuzzers:{target}_{part}" for part in ("bin", "corpus", "options")]


def _in_doubt(root, name, build_files):
    """Why a file affects every target, "" if it does not have to."""
    if name.startswith(FOR_ALL):
        return f"{name} decides about every build"
    if not PLAIN.fullmatch(name):
        return f"{name!r} is a name that bazel cannot be asked about"
    if name in build_files:
        return f"{name} says how targets are built"
    if not os.path.exists(os.path.join(root, name)):
        return f"{name} is gone"
    return ""


# targets: names of those that may behave differently. why: it is all of them, or "". files: what
# they are built from, of the change; none if that is not known.
Affected = collections.namedtuple("Affected", "targets why files", defaults=("", ()))


def affected(root, files, targets, graph):
    """The targets that a change of the files affects."""
    files = [name for name in files if not name.endswith(FOR_NONE)]
    if not files:
        return Affected([])
    parts = {target: parts_of(target) for target in targets}
    every = [label for labels in parts.values() for label in labels]
    build_files = graph.build_files(every)
    for name in files:
        why = _in_doubt(root, name, build_files)
        if why:
            return Affected(list(targets), why)
    labels = graph.labels(files)
    if not labels:
        return Affected([])
    touched = graph.dependents(every, labels.values())
    return Affected([target for target in targets if touched.intersection(parts[target])], "",
                    [name for name, label in labels.items() if label in touched])

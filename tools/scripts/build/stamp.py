"""Whether what was built is up to date, in a few milliseconds and without Bazel.

A stamp is a file in the user's cache that belongs to one question: these targets, of this checkout,
with these flags and this environment. It holds where the products are, and of each product and each
file that it depends on its times, size, inode and mode. As long as all of them are as they were,
Bazel would have nothing to do. The change time is among them, which no program can set back.

A stamp is never wrong in the other direction than to ask Bazel once too often:
 - It is written after the build, and only if nothing that it names has changed since before it.
 - What Bazel would look for and does not find (.bazelrc.user, a BUILD.bazel) is noted as absent.
 - Where a BUILD file has a glob, the folders of its package are noted: they change with their
   entries.
 - A stamp that cannot be read, or that another user owns, counts as none.

It sees no change of Debian's headers that Bazel does not see either, nor one of what Bazel made on
the way from sources to products.
"""

import hashlib
import json
import os
import re
import shutil

from tools.scripts.build import bazel
from tools.scripts.common.script import write_whole

FORMAT = "rmapdiff-stamp-1"

# The clock of a file system may be coarse, or that of another machine.
MARGIN_NS = 2_000_000_000

# Variables that the compiler's configuration, Bazel and tools/offline read. Those that begin with
# "BAZEL" count too.
VARIABLES = ("CC", "CFLAGS", "CXX", "CXXFLAGS", "FUZZING_CFLAGS", "FUZZING_CXXFLAGS", "HOME",
             "LIB_FUZZING_ENGINE", "PATH", "TEST_TMPDIR", "USER", "USE_BAZEL_VERSION")

PROGRAMS = ("bazel", "bazel-real", "clang-19", "ld.lld", "afl-clang-fast")

RC_FILES = (".bazelrc", ".bazelrc.user", "~/.bazelrc", "/etc/bazel.bazelrc")
WORKSPACE_FILES = (".bazelignore", ".bazelversion", "WORKSPACE", "WORKSPACE.bazel", "tools/bazel")


class Doubt(Exception):
    """The stamp is missing, or the inputs cannot be named."""


def identity(path):
    """Values that change with a file or folder; None if there is none."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return [found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_mode]


def _cache():
    """The folder of all stamps."""
    if not bazel.home():
        return bazel.own_folder("stamps")
    below = os.environ.get("XDG_CACHE_HOME") or os.path.join(bazel.home(), ".cache")
    return os.path.join(below, "rmapdiff")


def _is_ours(path):
    """Whether no other user can write what is there."""
    found = os.lstat(path)
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _rc_files(path, seen):
    """Adds an rc file and those that it imports to a set."""
    path = os.path.expanduser(path.replace("%workspace%", bazel.ROOT))
    path = os.path.join(bazel.ROOT, path)
    if path in seen:
        return
    seen.add(path)
    if os.path.isfile(path):
        with open(path, encoding="utf-8", errors="replace") as file:
            for imported in re.findall(r"^(?:try-)?import\s+(\S+)", file.read(), re.MULTILINE):
                _rc_files(imported, seen)


def _surroundings():
    """Paths of what decides how anything is built, there or not."""
    paths = {os.path.join(bazel.ROOT, name) for name in WORKSPACE_FILES}
    for path in RC_FILES:
        _rc_files(path, paths)
    return paths | {path for path in map(shutil.which, PROGRAMS) if path}


def _has_glob(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return "glob(" in file.read()


def _folders_below(path):
    return {folder for folder, _, _ in os.walk(path)}


def _path_of(label, output_base):
    """(the folder of the label's package, the path of its file)."""
    repository, _, rest = label.rpartition("//")
    package, _, name = rest.partition(":")
    top = bazel.ROOT
    if repository.strip("@"):
        top = os.path.join(output_base, "external", repository.strip("@"))
    folder = os.path.join(top, package) if package else top
    return folder, os.path.join(folder, name)


def _inputs(labels, output_base):
    """Paths of all that a build reads, from the labels of its source and BUILD files."""
    paths, packages, own_rules = set(), set(), False
    for label in labels:
        folder, path = _path_of(label, output_base)
        packages.add(folder)
        paths.add(path)
        if path.endswith(".bzl") and label.startswith("//"):
            own_rules = own_rules or _has_glob(path)
    for folder in packages:
        if not folder.startswith(bazel.ROOT):
            continue
        paths |= {os.path.join(folder, "BUILD"), os.path.join(folder, "BUILD.bazel")}
        if own_rules or _has_glob(os.path.join(folder, "BUILD")):
            if folder == bazel.ROOT:
                raise Doubt("the whole tree")
            paths |= _folders_below(folder)
    return paths


def _parents(paths):
    """The folders of the tree that paths of the tree lead through, without its root."""
    found = set()
    for path in paths:
        folder = os.path.dirname(path)
        while folder.startswith(bazel.ROOT + os.sep) and folder not in found:
            found.add(folder)
            folder = os.path.dirname(folder)
    return found


class Stamp:
    """The stamp of one question; `labels` and `flags` as they are given to Bazel."""

    def __init__(self, labels, flags=()):
        self._question = {
            "format": FORMAT, "root": bazel.ROOT, "labels": sorted(labels), "flags": list(flags),
            "startup": bazel.startup_flags(), "user": os.geteuid(),
            "environment": {name: value for name, value in sorted(os.environ.items())
                            if name in VARIABLES or name.startswith("BAZEL")}}
        name = hashlib.sha256(json.dumps(self._question, sort_keys=True).encode()).hexdigest()
        self._path = os.path.join(_cache(), name + ".json")

    def folder(self):
        """The folder that bazel-bin stands for, if all in it that was asked for is up to date;
        None if only Bazel knows."""
        try:
            if not (_is_ours(os.path.dirname(self._path)) and _is_ours(self._path)):
                return None
            with open(self._path, encoding="utf-8") as file:
                known = json.load(file)
            if known["question"] != self._question:
                return None
            same = all(identity(path) == old for path, old in known["files"].items())
            return known["folder"] if same else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def write(self, folder, products, labels, output_base, since_ns):
        """Notes that the products are up to date, unless there is a doubt.

        products: {path: identity} as they were when the build ended.
        labels: of all source, BUILD and .bzl files.
        since_ns: when the build began.
        """
        try:
            inputs = _inputs(labels, output_base) | _surroundings()
            files = {path: identity(path) for path in inputs}
            # A folder that has been put in the place of another.
            parents = [identity(path) for path in _parents(inputs)]
            latest = max(found[1] for found in [*files.values(), *parents] if found)
            if latest > since_ns - MARGIN_NS or None in products.values():
                return
            cache = os.path.dirname(self._path)
            os.makedirs(cache, mode=0o700, exist_ok=True)
            if _is_ours(cache):
                write_whole(self._path, json.dumps({
                    "question": self._question, "folder": folder,
                    "files": {**files, **products}}), 0o600)
        except (OSError, Doubt):
            pass  # Bazel is asked again

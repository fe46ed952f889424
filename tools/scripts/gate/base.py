"""Whether the base revision shows a finding as well.

The base's own fuzz target is built in a work tree of its own, outside of this one, and gets the
same program: the simplest one, in the canonical bytes of its operations, and the input itself. It
has the finding if its own output names the same signature. If the base cannot be built, or has no
such target, the finding counts as new.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile

from tools.scripts.build import bazel
from tools.scripts.common import script
from tools.scripts.gate import affected, build
from tools.scripts.mutants import trial

BUILD_SCRIPT = os.path.join("tools", "cli", "build.sh")


def worktree_path(root):
    """One for each checkout, so that bazel need not begin anew within one run of the gate.

    Bazel builds in no folder whose name has a space or worse.
    """
    name = hashlib.sha1(os.fsencode(root)).hexdigest()[:12]
    folder = tempfile.gettempdir()
    return os.path.join(folder if affected.PLAIN.fullmatch(folder) else "/tmp",
                        f"rmapdiff-gate-base-{name}")


class Base:
    """A work tree of the base revision; `with` removes it again, with all that was built."""

    def __init__(self, root, revision):
        self._root = root
        self._revision = revision
        self._tree = worktree_path(root)
        self._built = {}
        self._used_bazel = False

    def __enter__(self):
        self._remove()
        subprocess.run(["git", "worktree", "add", "--detach", "--force", self._tree,
                        self._revision], cwd=self._root, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)
        own = os.path.join(self._root, ".bazelrc.user")
        if os.path.exists(own):
            shutil.copyfile(own, os.path.join(self._tree, ".bazelrc.user"))
        return self

    def __exit__(self, *_):
        if self._used_bazel:
            subprocess.run(["bazel", *bazel.startup_flags(), "clean", "--expunge"],
                           cwd=self._tree, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           check=False)
        self._remove()

    def _remove(self):
        """This one alone: `git worktree prune` would forget others that are away for a while."""
        subprocess.run(["git", "worktree", "remove", "--force", self._tree], cwd=self._root,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(self._tree, ignore_errors=True)

    def _build(self, name):
        """The base's own build.Target, None if there is none."""
        if not os.path.exists(os.path.join(self._tree, BUILD_SCRIPT)):
            return None
        self._used_bazel = True
        try:
            built = script.run_build(self._tree, [f"fuzzers/{name}_bin", *affected.parts_of(name)])
        except script.Failure:
            return None
        # An older script names no folder; then the link is ours, as the tree is.
        folder = os.path.join(built or os.path.join(self._tree, "bazel-bin"), "fuzzers")
        return build.read_target(folder, name)

    def target(self, name):
        """As it is in the base; None if it cannot be built."""
        if name not in self._built:
            self._built[name] = self._build(name)
        return self._built[name]


def inputs_of(found, tool, scratch):
    """Paths of what to give to both: the canonical bytes of the program, and the input itself."""
    paths = []
    canonical = os.path.join(scratch, "canonical-" + os.path.basename(found.artifact))
    if found.minimal and tool.assemble(found.minimal, canonical):
        paths.append(canonical)
    return paths + [found.artifact]


def compare(found, target, base, tool, scratch):
    """Sets in_base or base_note of a finding; `target` is that of the tree as it is."""
    before = base.target(found.target)
    if before is None:
        found.base_note = "the base revision cannot be built, so it counts as new"
        return
    for path in inputs_of(found, tool, scratch):
        here = trial.shows([target.binary, *target.options], path)
        if here and here == trial.shows([before.binary, *before.options], path):
            found.in_base = True
            return

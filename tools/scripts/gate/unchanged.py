"""Whether a change leaves the fuzz targets as they are: a comment, say.

The proof is that the programs which the base builds are the same code as those of this tree, with
the same options and seeds. A second build costs minutes where nothing is compiled yet. So it is
tried only if the files that targets are built from differ in comments and layout alone, and if what
was compiled before is kept on disk.
"""

import filecmp
import os
import re
import subprocess

from tools.bazel_rules import replay
from tools.scripts.gate import machine_code

# A string or a character stays, a comment is a space.
_CODE = re.compile(r'("(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')|//[^\n]*|/\*.*?\*/', re.DOTALL)
_OPS = re.compile(r"()^\s*#[^\n]*", re.MULTILINE)
LANGUAGES = {".cc": _CODE, ".h": _CODE, ".ops": _OPS}


def _words(language, text):
    return language.sub(lambda match: match[1] or " ", text).split()


def _differs_in_comments_only(root, revision, name):
    language = LANGUAGES.get(os.path.splitext(name)[1])
    before = subprocess.run(["git", "show", f"{revision}:./{name}"], cwd=root, check=False,
                            stdin=subprocess.DEVNULL, capture_output=True)
    if language is None or before.returncode != 0:
        return False
    with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
        return _words(language, file.read()) == _words(
            language, before.stdout.decode("utf-8", "replace"))


def is_worth_a_try(root, revision, files):
    """Whether to build the base for a proof; `files` are what targets are built from."""
    settings = os.path.join(root, ".bazelrc.user")
    if not files or not os.path.exists(settings):
        return False
    with open(settings, encoding="utf-8") as file:
        if "--disk_cache=" not in file.read():
            return False
    return all(_differs_in_comments_only(root, revision, name) for name in files)


def _same_seeds(folder, other):
    names = [sorted(os.path.basename(path) for path in replay.list_seeds(each))
             for each in (folder, other)]
    return names[0] == names[1] and filecmp.cmpfiles(
        folder, other, names[0], shallow=False)[1:] == ([], [])


def is_same(target, before):
    """Whether two build.Targets, the second None if it cannot be built, behave the same."""
    if before is None or target.options != before.options:
        return False
    try:
        return (machine_code.is_same_code(target.binary, before.binary)
                and _same_seeds(target.seeds, before.seeds))
    except (machine_code.NotReadable, OSError):
        return False

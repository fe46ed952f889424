"""Checks the source tree: one finding a line, as `file:line: what, expected what`.

Usage: tools/scripts/start.sh tools.presubmit.presubmit [ROOT]      the whole tree
         ... --staged                what `git commit` would take, in seconds

exemptions.txt beside this file lists what may break which rule, and why; an exemption that is not
needed is a finding itself. Of the staged files the contents in git's index count, not those in the
work tree; a rule that needs the whole tree is left out (WHOLE_TREE).

Exit code: 0 nothing found, 1 findings, 2 wrong usage, 3 the environment (no clang-format).
"""

import os
import subprocess
import sys
import tempfile

from tools.bazel_rules import junit
from tools.presubmit import (build_rules, code_rules, habit_rules, prose_rules, python_rules,
                             shell_rules, skip_rules, text_rules)
from tools.presubmit.tree import Finding, Tree

RULES = {
    "build-format": build_rules.check_build_format,
    "changelog": habit_rules.check_changelog,
    "clause": prose_rules.check_clauses,
    "dead-seed": build_rules.check_dead_seeds,
    "editorconfig": habit_rules.check_editorconfig,
    "format": code_rules.check_format,
    "function-length": code_rules.check_function_length,
    "header-comment": code_rules.check_header_comments,
    "header-guard": code_rules.check_header_guards,
    "import": python_rules.check_imports,
    "include-arrow": code_rules.check_include_arrows,
    "independence": code_rules.check_independence,
    "line-length": text_rules.check_line_length,
    "link": text_rules.check_links,
    "name": text_rules.check_names,
    "open-end": text_rules.check_open_ends,
    "process": code_rules.check_processes,
    "script": text_rules.check_scripts,
    "seed-idea": build_rules.check_seed_ideas,
    "sentence-length": prose_rules.check_sentence_length,
    "shell-text": shell_rules.check_shell_text,
    "size": text_rules.check_sizes,
    "skip": skip_rules.check_skips,
    "syntax": python_rules.check_syntax,
    "white-space": text_rules.check_white_space,
    "word": prose_rules.check_words,
}

# Says nothing true of a part of the tree: it asks whether anything in it uses a thing.
WHOLE_TREE = "skip"

EXEMPTIONS = "tools/presubmit/exemptions.txt"


def read_exemptions(tree):
    """{(rule, path): line} of the lines `rule path reason`, and what is wrong with their list."""
    exemptions, findings = {}, []
    for number, line in tree.lines(EXEMPTIONS) if tree.exists(EXEMPTIONS) else ():
        words = line.split(maxsplit=2)
        if not words or line.startswith("#"):
            continue
        if len(words) < 3 or words[0] not in RULES:
            findings.append(Finding(EXEMPTIONS, number, "bad exemption", "'rule path reason'"))
        else:
            exemptions[words[0], words[1]] = number
    return exemptions, findings


def check(tree, whole=True):
    """All findings by rule, those about exemptions under "exemption".

    whole: whether the tree is one, not the staged part of one.
    """
    exemptions, complaints = read_exemptions(tree)
    findings, used = {}, set()
    for rule, look in RULES.items():
        if whole or rule != WHOLE_TREE:
            found = sorted(look(tree))
            used.update((rule, finding.path) for finding in found)
            findings[rule] = [item for item in found if (rule, item.path) not in exemptions]
    if whole:
        complaints += [Finding(EXEMPTIONS, exemptions[rule, path],
                               f"{path} needs no exemption from {rule}", "no such line")
                       for rule, path in exemptions.keys() - used]
    return {**findings, "exemption": complaints}


def _git(*words):
    done = subprocess.run(["git", *words], stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise OSError(0, "failed", "git " + words[0])  # It has said why.
    return os.fsdecode(done.stdout)


def check_staged():
    """The exit code for what is staged. The whole index is written into a scratch folder for it, so
    that links and includes lead somewhere."""
    names = _git("diff", "--cached", "--name-only", "--no-renames", "-z")
    paths = frozenset(names.split("\0")) - {""}
    with tempfile.TemporaryDirectory(prefix="rmapdiff-staged-") as scratch:
        if paths:
            _git("checkout-index", "--all", f"--prefix={os.path.realpath(scratch)}/")
        return report(Tree(scratch, paths), whole=False)


def report(tree, whole=True):
    """Prints the findings, a test case for each rule; returns the exit code."""
    findings = check(tree, whole)
    for rule, found in findings.items():
        for finding in found:
            print(f"{finding} [{rule}]")
    junit.write([("presubmit", rule, "\n".join(map(str, found)), "")
                 for rule, found in findings.items()])
    total = sum(map(len, findings.values()))
    print(f"presubmit: {len(tree.paths)} files, {len(findings)} rules, {total} findings")
    return 1 if total else 0


def run(words):
    if words == ["--staged"]:
        return check_staged()
    if len(words) > 1 or words and words[0].startswith("-"):
        print("presubmit: expected --staged or [ROOT]", file=sys.stderr)
        return 2
    # Under Bazel the argument is a link to a file of the real root.
    root = os.path.realpath(words[0] if words else ".")
    return report(Tree(root if os.path.isdir(root) else os.path.dirname(root)))


def main():
    try:
        return run(sys.argv[1:])
    except OSError as error:
        print(f"presubmit: {error.filename}: {error.strerror}", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main())

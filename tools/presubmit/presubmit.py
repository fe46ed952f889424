"""Checks the source tree: one finding a line, as `file:line: what, expected what`.

Usage: tools/scripts/start.sh tools.presubmit.presubmit [ROOT]      the whole tree
         ... --staged                what `git commit` would take, in seconds
         ... --lower-limits [ROOT]   writes the counts of today into limits.txt

exemptions.txt beside this file lists what may break which rule, and why; an exemption that is not
needed is a finding itself. limits.txt counts what each file may have of what prose_rules.py
forbids. Of the staged files the contents in git's index count, not those in the work tree; rules
that need the whole tree are left out (WHOLE_TREE).

Exit code: 0 nothing found, 1 findings, 2 wrong usage, 3 the environment (no clang-format).
"""

import dataclasses
import os
import subprocess
import sys
import tempfile
from xml.sax import saxutils

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
    "white-space": text_rules.check_white_space,
    "word": prose_rules.check_words,
}

# Rules that say nothing true of a part of the tree: each asks whether anything in it uses a thing.
WHOLE_TREE = frozenset(("dead-seed", "skip"))

EXEMPTIONS = "tools/presubmit/exemptions.txt"


@dataclasses.dataclass
class Exemption:
    """One line of exemptions.txt: `rule path reason`."""

    rule: str
    path: str
    line: int
    used: bool = False


def read_exemptions(tree):
    """Returns the exemptions and what is wrong with their list."""
    exemptions, findings = [], []
    if not tree.exists(EXEMPTIONS):
        return exemptions, findings
    for number, line in tree.lines(EXEMPTIONS):
        words = line.split(maxsplit=2)
        if not words or line.startswith("#"):
            continue
        if len(words) < 3 or words[0] not in RULES:
            findings.append(Finding(EXEMPTIONS, number, "bad exemption", "'rule path reason'"))
        else:
            exemptions.append(Exemption(words[0], words[1], number))
    return exemptions, findings


def _is_exempt(rule, finding, exemptions):
    fitting = [item for item in exemptions if (item.rule, item.path) == (rule, finding.path)]
    for exemption in fitting:
        exemption.used = True
    return bool(fitting)


def check(tree):
    """All findings by rule, those about exemptions under "exemption"."""
    exemptions, complaints = read_exemptions(tree)
    findings = _check(tree, RULES, exemptions)
    for exemption in exemptions:
        if not exemption.used:
            what = f"{exemption.path} needs no exemption from {exemption.rule}"
            complaints.append(Finding(EXEMPTIONS, exemption.line, what, "no such line"))
    findings["exemption"] = complaints
    return findings


def check_part(tree):
    """The same of a tree of some files, by the rules that need no others."""
    return _check(tree, [rule for rule in RULES if rule not in WHOLE_TREE],
                  read_exemptions(tree)[0])


def _check(tree, rules, exemptions):
    return {rule: sorted(finding for finding in RULES[rule](tree)
                         if not _is_exempt(rule, finding, exemptions)) for rule in rules}


def _git(*words):
    done = subprocess.run(["git", *words], stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise OSError(0, "failed", "git " + words[0])  # It has said why.
    return os.fsdecode(done.stdout)


def check_staged():
    """Findings of what is staged. The whole index is written into a scratch folder for it, so that
    links and includes lead somewhere."""
    names = _git("diff", "--cached", "--name-only", "--no-renames", "-z")
    paths = frozenset(names.split("\0")) - {""}
    with tempfile.TemporaryDirectory(prefix="rmapdiff-staged-") as scratch:
        if paths:
            _git("checkout-index", "--all", f"--prefix={os.path.realpath(scratch)}/")
        tree = Tree(scratch, paths)
        return check_part(tree), len(tree.paths)


def lower_limits(root):
    """Writes limits.txt anew; returns the exit code."""
    try:
        text = prose_rules.lowered(Tree(root))
    except ValueError as error:
        print(error)
        return 1
    with open(os.path.join(root, prose_rules.LIMITS), "w", encoding="utf-8") as file:
        file.write(text)
    return 0


def write_xml(path, findings):
    """One test case a rule, which tools/test counts."""
    failures = sum(bool(found) for found in findings.values())
    with open(path, "w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n')
        file.write(f'<testsuite name="presubmit" tests="{len(findings)}" failures="{failures}">\n')
        for rule, found in findings.items():
            file.write(f'<testcase classname="presubmit" name="{rule}">')
            if found:
                text = saxutils.escape("\n".join(map(str, found)))
                file.write(f'<failure message="{len(found)} findings">{text}</failure>')
            file.write("</testcase>\n")
        file.write("</testsuite>\n</testsuites>\n")


def find_root(arguments):
    """The root to check. Under Bazel the only argument is a link to a file of the real root."""
    path = os.path.realpath(arguments[0] if arguments else ".")
    return path if os.path.isdir(path) else os.path.dirname(path)


def report(findings, count):
    """Prints the findings; returns the exit code. count: of the files."""
    for rule, found in findings.items():
        for finding in found:
            print(f"{finding} [{rule}]")
    total = sum(map(len, findings.values()))
    print(f"presubmit: {count} files, {len(findings)} rules, {total} findings")
    return 1 if total else 0


def run(words):
    options = [word for word in words if word.startswith("-")]
    roots = [word for word in words if not word.startswith("-")]
    if options == ["--staged"] and not roots:
        return report(*check_staged())
    if options not in ([], ["--lower-limits"]) or len(roots) > 1:
        print("presubmit: expected --staged, or [--lower-limits] [ROOT]", file=sys.stderr)
        return 2
    root = find_root(roots)
    if options:
        return lower_limits(root)
    tree = Tree(root)
    findings = check(tree)
    if os.environ.get("XML_OUTPUT_FILE"):
        write_xml(os.environ["XML_OUTPUT_FILE"], findings)
    return report(findings, len(tree.paths))


def main():
    try:
        return run(sys.argv[1:])
    except OSError as error:
        print(f"presubmit: {error.filename}: {error.strerror}", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main())

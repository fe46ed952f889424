"""Checks the source tree: one finding a line, as `file:line: what, expected what`.

Usage: tools/scripts/start.sh tools.presubmit.presubmit [ROOT]

exemptions.txt beside this file lists what may break which rule, and why; an exemption that is not
needed is a finding itself. Exit code: 0 nothing found, 1 findings.
"""

import dataclasses
import os
import sys
from xml.sax import saxutils

from tools.presubmit import (build_rules, code_rules, python_rules, shell_rules, skip_rules,
                             text_rules)
from tools.presubmit.tree import Finding, Tree

RULES = {
    "build-format": build_rules.check_build_format,
    "dead-seed": build_rules.check_dead_seeds,
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
    "script": text_rules.check_scripts,
    "seed-idea": build_rules.check_seed_ideas,
    "shell-text": shell_rules.check_shell_text,
    "size": text_rules.check_sizes,
    "skip": skip_rules.check_skips,
    "white-space": text_rules.check_white_space,
}

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
    findings = {}
    for rule, function in RULES.items():
        findings[rule] = sorted(
            finding for finding in function(tree) if not _is_exempt(rule, finding, exemptions))
    for exemption in exemptions:
        if not exemption.used:
            what = f"{exemption.path} needs no exemption from {exemption.rule}"
            complaints.append(Finding(EXEMPTIONS, exemption.line, what, "no such line"))
    findings["exemption"] = complaints
    return findings


def write_xml(path, findings):
    """One test case a rule, for whoever counts them."""
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


def main():
    tree = Tree(find_root(sys.argv[1:]))
    findings = check(tree)
    if os.environ.get("XML_OUTPUT_FILE"):
        write_xml(os.environ["XML_OUTPUT_FILE"], findings)
    for rule, found in findings.items():
        for finding in found:
            print(f"{finding} [{rule}]")
    count = sum(map(len, findings.values()))
    print(f"presubmit: {len(tree.paths)} files, {len(findings)} rules, {count} findings")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())

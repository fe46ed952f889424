"""The ratchet of the rules on prose: limits.txt counts the older findings, in a line for each file.

A file may have as many as its line says, and a file without a line none. A file that gets another
name needs no new line: the files without one share the sum of the lines whose files are gone.
`... --lower-limits` (presubmit.py) writes the counts of today, and refuses a higher one.
"""

import collections

from tools.presubmit import prose_rules
from tools.presubmit.tree import Finding

LIMITS = "tools/presubmit/limits.txt"

# By rule: all that it finds, before the limits.
RULES = {
    "clause": prose_rules.check_clauses,
    "sentence-length": prose_rules.check_sentence_length,
    "word": prose_rules.check_words,
}


class Limits:
    """How many findings of a rule each file may still have."""

    def __init__(self, tree):
        self.counts = {}  # (rule, path): count
        self.complaints = []
        if not tree.exists(LIMITS):
            return
        for number, line in tree.lines(LIMITS):
            words = line.split()
            if not words or line.startswith("#"):
                continue
            if len(words) == 3 and words[0] in RULES and words[2].isdigit():
                self.counts[words[0], words[1]] = int(words[2])
            else:
                self.complaints.append(Finding(LIMITS, number, "bad limit", "'rule path count'"))

    def left_over(self, tree, rule):
        """The sum of the lines whose files are gone."""
        return sum(count for (name, path), count in self.counts.items()
                   if name == rule and not tree.exists(path))


def _by_path(findings):
    found = collections.defaultdict(list)
    for finding in sorted(findings):
        found[finding.path].append(finding)
    return found


def excess(rule, tree):
    """The findings of files that have more than they may."""
    limits = Limits(tree)
    if rule == "word":
        yield from limits.complaints
    found = _by_path(RULES[rule](tree))
    fresh = {path: list_ for path, list_ in found.items() if (rule, path) not in limits.counts}
    pardoned = sum(map(len, fresh.values())) <= limits.left_over(tree, rule)
    for path, findings in found.items():
        allowed = limits.counts.get((rule, path), len(findings) if pardoned else 0)
        if allowed == 0:
            yield from findings
        elif len(findings) > allowed:
            lines = ", ".join(str(finding.line) for finding in findings)
            last = findings[-1]
            yield Finding(path, last.line, f"{last.what}; {len(findings)} such lines",
                          f"at most the {allowed} of {LIMITS} (lines {lines})")


def lowered(tree):
    """The text of limits.txt with the counts of today; raises a ValueError if one has risen."""
    lines = [line for _, line in tree.lines(LIMITS) if line.startswith("#")]
    for rule, look in RULES.items():
        for finding in excess(rule, tree):
            raise ValueError(f"{finding} [{rule}]")
        found = _by_path(look(tree))
        lines += [f"{rule} {path} {len(findings)}" for path, findings in found.items()]
    return "\n".join(lines) + "\n"

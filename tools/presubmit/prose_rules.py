"""Rules on prose: the actor, then the verb, then the object; one idea and few words a sentence.

They are a ratchet. limits.txt counts the older findings, in a line for each file. A file may have
as many as its line says, and a file without a line none. A file that gets another name needs no
new line: the files without one share the sum of the lines whose files are gone.
`... --lower-limits` (presubmit.py) writes the counts of today, and refuses a higher one.
"""

import collections
import re

from tools.presubmit import prose
from tools.presubmit.tree import CPP_SUFFIXES, Finding

LIMITS = "tools/presubmit/limits.txt"

MAX_SENTENCE_WORDS = 20

# Between two words: white space, or the end of a line in a comment or in a text of two literals.
_GAP = r'(?:[ \t]+|[ \t]*"?\n[ \t]*(?:(?://|#|f?")[ \t]*)?)'

# A message that names the opposite of the thing. "There is no X" remains.
_IS_NO = r"(?:[Tt]here )?is n" r"o(?! longer\b| more\b)"

# Forbidden words and their cure. Spelled in pieces, or this file would break its own rule.
_WORDS = {
    r"who" r"ever": "the actor by its name",
    r"no" r"body": "the actor by its name, or `no caller`",
    r"to be" r" had": "`available`, or the actor that gives it",
    r"told" r" apart": "`distinguished`, with the actor",
    r"of no" r" use": "what it cannot do",
    _IS_NO: "`expected X`, or `there is " "no X`",
}

# A relative clause without a noun before it.
_ACTOR_WHO = (r"(?:for|by|of|to|from|as|with|than|and|or|but|so|is|are|says?|tells?|knows?|shows?|"
              r"asks?|decides?|names?) w" r"ho")

_LOOKS = [(re.compile(r"\b" + pattern.replace(" ", _GAP) + r"\b"), better)
          for pattern, better in {**_WORDS, _ACTOR_WHO: "the actor by its name"}.items()]

_CLAUSE = re.compile(r"[\"'(*]*(?:Wh" r"at|Wh" r"o)\b(?!'s\b)")

# Text that others define, or that shows what a program prints; and the samples of the rules' test.
_VERBATIM = (".golden", ".patch", ".svg", ".json", ".dict", "LICENSE", LIMITS,
             "prose_rules_test.py")


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
            if len(words) == 3 and words[0] in RATCHETS and words[2].isdigit():
                self.counts[words[0], words[1]] = int(words[2])
            else:
                self.complaints.append(Finding(LIMITS, number, "bad limit", "'rule path count'"))

    def left_over(self, tree, rule):
        """The sum of the lines whose files are gone."""
        return sum(count for (name, path), count in self.counts.items()
                   if name == rule and not tree.exists(path))


def _documents(tree):
    """The files that have prose of ours."""
    for path in tree.text_paths():
        if not path.endswith(_VERBATIM) and not path.startswith("corpus/"):
            yield path


def _line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def _words(tree):
    """Forbidden words and phrases, in any text of the file."""
    for path in _documents(tree):
        text = tree.text(path)
        if path.endswith(".md"):
            code = {number for number, _, in_code in prose.document_lines(tree, path) if in_code}
            text = "\n".join("" if number in code else line for number, line in tree.lines(path))
        for look, better in _LOOKS:
            for match in look.finditer(text):
                if match.group().lower().startswith("there"):
                    continue
                what = f"'{' '.join(match.group().split())}'"
                yield Finding(path, _line_of(text, match.start()), what, better)


def _clauses(tree):
    """Sentences whose subject is a clause, and captions of that form, but no questions."""
    for path in _documents(tree):
        if not (path.endswith(".md") or prose.comment_mark(tree, path)):
            continue
        for sentence in prose.sentences(tree, path):
            if _CLAUSE.match(sentence.text) and not sentence.text.endswith("?"):
                what = f"'{sentence.text.split()[0]}' begins a sentence"
                yield Finding(path, sentence.line, what, "the actor, then the verb")


def _long_sentences(tree):
    """Of documents and of the comments in headers, where strangers read."""
    for path in tree.matching(".md", *CPP_SUFFIXES[1:]):
        if path.startswith("corpus/"):
            continue
        for sentence in prose.sentences(tree, path):
            count = len(sentence.words())
            if count > MAX_SENTENCE_WORDS:
                yield Finding(path, sentence.line, f"a sentence of {count} words",
                              f"at most {MAX_SENTENCE_WORDS}")


# By rule: all that it finds, before the limits.
RATCHETS = {"clause": _clauses, "sentence-length": _long_sentences, "word": _words}


def _by_path(findings):
    found = collections.defaultdict(list)
    for finding in sorted(findings):
        found[finding.path].append(finding)
    return found


def _excess(rule, tree):
    """The findings of files that have more than they may."""
    limits = Limits(tree)
    found = _by_path(RATCHETS[rule](tree))
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


def check_words(tree):
    yield from Limits(tree).complaints
    yield from _excess("word", tree)


def check_clauses(tree):
    yield from _excess("clause", tree)


def check_sentence_length(tree):
    yield from _excess("sentence-length", tree)


def lowered(tree):
    """The text of limits.txt with the counts of today; raises a ValueError if one has risen."""
    limits = Limits(tree)
    lines = [line for _, line in tree.lines(LIMITS) if line.startswith("#")]
    for rule, look in RATCHETS.items():
        excess = next(_excess(rule, tree), None)
        if excess:
            raise ValueError(f"{excess} [{rule}]")
        found = _by_path(look(tree))
        lines += [f"{rule} {path} {len(findings)}" for path, findings in found.items()]
    if limits.complaints:
        raise ValueError(str(limits.complaints[0]))
    return "\n".join(lines) + "\n"

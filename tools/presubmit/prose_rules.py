"""Rules on prose: the actor, then the verb, then the object; one idea and few words a sentence."""

import re

from tools.presubmit.prose import comment_mark, document_text, sentences
from tools.presubmit.tree import CPP_SUFFIXES, Finding, line_of

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
_VERBATIM = (".golden", ".patch", ".svg", ".json", ".dict", "LICENSE",
             "prose_rules_test.py")


def _documents(tree):
    """The files that have prose of ours."""
    for path in tree.text_paths():
        if not path.endswith(_VERBATIM) and not path.startswith("corpus/"):
            yield path


def check_words(tree):
    """Forbidden words and phrases, in any text of the file."""
    for path in _documents(tree):
        text = document_text(tree, path) if path.endswith(".md") else tree.text(path)
        for look, better in _LOOKS:
            for match in look.finditer(text):
                if not match.group().lower().startswith("there"):
                    what = f"'{' '.join(match.group().split())}'"
                    yield Finding(path, line_of(text, match.start()), what, better)


def check_clauses(tree):
    """Sentences whose subject is a clause, and captions of that form, but no questions."""
    for path in _documents(tree):
        if not (path.endswith(".md") or comment_mark(tree, path)):
            continue
        for sentence in sentences(tree, path):
            if _CLAUSE.match(sentence.text) and not sentence.text.endswith("?"):
                what = f"'{sentence.text.split()[0]}' begins a sentence"
                yield Finding(path, sentence.line, what, "the actor, then the verb")


def check_sentence_length(tree):
    """Of documents and of the comments in headers, where strangers read."""
    for path in tree.matching(".md", *CPP_SUFFIXES[1:]):
        if path.startswith("corpus/"):
            continue
        for sentence in sentences(tree, path):
            count = len(sentence.words())
            if count > MAX_SENTENCE_WORDS:
                yield Finding(path, sentence.line, f"a sentence of {count} words",
                              f"at most {MAX_SENTENCE_WORDS}")

"""Rules on shells: nothing that is made at run time, a path above all, becomes their text.

Programs are started with a list of words, by exec, and what is cleaned up at the end of a script is
named by a variable that the trap expands. What a shell reads as a program stands in a file.
"""

import re

from tools.presubmit.code_rules import cpp_code
from tools.presubmit.prose import document_text
from tools.presubmit.tree import CPP_SUFFIXES, Tree, search

CPP_CALL = re.compile(r"\b(?:system|popen|wordexp)\s*\(")
CPP_SHELL = re.compile(r'"(?:/usr)?(?:/bin/)?(?:ba|da)?sh"')

PYTHON = re.compile(
    r"\bshell\s*=\s*True\b|\bos\.(?:system|popen)\b|\bget(?:status)?output\s*\(|"
    r"\bcreate_subprocess_shell\b|(?<![\w.])eval\s*\(|"
    r"[\"'](?:/usr)?(?:/bin/)?(?:ba|da)?sh[\"'],\s*[\"']-\w*c[\"']")

SHELL = re.compile(
    r"\b(?:ba|da)?sh\s+(?:-\w+\s+)*-\w*c\b|(?:^|[;&|(`{]|\bthen\b|\bdo\b)[ \t]*eval[ \t]|"
    r"\btrap\s+\"[^\"\n]*[$`]",
    re.MULTILINE)

EXPECTED = "words for exec, or a trap in single quotes"


WHAT = "'{}' makes text for a shell"


def check_shell_text(tree):
    cpp, documents = tree.matching(*CPP_SUFFIXES), tree.matching(".md")
    # Files that are shell or hold some; scripts in other languages write such as well.
    shell = {*tree.matching(".py", ".sh", ".bzl", ".yml", ".yaml", "BUILD", "Dockerfile"),
             *tree.scripts("bash", "sh", "python3")}
    for paths, pattern, view in (
            (cpp, CPP_CALL, cpp_code), (cpp, CPP_SHELL, Tree.text),
            (tree.matching(".py", interpreter="python3"), PYTHON, Tree.text),
            (sorted(shell), SHELL, Tree.text), (documents, SHELL, _code_of_document)):
        yield from search(tree, paths, pattern, EXPECTED, WHAT, view)


def _code_of_document(tree, path):
    return document_text(tree, path, code=True)

"""Rules on shells: nothing that is made at run time, a path above all, becomes their text.

Programs are started with a list of words, by exec, and what is cleaned up at the end of a script is
named by a variable that the trap expands. What a shell reads as a program stands in a file.
"""

import re

from tools.presubmit.code_rules import blank_opaque
from tools.presubmit.text_rules import code_of_document
from tools.presubmit.tree import CPP_SUFFIXES, Finding

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


def _findings(path, text, pattern):
    for match in pattern.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield Finding(path, line, f"{match.group().strip()!r} makes text for a shell", EXPECTED)


def _shell_paths(tree):
    """Files that are shell or hold some; scripts in other languages write such as well."""
    named = [path for path in tree.text_paths()
             if path.endswith((".py", ".sh", ".bzl", ".yml", ".yaml", "BUILD", "Dockerfile"))]
    return sorted({*named, *tree.scripts("bash"), *tree.scripts("sh"), *tree.scripts("python3")})


def check_shell_text(tree):
    for path in tree.matching(*CPP_SUFFIXES):
        yield from _findings(path, blank_opaque(tree.text(path)), CPP_CALL)
        yield from _findings(path, tree.text(path), CPP_SHELL)
    for path in sorted({*tree.matching(".py"), *tree.scripts("python3")}):
        yield from _findings(path, tree.text(path), PYTHON)
    for path in _shell_paths(tree):
        yield from _findings(path, tree.text(path), SHELL)
    for path in tree.matching(".md"):
        yield from _findings(path, code_of_document(tree, path), SHELL)

"""Rules on C++, and on the length of functions in any language."""

import ast
import concurrent.futures
import os
import re
import subprocess

from tools.presubmit.tree import CPP_SUFFIXES, Finding, line_of, search

MAX_FUNCTION_LINES = 70

CLANG_FORMAT = "clang-format-19"
FORMAT_BATCH = 40
FORMAT_COMPLAINT = re.compile(
    r"^(.+?):(\d+):\d+: \w+: .*\[-Wclang-format-violations\]$", re.MULTILINE)

# Everything in C++ whose inner braces and quotes mean nothing, in the order of precedence.
OPAQUE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'|^[ \t]*#(?:\\\n|[^\n])*",
    re.DOTALL | re.MULTILINE)

# A function of C++ or of a shell, as clang-format leaves it: all of it stands further to the right
# than its first line and its last brace.
FUNCTION = re.compile(
    r"^( *)(?!(?:namespace|class|struct|union|enum|template)\b)"
    r"[\w~[](?:[^\n;]|\n\1  )*?\)[^\n]*\{\n(?:(?:\1 [^\n]*)?\n)*\1\}", re.MULTILINE)

HEADER_COMMENT = re.compile(r"(?:// SPDX-License-Identifier.*\n)?(?!// SPDX)/[/*]")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.MULTILINE)

# Headers that a build makes of more_maps/maps.bzl.
GENERATED = ("more_maps/all_maps.h", "more_maps/map_list.h")

# The layers, from the bottom to the top: code of one may include only what stands below it.
# A folder takes the longest prefix that fits it.
LAYERS = {
    "mmu/base/": ("mmu/base/",),
    "mmu/graph/": ("mmu/base/", "mmu/graph/"),
    "mmu/shadow/": ("mmu/base/", "mmu/graph/", "mmu/shadow/"),
    "mmu/": ("mmu/",),
    "legacy_mmu/": ("mmu/", "legacy_mmu/"),
    "more_maps/": ("mmu/", "more_maps/"),
    "fuzzers/program/": ("mmu/base/", "mmu/shadow/quirks.h", "fuzzers/program/"),
    "fuzzers/guest/": ("mmu/base/", "mmu/shadow/guest.h", "fuzzers/program/", "fuzzers/guest/"),
    "fuzzers/state/": ("mmu/base/", "fuzzers/program/", "fuzzers/state/"),
    "fuzzers/judges/": ("mmu/base/", "mmu/shadow/guest.h", "mmu/shadow/host.h",
                        "fuzzers/program/", "fuzzers/state/", "fuzzers/judges/"),
    "fuzzers/voices/": ("mmu/", "legacy_mmu/", "more_maps/", "fuzzers/program/", "fuzzers/guest/",
                        "fuzzers/state/", "fuzzers/judges/", "fuzzers/voices/"),
    "fuzzers/run/": ("mmu/base/", "fuzzers/program/", "fuzzers/state/", "fuzzers/judges/",
                     "fuzzers/voices/voice.h", "fuzzers/voices/reference.h", "fuzzers/run/"),
    "fuzzers/search/": ("mmu/base/", "fuzzers/program/", "fuzzers/guest/", "fuzzers/search/"),
    "fuzzers/finding/": ("mmu/base/", "fuzzers/program/", "fuzzers/state/", "fuzzers/voices/",
                         "fuzzers/run/", "fuzzers/finding/"),
    "fuzzers/": ("mmu/base/", "fuzzers/"),
    "tools/cli/": ("mmu/base/", "fuzzers/", "tools/cli/"),
}

# The rooms of the command line, and the rooms that each may include besides itself.
CLI_ROOMS = {
    "base": (),
    "programs": ("base",),
    "libfuzzer": ("base",),
    "run_folder": ("base",),
    "findings": ("base", "programs", "run_folder"),
    "fuzz": ("base", "libfuzzer", "run_folder", "findings"),
    "corpus": ("base", "libfuzzer", "run_folder", "findings"),
}
LAYERS.update(
    (f"tools/cli/{room}/",
     ("mmu/base/", "fuzzers/", *(f"tools/cli/{name}/" for name in (*below, room))))
    for room, below in CLI_ROOMS.items())

# These judge the engines, so they share nothing with them but values, even indirectly. Witnesses
# of the guest and the notifiers may also ask the simulated host, which the MMUs run on.
INDEPENDENT = "fuzzers/judges/"
WITNESS = re.compile(r"^fuzzers/judges/(?:guest_\w+|notifier_truth|used_ledger)\.(?:cc|h)$")
HOST = ("mmu/shadow/guest.h", "mmu/shadow/host.h")
VALUES = ("mmu/base/bug.h", "mmu/base/spte.h", "mmu/base/types.h")

# All of the tree's children are started, and waited for, in one place.
PROCESSES = "fuzzers/finding/child_process.cc"
PROCESS_CALL = re.compile(
    r"\b(?:v?fork|_Fork|clone3?|posix_spawnp?|wait(?:pid|id|[34])|f?exec(?:[lv][pe]?|[lv]pe|veat))"
    r"\s*\(")


def check_format(tree):
    """Each C++ file as clang-format would have it; a process for many, as its start is half of the
    time of one."""
    def complaints(paths):
        done = subprocess.run([CLANG_FORMAT, "--style=file", "--dry-run", *paths], cwd=tree.root,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise OSError(0, done.stderr.split("\n", 1)[0], CLANG_FORMAT)
        return done.stderr

    paths = tree.matching(*CPP_SUFFIXES)
    batches = [paths[at:at + FORMAT_BATCH] for at in range(0, len(paths), FORMAT_BATCH)]
    first = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for output in pool.map(complaints, batches):
            for path, line in FORMAT_COMPLAINT.findall(output):
                first[path] = min(int(line), first.get(path, int(line)))
    for path, line in first.items():
        yield Finding(path, line, "format", f"what `{CLANG_FORMAT} -i` makes of it")


def cpp_code(tree, path):
    """C++ without comments, literals and preprocessor lines; line breaks stay."""
    return OPAQUE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), tree.text(path))


def functions(tree, path):
    """(first line, last line) of each function of Python, or that is not within another one."""
    if path.endswith((".py", ".bzl")):
        return [(node.lineno, node.end_lineno) for node in ast.walk(tree.python(path)[0])
                if isinstance(node, ast.FunctionDef)]
    text = cpp_code(tree, path) if path.endswith(CPP_SUFFIXES) else tree.text(path)
    return [(line_of(text, match.start()), line_of(text, match.end()))
            for match in FUNCTION.finditer(text)]


def check_function_length(tree):
    for path in tree.matching(*CPP_SUFFIXES, ".py", ".bzl", interpreter="bash"):
        for first, last in functions(tree, path):
            if last - first >= MAX_FUNCTION_LINES:
                yield Finding(path, first, f"a function of {last - first + 1} lines",
                              f"at most {MAX_FUNCTION_LINES}")


def check_header_guards(tree):
    for path in tree.matching(".h"):
        guard = "RMAPDIFF_" + re.sub(r"\W", "_", path).upper() + "_"
        if not re.match(rf"(?:(?!#).*\n)*#ifndef {guard}\n#define {guard}\n(?s:.*)\n"
                        rf"#endif  // {guard}\s*\Z", tree.text(path)):
            yield Finding(path, 1, "no header guard of the right name", guard)


def check_header_comments(tree):
    """A header opens with its contract, or with the licence line and then its contract."""
    for path in tree.matching(".h"):
        if not HEADER_COMMENT.match(tree.text(path)):
            yield Finding(path, 1, "no opening comment", "what the header promises")


def includes(tree, path):
    """Line and name of each quoted include."""
    text = tree.text(path)
    return [(line_of(text, match.start()), match[1]) for match in INCLUDE.finditer(text)]


def _layer(path):
    fitting = [prefix for prefix in LAYERS if path.startswith(prefix)]
    return max(fitting, key=len) if fitting else None


def _is_of_tree(tree, name):
    """Whether an include names a file by its path here; others are the libraries'."""
    return tree.exists(name.split("/", 1)[0]) and "/" in name or ".." in name


def check_include_arrows(tree):
    """Code includes what stands below it, by its path from the root."""
    for path in tree.matching(*CPP_SUFFIXES):
        layer = _layer(path)
        for number, name in includes(tree, path):
            if not _is_of_tree(tree, name):
                continue
            if not tree.exists(name) and name not in GENERATED:
                yield Finding(path, number, f"include of {name}", "a path from the root")
            elif layer and not name.startswith(LAYERS[layer]):
                below = ", ".join(LAYERS[layer])
                yield Finding(path, number, f"include of {name}", f"only {below}")


def _reached(tree, path):
    """All headers that a file includes, with the line of its own that leads to each."""
    reached = {}
    for number, name in includes(tree, path):
        pending = [name]
        while pending:
            header = pending.pop()
            if header not in reached and tree.exists(header):
                reached[header] = number
                pending.extend(inner for _, inner in includes(tree, header))
    return reached


def check_independence(tree):
    for path in tree.matching(*CPP_SUFFIXES):
        if not path.startswith(INDEPENDENT):
            continue
        allowed = VALUES + HOST if WITNESS.match(path) else VALUES
        for header, number in sorted(_reached(tree, path).items()):
            if header.startswith(("mmu/", "legacy_mmu/", "more_maps/")) and header not in allowed:
                yield Finding(path, number, f"reaches {header}", f"only {', '.join(allowed)}")


def check_processes(tree):
    paths = [path for path in tree.matching(*CPP_SUFFIXES) if path != PROCESSES]
    return search(tree, paths, PROCESS_CALL, f"ChildProcess of {PROCESSES}", "{})", cpp_code)

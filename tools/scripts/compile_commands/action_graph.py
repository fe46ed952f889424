"""From Bazel's action graph to a compilation database: pure, without Bazel and without a disk.

`bazel aquery --output=jsonproto` names each action that compiles, with its words. Of a source that
is compiled in several configurations the plainest one is taken: no sanitizer, 64 bits. Bazel says
nothing of headers, which a compiler finds by itself: a header gets the words of a source that
includes it, straight or through other headers.
"""

import collections
import os
import re

HEADER, SOURCE = ".h", ".cc"

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)

# Words that write files, or that differ from one object to the next.
_DROPPED = ("-MD", "-frandom-seed=")
_DROPPED_WITH_VALUE = ("-MF", "-o")

# Words whose value is a folder.
_FOLDERS = ("-iquote", "-isystem", "-I")


def _source(words):
    return words[words.index("-c") + 1]


def _is_ours(path):
    return not path.startswith(("external/", "bazel-out/"))


def words_of_sources(answer):
    """{source of the tree: the words of the plainest action that compiles it}."""
    mnemonics = {item["id"]: item["mnemonic"] for item in answer["configuration"]}

    def rank(action):
        mnemonic, words = mnemonics[action["configurationId"]], action["arguments"]
        return ("fastbuild" not in mnemonic, "-m32" in words, "-ST-" in mnemonic, len(words), words)

    found = {}
    for action in sorted(answer["actions"], key=rank):
        if action["mnemonic"] == "CppCompile":
            found.setdefault(_source(action["arguments"]), action["arguments"])
    return {path: words for path, words in found.items() if _is_ours(path)}


def headers_of(path, read):
    """The headers of the tree that a file includes, straight or through others."""
    found, pending = set(), [path]
    while pending:
        for name in INCLUDE.findall(read(pending.pop())):
            if name not in found and name.endswith(HEADER) and read(name):
                found.add(name)
                pending.append(name)
    return found


def sources_of_headers(sources, read):
    """{header: the source that shows best how it is compiled}.

    That is its namesake, or else the source that includes the fewest headers beside it.
    """
    headers = {path: headers_of(path, read) for path in sources}
    found = {}
    for path in sorted(sources, key=lambda path: (len(headers[path]), path)):
        for header in headers[path]:
            namesake = header[:-len(HEADER)] + SOURCE
            found.setdefault(header, namesake if namesake in headers else path)
    return found


# root: the checkout. output_base, execution_root: as `bazel info` names them.
Places = collections.namedtuple("Places", "root output_base execution_root")


def _resolved(folder, places):
    """A folder of Bazel's words as it can be opened from the root of the checkout."""
    if folder.startswith("external/"):
        return os.path.join(places.output_base, folder)
    if folder.startswith("bazel-out/"):
        return os.path.join(places.execution_root, folder)
    return folder


def _command(path, words, places):
    """The words that compile `path` from the root of the checkout and write nothing beside it."""
    command, rest = [], iter(words)
    for word in rest:
        if word in _DROPPED_WITH_VALUE:
            next(rest)
        elif word == "-c":
            next(rest)
            command += ["-x", "c++-header"] if path.endswith(HEADER) else []
            command += ["-c", path]
        elif word in _FOLDERS:
            command += [word, _resolved(next(rest), places)]
        elif not word.startswith(_DROPPED):
            command.append(word)
    return command


def entries(answer, places, read):
    """The entries of compile_commands.json, sorted by file.

    answer: of `bazel aquery --output=jsonproto`, as parsed.
    read: the text of a file, from its path as seen from the root; "" if the tree has none.
    Raises a KeyError, ValueError or IndexError if the answer has another form.
    """
    words = words_of_sources(answer)
    files = {**{path: path for path in words}, **sources_of_headers(words, read)}
    return [{"directory": places.root, "file": path,
             "arguments": _command(path, words[source], places)}
            for path, source in sorted(files.items())]

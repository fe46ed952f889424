"""The demands of OSS-Fuzz on a build, as functions of its files and of their output.

Each returns complaints, none if all is well. The limits are those of the check that the run image
does of every build; where it only warns, a complaint is made here all the same.
"""

import configparser
import os
import re
import zipfile

MIN_EDGES = 100
MIN_ASAN_CALLS = 1000
MIN_UBSAN_CALLS = 168
# The runtimes call themselves and each other a little.
MAX_FOREIGN_UBSAN_CALLS = {"x86_64": 200, "i386": 280}
MAX_FOREIGN_ASAN_CALLS = 0

RUNS = 4

TARGET_NAME = re.compile(r"[A-Za-z0-9_-]+")
OPTION_SECTIONS = ("libfuzzer", "asan", "msan", "ubsan")
CALL = re.compile(rb"\scallq?\s+[0-9a-f]+ <__(asan|ubsan)")
EDGES = re.compile(r"INFO: Loaded \d+ modules? +\((\d+) [^)]*(?:counters|guards)\)")
KNOWN_FLAG = re.compile(r"^ (\w+)\s+\S+\s", re.MULTILINE)

# The class of an ELF file and the machine it is for.
ELF = {"x86_64": (2, 62), "i386": (1, 3)}

# Libraries of the run image: libc's family, and the C++ library of the runtime that Debian builds.
LIBRARIES = re.compile(
    r"(?:ld-linux[\w-]*|lib(?:c|m|dl|rt|pthread|resolv|gcc_s|stdc\+\+))\.so\.\d+")


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def find_targets(out):
    """The fuzz targets in $OUT, found as the run image finds them."""
    found = []
    for name in sorted(os.listdir(out)):
        path = os.path.join(out, name)
        if not os.path.isfile(path) or not os.access(path, os.X_OK) or not is_elf(path):
            continue
        with open(path, "rb") as file:
            if b"LLVMFuzzerTestOneInput" in file.read():
                found.append(name)
    return found


def check_architecture(path, architecture):
    with open(path, "rb") as file:
        head = file.read(20)
    found = (head[4], int.from_bytes(head[18:20], "little"))
    if found != ELF[architecture]:
        return [f"class {found[0]}, machine {found[1]} in the ELF header, expected {architecture}"]
    return []


def check_libraries(headers):
    """Of `objdump -p`: a library that the run image lacks keeps a target from starting."""
    needed = re.findall(r"^\s+NEEDED\s+(\S+)", headers, re.MULTILINE)
    return [f"needs {name}, expected it to be linked in"
            for name in needed if not LIBRARIES.fullmatch(name)]


def count_calls(disassembly):
    """How often the runtimes of the sanitizers are called, of the lines of `objdump -dC`."""
    calls = {"asan": 0, "ubsan": 0}
    for line in disassembly:
        match = CALL.search(line)
        if match:
            calls[match.group(1).decode()] += 1
    return calls


def check_calls(configuration, calls):
    """That the sanitizer is there, and the other one is not: OSS-Fuzz refuses a mixture."""
    if configuration.sanitizer == "address":
        most = MAX_FOREIGN_UBSAN_CALLS[configuration.architecture]
        if calls["asan"] < MIN_ASAN_CALLS:
            return [f"{calls['asan']} calls of ASan, expected at least {MIN_ASAN_CALLS}"]
        if calls["ubsan"] > most:
            return [f"{calls['ubsan']} calls of UBSan beside ASan, expected at most {most}"]
    # The runtime that comes with AFL++'s driver is built in its own way, so the image looks no
    # further.
    if configuration.sanitizer == "undefined" and configuration.engine == "libfuzzer":
        if calls["asan"] > MAX_FOREIGN_ASAN_CALLS:
            return [f"{calls['asan']} calls of ASan beside UBSan, expected none"]
        if calls["ubsan"] < MIN_UBSAN_CALLS:
            return [f"{calls['ubsan']} calls of UBSan, expected at least {MIN_UBSAN_CALLS}"]
    return []


def count_edges(output):
    """The edges that libFuzzer says it sees; None if it has not come so far."""
    match = EDGES.search(output)
    return int(match.group(1)) if match else None


def check_engine(output):
    """Of `TARGET -runs=4`."""
    if "ERROR: no interesting inputs were found" in output:
        return ["libFuzzer sees no coverage"]
    edges = count_edges(output)
    if edges is None:
        return ["libFuzzer does not say how many edges it sees"]
    return [] if edges >= MIN_EDGES else [f"{edges} edges, expected at least {MIN_EDGES}"]


def check_startup(output):
    if f"Done {RUNS} runs" in output:
        return []
    return [f"does not do {RUNS} runs:\n{output[-4000:]}"]


def check_afl(output):
    """Of a few seconds of afl-fuzz."""
    complaints = []
    if "All set and ready to roll" not in output:
        complaints.append("afl-fuzz does not start")
    if re.search(r"target binary (?:crashed|terminated)", output):
        complaints.append("the target dies under afl-fuzz")
    return [f"{what}:\n{output[-4000:]}" for what in complaints]


def check_seeds(path):
    """The zip of seeds beside a target."""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile) as error:
        return [f"{os.path.basename(path)}: {error}, expected a zip of seeds"]
    complaints = [f"{path}: {broken} is damaged"] if broken else []
    if not names:
        complaints.append("holds no seed, expected one at least")
    if len(set(names)) != len(names):
        complaints.append("holds a name twice")
    complaints += [f"holds {name}, expected no folders" for name in names if "/" in name]
    return [f"{os.path.basename(path)}: {complaint}" for complaint in complaints]


def check_covered(covered, sources, out):
    """Of the lines covered in each file: a report must find the sources, which lie below $OUT under
    the paths that they had when they were compiled."""
    own = [path for path in covered if path.startswith(sources + "/")]
    complaints = [f"{path}: is a path of no image, expected an absolute one"
                  for path in covered if not os.path.isabs(path)]
    complaints += [f"{path}: is not below $OUT" for path in own if not os.path.isfile(out + path)]
    if not any(covered[path] for path in own):
        complaints.append(f"covers nothing below {sources}")
    return complaints


def known_flags(help_text):
    """The flags that a target's -help=1 lists."""
    return set(KNOWN_FLAG.findall(help_text))


def check_options(path, flags):
    """The options beside a target; `flags` are those that its libFuzzer knows."""
    name = os.path.basename(path)
    parser = configparser.ConfigParser(delimiters=("=",), strict=True)
    try:
        with open(path, encoding="ascii") as file:
            parser.read_file(file)
    except (OSError, configparser.Error) as error:
        return [f"{name}: {error}"]
    complaints = [f"{name}: section [{section}], expected one of {', '.join(OPTION_SECTIONS)}"
                  for section in parser.sections() if section not in OPTION_SECTIONS]
    for key in parser["libfuzzer"] if parser.has_section("libfuzzer") else ():
        if key == "dict":
            beside = os.path.join(os.path.dirname(path), parser["libfuzzer"]["dict"])
            if not os.path.isfile(beside):
                complaints.append(f"{name}: there is no dictionary {parser['libfuzzer']['dict']}")
        elif key not in flags:
            complaints.append(f"{name}: libFuzzer has no flag -{key}")
    return complaints


def check_folder(out, targets):
    """That everything in $OUT belongs to a target, and each target has its seeds and options."""
    complaints = [] if targets else ["$OUT holds no fuzz target"]
    complaints += [f"{name}: bad name of a target, expected letters, digits, '_' and '-'"
                   for name in targets if not TARGET_NAME.fullmatch(name)]
    suffixes = ("", "_seed_corpus.zip", ".options")
    expected = {name + suffix for name in targets for suffix in suffixes}
    optional = {name + ".dict" for name in targets}
    found = {name for name in os.listdir(out) if os.path.isfile(os.path.join(out, name))}
    complaints += [f"{name}: is missing" for name in sorted(expected - found)]
    complaints += [f"{name}: belongs to no target" for name in sorted(found - expected - optional)]
    return complaints

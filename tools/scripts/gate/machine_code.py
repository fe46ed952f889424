"""How often a program calls each of some functions, and whether two programs are the same code.

For 64-bit ELF of x86-64, linked statically as fuzz targets are: a call is a byte, 0xe8 (0xe9 where
it is the last thing that a function does), and the distance to the function. Bytes in the midst of
an instruction can look like that, too, but hardly ever with the distance to one of a few functions.
A disassembler would take ten times as long to say the same.

Two programs are the same code if all that is loaded into memory is the same. What no instruction
depends on may differ: the hash of the file, the line and column that UBSan prints, and the lines in
what AddressSanitizer prints of the variables on a stack.
"""

import collections
import re
import struct

SYMTAB, PROGBITS, RELA, NOBITS = 2, 1, 4, 8
EXECUTABLE, LOADED = 4, 2
RELATIVE = 8  # a relocation: the word is the program's own address plus a number
BUILD_ID, DATA, CONSTANTS = ".note.gnu.build-id", ".data", ".rodata"
# AddressSanitizer's account of a stack frame: the number of variables, then of each where it is,
# its size, the length of its name, its name and the line: "1 32 12 8 values:7".
FRAME = re.compile(rb"\d+( \d+ \d+ \d+ [^ \0]+)+")
FRAME_LINE = re.compile(rb":\d+(?= |\Z)")
MACHINE_X86_64 = 62
OPCODES = (b"\xe8", b"\xe9")

_Section = collections.namedtuple("_Section", "name kind flags address offset size link")


class NotReadable(Exception):
    """Why a file is none of these programs, in one line."""


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def _sections(data):
    if data[:6] != b"\x7fELF\x02\x01" or len(data) < 64:
        raise NotReadable("no 64-bit ELF program")
    if struct.unpack_from("<H", data, 18)[0] != MACHINE_X86_64:
        raise NotReadable("no program for x86-64")
    offset = struct.unpack_from("<Q", data, 40)[0]
    size, count = struct.unpack_from("<HH", data, 58)
    for i in range(count):
        name, kind, flags, address, at, length, link = struct.unpack_from(
            "<IIQQQQI", data, offset + i * size)
        yield _Section(name, kind, flags, address, at, length, link)


def _functions(data, sections, is_wanted):
    """{address: name} of the symbols wanted."""
    found = {}
    for section in sections:
        if section.kind != SYMTAB:
            continue
        names = sections[section.link].offset
        table = data[section.offset:section.offset + section.size]
        for name, _, _, _, address, _ in struct.iter_unpack("<IBBHQQ", table):
            begin = names + name
            text = data[begin:data.index(b"\0", begin)].decode("utf-8", "replace")
            if address and is_wanted(text):
                found[address] = text
    return found


def _calls_in(code, address, functions):
    """The names of the functions that a piece of code calls, one for each call."""
    for opcode in OPCODES:
        at = code.find(opcode)
        while 0 <= at <= len(code) - 5:
            target = address + at + 5 + int.from_bytes(code[at + 1:at + 5], "little", signed=True)
            if target in functions:
                yield functions[target]
            at = code.find(opcode, at + 1)


def count_calls(path, is_wanted):
    """{name: calls} of the functions whose names are wanted. Raises NotReadable."""
    data = _read(path)
    sections = list(_sections(data))
    functions = _functions(data, sections, is_wanted)
    calls = collections.Counter()
    for section in sections:
        if section.kind == PROGBITS and section.flags & EXECUTABLE:
            code = data[section.offset:section.offset + section.size]
            calls.update(_calls_in(code, section.address, functions))
    return calls


def _loaded(data):
    """{name: (section, content)} of what is in memory as the program runs."""
    sections = list(_sections(data))
    names = sections[struct.unpack_from("<H", data, 62)[0]].offset
    loaded = {}
    for section in sections:
        if section.flags & LOADED:
            begin = names + section.name
            name = data[begin:data.index(b"\0", begin)].decode("ascii", "replace")
            size = 0 if section.kind == NOBITS else section.size
            loaded[name] = section, data[section.offset:section.offset + size]
    return loaded


def _string_at(loaded, address):
    for section, content in loaded.values():
        if section.address <= address < section.address + len(content):
            at = address - section.address
            return content[at:content.find(b"\0", at)]
    return b""


def _places_in_sources(loaded):
    """Addresses of words that are a line or a column: they follow a pointer to a source's name."""
    places = set()
    for section, content in loaded.values():
        if section.kind != RELA:
            continue
        for address, info, addend in struct.iter_unpack("<QQq", content):
            if info == RELATIVE and _string_at(loaded, addend).endswith((b".h", b".cc")):
                places |= {address + 8, address + 12}
    return places


def _same_but_for_places(one, other, address, places):
    return all(one[at:at + 4] == other[at:at + 4] or address + at in places
               for at in range(0, len(one), 4))


def _same_but_for_frames(one, other):
    """Whether strings differ in lines of AddressSanitizer's frames alone."""
    def plain(text):
        return FRAME_LINE.sub(b":", text) if FRAME.fullmatch(text) else text

    parts, others = one.split(b"\0"), other.split(b"\0")
    return len(parts) == len(others) and all(
        part == there or plain(part) == plain(there) for part, there in zip(parts, others))


def is_same_code(path, other):
    """Whether two programs do the same. Raises NotReadable."""
    first, second = ({name: part for name, part in _loaded(_read(each)).items()
                      if name != BUILD_ID} for each in (path, other))
    if first.keys() != second.keys():
        return False
    for name, (section, content) in first.items():
        there, content_there = second[name]
        if section._replace(name=0, offset=0) != there._replace(name=0, offset=0):
            return False
        same = content == content_there
        if not same and name == DATA:
            same = _same_but_for_places(content, content_there, section.address,
                                        _places_in_sources(first))
        elif not same and name == CONSTANTS:
            same = _same_but_for_frames(content, content_there)
        if not same:
            return False
    return True

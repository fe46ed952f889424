"""How often a program calls each of some functions.

For 64-bit ELF of x86-64, linked statically as fuzz targets are: a call is a byte, 0xe8 (0xe9 where
it is the last thing that a function does), and the distance to the function. Bytes in the midst of
an instruction can look like that, too, but hardly ever with the distance to one of a few functions.
A disassembler would take ten times as long to say the same.
"""

import collections
import struct

SYMTAB, PROGBITS = 2, 1
EXECUTABLE = 4
MACHINE_X86_64 = 62
OPCODES = (b"\xe8", b"\xe9")

_Section = collections.namedtuple("_Section", "name kind flags address offset size link")


class NotReadable(Exception):
    """Why a file is none of these programs, in one line."""


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
    with open(path, "rb") as file:
        data = file.read()
    sections = list(_sections(data))
    functions = _functions(data, sections, is_wanted)
    calls = collections.Counter()
    for section in sections:
        if section.kind == PROGBITS and section.flags & EXECUTABLE:
            code = data[section.offset:section.offset + section.size]
            calls.update(_calls_in(code, section.address, functions))
    return calls

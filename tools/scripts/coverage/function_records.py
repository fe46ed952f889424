"""The list of functions in a program's coverage map, as Clang 19 writes it.

A header's inline function that a program never calls still has a record there, so that it counts as
uncovered. llvm-cov knows a function by its name and believes the first record of it that it meets:
of several programs, the one that does not call the function would hide the counts of another that
does. So these records are dropped where any program has a real one.
"""

import struct

SECTION = "__llvm_covfun"

# Name (hashed), size of what follows the header, hash of the body, file names (hashed). Records
# begin at multiples of eight. No function that is called has a body with the hash 0.
_HEADER = struct.Struct("<QIQQ")
_ALIGNMENT = 8


def _records(section):
    """Name, hash of the body and bytes of each record."""
    offset = 0
    while offset < len(section):
        name, size, body, _ = _HEADER.unpack_from(section, offset)
        end = offset + _HEADER.size + size
        end += -end % _ALIGNMENT
        yield name, body, section[offset:end]
        offset = end


def drop_hiding(sections):
    """The sections of several programs, without the records that hide another's counts."""
    programs = [list(_records(section)) for section in sections]
    real = {name for program in programs for name, body, _ in program if body != 0}
    return [
        b"".join(record for name, body, record in program if body != 0 or name not in real)
        for program in programs]

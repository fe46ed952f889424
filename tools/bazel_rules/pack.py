#!/usr/bin/env python3
"""Packs a fuzz target for OSS-Fuzz: program, zip of seeds and options in one tar.

The same inputs give the same bytes, so a package can be compared and cached.
"""

import argparse
import io
import os
import tarfile
import zipfile

ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def zip_of(directory):
    """The bytes of a zip of all files in a directory."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(os.listdir(directory)):
            with open(os.path.join(directory, name), "rb") as seed:
                archive.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), seed.read())
    return buffer.getvalue()


def add(archive, name, content, mode):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = mode
    archive.addfile(member, io.BytesIO(content))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for flag in ("out", "name", "binary", "corpus", "options"):
        parser.add_argument("--" + flag, required=True)
    args = parser.parse_args()
    with tarfile.open(args.out, "w", format=tarfile.USTAR_FORMAT) as archive:
        add(archive, args.name, read(args.binary), 0o755)
        add(archive, args.name + "_seed_corpus.zip", zip_of(args.corpus), 0o644)
        add(archive, args.name + ".options", read(args.options), 0o644)


if __name__ == "__main__":
    main()

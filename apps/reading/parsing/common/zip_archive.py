"""ZIP archives that are checked against zip bombs before anything is unpacked, and the XML in them."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Any

import lxml.etree

from apps.reading.parsing.protocol import ParseError

MAX_ENTRIES = 2000
MAX_TOTAL = 200 * 1024 * 1024  # bytes of all entries, unpacked
MAX_RATIO = 100  # of unpacked to packed size of one entry, if it is larger than _SMALL
_SMALL = 1024 * 1024  # bytes, unpacked
_TAIL = 65_557  # bytes of the longest end record: 22 and a comment
_DIRECTORY = 2 * 1024 * 1024  # bytes; 2,000 entries of a harmless file need less

ZIP_BOMB = "This file unpacks to a suspiciously large size, as malicious files do. It was not opened."


class BoundedZipFile(zipfile.ZipFile):
    """ZIP archive with a directory of plausible sizes. Opening raises ParseError for a bomb, BadZipFile for a damaged
    file."""

    def __init__(self, path: str | Path) -> None:
        _check_directory(path)
        super().__init__(path)
        entries = self.infolist()
        bomb = (
            len(entries) > MAX_ENTRIES
            or sum(entry.file_size for entry in entries) > MAX_TOTAL
            or any(e.file_size > _SMALL and e.file_size > MAX_RATIO * max(1, e.compress_size) for e in entries)
        )
        if bomb:
            self.close()
            raise ParseError(ZIP_BOMB)

    def read_xml(self, name: str) -> Any:
        """Return the root of an XML entry; None if it is missing or empty. Raises XMLSyntaxError."""
        data = self.read(name) if name in self.namelist() else b""
        return parse_xml(data) if data else None


def parse_xml(data: bytes) -> Any:
    """Return the root of the XML; entities and external files are never loaded. Raises XMLSyntaxError."""
    return lxml.etree.fromstring(data, lxml.etree.XMLParser(resolve_entities=False, no_network=True))


def _check_directory(path: str | Path) -> None:
    """Raise ParseError if the directory is too large to be read: reading it takes memory per entry."""
    with Path(path).open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise zipfile.BadZipFile("no end record")
    entries, directory = struct.unpack("<HL", tail[at + 10 : at + 16])
    if entries > MAX_ENTRIES or directory > _DIRECTORY:
        raise ParseError(ZIP_BOMB)

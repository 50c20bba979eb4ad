"""ZIP archives, looked at before anything in them is unpacked."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

from apps.documents.parsing.protocol import ParseError

MAX_ENTRIES = 2000
MAX_TOTAL = 200 * 1024 * 1024  # bytes, unpacked
MAX_RATIO = 100  # of one entry, where it matters
_SMALL = 1024 * 1024  # an entry that unpacks to less may be packed as tightly as it likes
_TAIL = 65_557  # the longest end record: 22 bytes and a comment
_DIRECTORY = 2 * 1024 * 1024  # bytes of directory that 2,000 entries could honestly need

ZIP_BOMB = "This file unpacks to far more than it seems to hold, as a file made to harm does. It was not opened."


class BoundedZipFile(zipfile.ZipFile):
    """An archive whose directory promises sane sizes. Raises Unreadable for a bomb, BadZipFile for a broken one."""

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


def _check_directory(path: str | Path) -> None:
    """The directory is small enough to be read: reading it costs memory by the entry."""
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

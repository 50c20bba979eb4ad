"""Detect the content of OLE containers: old Office formats, Outlook messages, encrypted documents."""

from __future__ import annotations

import struct
from pathlib import Path

import olefile

from apps.reading.parsing.protocol import ParseError

LOCKED = "This Office document is protected by a password. Save a copy without the password and upload that."
DAMAGED = "This document is damaged or was cut off during a transfer. Open it, save it again and upload that."
_HEADER, _SHIFT, _COUNT = 48, 30, 44  # size of the header; offsets of the sector size and of the table's sector count
_LARGEST_SHIFT = 12  # sectors of 4 KB
_LOOKED_AT = 4 * 1024 * 1024  # bytes of a damaged file that are searched
_STREAMS = (  # streams of the root; the first that exists decides
    ("EncryptedPackage", ""),
    ("WordDocument", "doc"),
    ("PowerPoint Document", "ppt"),
    ("Workbook", "sheet"),
    ("Book", "sheet"),
    ("__properties_version1.0", "msg"),
)


def detect_ole_kind(path: str | Path) -> str | None:
    """Return the kind of the file; None if it is none that is parsed. Raises ParseError if it is encrypted or
    damaged."""
    try:
        _is_plausible(Path(path))
        with olefile.OleFileIO(str(path)) as container:
            names = {entry[0] for entry in container.listdir(streams=True, storages=False) if len(entry) == 1}
    except (OSError, ValueError, ArithmeticError, LookupError, struct.error, RecursionError) as error:
        with Path(path).open("rb") as file:
            locked = "EncryptedPackage".encode("utf-16-le") in file.read(_LOOKED_AT)
        raise ParseError(LOCKED if locked else DAMAGED) from error
    kind_by_stream = next((kind for stream, kind in _STREAMS if stream in names), None)
    if kind_by_stream == "":
        raise ParseError(LOCKED)
    return kind_by_stream


def _is_plausible(path: Path) -> None:
    """Raise OSError if the declared table is larger than the file; searching for it would take minutes."""
    with path.open("rb") as file:
        header = file.read(_HEADER)
    sector = 1 << min(struct.unpack_from("<H", header, _SHIFT)[0], _LARGEST_SHIFT)
    if struct.unpack_from("<I", header, _COUNT)[0] * sector > path.stat().st_size:
        raise OSError("its table is larger than the file")

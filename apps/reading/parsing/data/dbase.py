"""Parser of dBASE tables (DBF): fields of fixed width after a header that names them; each row becomes a line."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from apps.reading.parsing.common.encoding import detect_encoding
from apps.reading.parsing.common.tables import make_table_blocks
from apps.reading.parsing.protocol import (
    HIDDEN_TEXT_LEFT_OUT,
    ParsedItem,
    ParseError,
    ParseLimits,
    ParseNotice,
    paginate,
    strip_invisible,
)

DAMAGED = "This dBASE table is damaged or was cut off during a transfer. Save it again and upload that."
VERSIONS = b"\x02\x03\x30\x31\x32\x43\x63\x83\x8b\xcb\xf5\xfb"
MAX_FIELDS = 1024
_FIELD = struct.Struct("<11sc4xBB14x")
_PAGES = {  # encoding by the code page byte
    0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x13: "cp932", 0x4D: "cp936", 0x4E: "cp949", 0x4F: "cp950",
    0x57: "cp1252", 0x64: "cp852", 0x65: "cp866", 0x66: "cp865", 0x7A: "cp936", 0x7B: "cp932", 0xC8: "cp1250",
    0xC9: "cp1251", 0xCA: "cp1254", 0xCB: "cp1253",
}  # fmt: skip
_KEPT_APART = "BGMPVW"  # field types such as memos, stored in another file that is not uploaded


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    kind: str
    start: int
    size: int


def is_dbase(head: bytes) -> bool:
    """Return whether a file that begins with these bytes is a dBASE table."""
    if len(head) < 65 or head[0] not in VERSIONS or b"\0" not in head[:32]:
        return False
    month, day = head[2], head[3]
    header, row = struct.unpack("<HH", head[8:12])
    return month <= 12 and day <= 31 and header >= 65 and row > 1 and head[43:44].isalpha()


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield the pages of a dBASE file, and a notice for memos or deleted rows. Raises ParseError."""
    data = Path(path).read_bytes()
    if len(data) < 65:
        raise ParseError(DAMAGED)
    count, start, width = struct.unpack("<IHH", data[4:12])
    fields = list(_fields(data[:start]))
    if not fields or width < 2 or start >= len(data):
        raise ParseError(DAMAGED)
    rows = [data[at : at + width] for at in range(start, min(len(data), start + count * width), width)]
    live_rows = [row for row in rows if row[:1] != b"*" and len(row) == width]  # a star marks a deleted row
    code = _PAGES.get(data[29]) or detect_encoding(b"\n".join(live_rows)[:65_536])
    shown_fields = [field for field in fields if field.kind not in _KEPT_APART]
    cells = ([_cell(row, field, code) for field in shown_fields] for row in live_rows)
    yield from paginate(make_table_blocks(cells, [field.name for field in shown_fields]), limits)
    if len(shown_fields) < len(fields):
        yield ParseNotice("Long texts of this table (memo fields) are in a separate file and were left out.")
    if len(live_rows) < len(rows):
        yield ParseNotice(HIDDEN_TEXT_LEFT_OUT)


def _fields(header: bytes) -> Iterator[_Field]:
    start = 1
    for at in range(32, min(len(header) - 31, 32 * (MAX_FIELDS + 1)), 32):
        if header[at] == 0x0D:
            return
        name, kind, size, decimals = _FIELD.unpack(header[at : at + 32])
        width = size + 256 * decimals if kind == b"C" else size
        yield _Field(name.split(b"\0")[0].decode("ascii", "replace").strip(), kind.decode("latin-1"), start, width)
        start += width


def _cell(row: bytes, field: _Field, code: str) -> str:
    raw = row[field.start : field.start + field.size]
    if field.kind in "IY+@O":
        return _binary(raw, field.kind)
    text = strip_invisible(raw.decode(code, "replace")).strip()
    if field.kind == "D" and len(text) == 8 and text.isdigit():
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    if field.kind == "L":
        return {"T": "TRUE", "Y": "TRUE", "F": "FALSE", "N": "FALSE"}.get(text.upper(), "")
    return " ".join(text.split())


def _binary(raw: bytes, kind: str) -> str:
    if kind in "I+" and len(raw) == 4:
        return str(struct.unpack("<i", raw)[0])
    if kind == "Y" and len(raw) == 8:
        return f"{struct.unpack('<q', raw)[0] / 10_000:.4f}".rstrip("0").rstrip(".")
    if kind == "O" and len(raw) == 8:
        return f"{struct.unpack('<d', raw)[0]:.12g}"
    return ""

"""Parser of old Word and PowerPoint formats (DOC, PPT): text only, without lists and tables."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import olefile

from apps.reading.parsing.office.ole_container import DAMAGED, LOCKED
from apps.reading.parsing.protocol import (
    PageCount,
    ParsedBlock,
    ParsedItem,
    ParseError,
    ParseLimits,
    make_title,
    paginate,
    paginate_units,
    strip_invisible,
)

_ENCRYPTED = 0x0100
_TABLE_ONE = 0x0200
_LENGTHS = 0x4C  # offset of the lengths of text and footnotes, in characters
_CLX = 0x01A2  # offset of the place and size of the piece table
_SLIDE, _SLIDE_LIST, _LISTED, _TEXT_CHARS, _TEXT_BYTES = 1006, 4080, 1011, 4000, 4008
_NARROW = 0x40000000


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield title and pages of a DOC or PPT file. Raises ParseError."""
    try:
        with olefile.OleFileIO(path) as container:
            encoded_title = container.get_metadata().title or b""
            slides = container.exists("PowerPoint Document")
            if slides:
                units = list(_slides(container.openstream("PowerPoint Document").read()))
            else:
                text = _text(container)
    except (OSError, ValueError, IndexError, struct.error, RecursionError) as error:
        raise ParseError(DAMAGED) from error
    if title := make_title(
        encoded_title.decode("utf-8", "replace") if isinstance(encoded_title, bytes) else str(encoded_title)
    ):
        yield title
    if slides:
        yield PageCount(len(units))
        yield from paginate_units(units, limits)
    else:
        yield from paginate(_paragraphs(text), limits)


def _text(container: olefile.OleFileIO) -> str:
    """Return the text by the piece table ([MS-DOC] 2.4.1); each piece is in UTF-16 or in cp1252."""
    stream = container.openstream("WordDocument").read()
    flags = struct.unpack_from("<H", stream, 10)[0]
    if flags & _ENCRYPTED:
        raise ParseError(LOCKED)
    at, size = struct.unpack_from("<II", stream, _CLX)
    table = container.openstream("1Table" if flags & _TABLE_ONE else "0Table").read()[at : at + size]
    position = 0
    while table[position] == 1:  # skip properties
        position += 3 + struct.unpack_from("<H", table, position + 1)[0]
    length = struct.unpack_from("<I", table, position + 1)[0]
    pieces = table[position + 5 : position + 5 + length]
    count = (length - 4) // 12
    ends = struct.unpack_from(f"<{count + 1}I", pieces)
    parts = []
    for index in range(count):
        offset = struct.unpack_from("<I", pieces, 4 * (count + 1) + 8 * index + 2)[0]
        characters = ends[index + 1] - ends[index]
        if offset & _NARROW:
            start = (offset & ~_NARROW) // 2
            parts.append(stream[start : start + characters].decode("cp1252", "replace"))
        else:
            parts.append(stream[offset : offset + 2 * characters].decode("utf-16-le", "replace"))
    main, notes = struct.unpack_from("<II", stream, _LENGTHS)
    return "".join(parts)[: main + notes]  # without headers, comments and text boxes, which follow


def _paragraphs(text: str) -> Iterator[ParsedBlock]:
    """Yield cells and paragraphs; instructions of fields are left out, their results kept."""
    visible, inside = list[str](), 0
    for char in text:
        if char == "\x13":
            inside += 1
        elif char in "\x14\x15":
            inside = max(0, inside - 1) if char == "\x14" or inside else 0
        elif not inside:
            visible.append(char)
    for line in "".join(visible).replace("\x0b", "\n").replace("\x0c", "\r").replace("\x07\x07", "\r").split("\r"):
        words = strip_invisible(line.replace("\x07", " | ").replace("\x1e", "-").replace("\x1f", "")).strip(" |\t")
        if words:
            yield ParsedBlock("paragraph", words)


def _slides(stream: bytes) -> Iterator[list[ParsedBlock]]:
    """Yield the texts of each slide, from the list of slides and from the slides themselves."""
    listed: list[list[str]] = []
    drawn: list[list[str]] = []
    for kind, path, data in _records(stream, 0, len(stream), ()):
        if kind == _SLIDE_LIST:  # a later list replaces an earlier one
            listed = []
        elif kind == _LISTED and _SLIDE_LIST in path:
            listed.append([])
        elif kind == _SLIDE:
            drawn.append([])
        elif kind in {_TEXT_CHARS, _TEXT_BYTES}:
            text = data.decode("utf-16-le" if kind == _TEXT_CHARS else "cp1252", "replace")
            if _SLIDE_LIST in path and listed:
                listed[-1].append(text)
            elif _SLIDE in path and drawn:
                drawn[-1].append(text)
    for at in range(max(len(listed), len(drawn))):
        texts = [*(listed[at] if at < len(listed) else []), *(drawn[at] if at < len(drawn) else [])]
        yield list(_slide(texts))


def _slide(texts: list[str]) -> Iterator[ParsedBlock]:
    for at, text in enumerate(dict.fromkeys(texts)):
        for line in strip_invisible(text.replace("\x0b", "\n")).split("\r"):
            if line.strip():
                yield (
                    ParsedBlock("heading", " ".join(line.split()), 1)
                    if at == 0
                    else ParsedBlock("paragraph", line.strip())
                )


def _records(stream: bytes, at: int, end: int, path: tuple[int, ...]) -> Iterator[tuple[int, tuple[int, ...], bytes]]:
    """Yield every record as (type, types of its containers, data) ([MS-PPT] 2.3.1)."""
    while at + 8 <= end:
        version, kind, size = struct.unpack_from("<HHI", stream, at)
        start, stop = at + 8, min(at + 8 + size, end)
        if version & 15 == 15 and len(path) < 20:
            kind += (version >> 4) << 16  # the lists of masters and of notes differ from that of slides by this only
            yield kind, path, b""
            yield from _records(stream, start, stop, (*path, kind))
        else:
            yield kind, path, stream[start:stop]
        at = start + size

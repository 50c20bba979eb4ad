"""Decode bytes to text: byte order marks, UTF-8, UTF-16 without a mark, else a guess from a sample."""

from __future__ import annotations

import codecs
from pathlib import Path

from apps.reading.parsing.common.legacy_encodings import detect_legacy_encoding
from apps.reading.parsing.protocol import TEXT_TOO_LONG, ParseError, ParseLimits, strip_invisible

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 256 * 1024  # bytes from which the encoding is guessed


def detect_encoding(data: bytes) -> str:
    """Return the name of an encoding for these bytes. Never fails; the guess may be wrong."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    head = data[:_SAMPLE]
    if head.count(0) > len(head) // 4:  # every other byte of Latin text in UTF-16 is zero
        return "utf-16-le" if head[1::2].count(0) >= head[::2].count(0) else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return _guess(head)
    return "utf-8"


def _guess(head: bytes) -> str:
    if found := detect_legacy_encoding(head):
        return found
    from charset_normalizer import from_bytes

    best = from_bytes(head, chunk_size=2048).best()
    return best.encoding if best is not None else "cp1252"


def read_text(path: str, limits: ParseLimits) -> str:
    """Return the text of a file, line ends as LF, without invisible characters. Raises ParseError if it is too long."""
    with Path(path).open("rb") as file:
        data = file.read(limits.characters * 4 + 1)
    if len(data) > limits.characters * 4:
        raise ParseError(TEXT_TOO_LONG)
    text = data.decode(detect_encoding(data), errors="replace")
    del data
    if len(text) > limits.characters:
        raise ParseError(TEXT_TOO_LONG)
    return strip_invisible(text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n"))

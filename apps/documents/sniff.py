"""What a file really is, from its content; the name only decides between formats that are all plain text."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePath

from apps.documents.parsers import ACCEPTED, FORMATS, by_suffix
from apps.documents.parsers.archive import OpenedArchive
from apps.documents.parsers.base import Unreadable
from apps.documents.parsers.decode import encoding_of

_HEAD = 8192
_CONTROL = "".join(chr(code) for code in range(1, 32) if chr(code) not in "\t\n\r\f\x1b")

# Beginnings that give a file away, and what to call it.
_SIGNATURES = (
    (b"\x89PNG", "a PNG picture"), (b"\xff\xd8\xff", "a JPEG picture"), (b"GIF8", "a GIF picture"),
    (b"BM", "a bitmap picture"),
    (b"II*\x00", "a TIFF picture"), (b"MM\x00*", "a TIFF picture"), (b"RIFF", "a sound, video or WebP file"),
    (b"\x1f\x8b", "a gzip archive"), (b"BZh", "a bzip2 archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"), (b"Rar!", "a RAR archive"),
    (b"\xfd7zXZ", "an XZ archive"), (b"\x28\xb5\x2f\xfd", "a Zstandard archive"), (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"ID3", "a sound file"), (b"OggS", "a sound or video file"), (b"fLaC", "a sound file"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"{\\rtf", "a Rich Text file (RTF)"), (b"%!PS", "a PostScript file"), (b"SQLite format 3", "a database"),
    (b"wOFF", "a font"), (b"wOF2", "a font"), (b"\x00\x01\x00\x00", "a font"), (b"8BPS", "a Photoshop picture"),
)  # fmt: skip
_INSIDE = (  # a file in an archive that tells what the archive is
    ("xl/workbook.xml", "an Excel workbook"),
    ("xl/workbook.bin", "an Excel workbook"),
    ("ppt/presentation.xml", "a PowerPoint presentation"),
    ("visio/document.xml", "a Visio drawing"),
    ("META-INF/container.xml", "an e-book (EPUB)"),
    ("content.xml", "an OpenDocument file"),
    ("META-INF/MANIFEST.MF", "a Java archive"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_WHERE_ZIP = "Only these can be read: " + ACCEPTED + "."


def refuse_by_name(name: str) -> None:
    """Raises Unreadable where the ending of the name already says that the file is of no accepted kind."""
    suffix = PurePath(name).suffix
    if suffix and by_suffix(suffix) is None and not suffix[1:].isdigit():
        raise Unreadable(f"Files ending in {suffix[:20]} cannot be read yet. Accepted are {ACCEPTED}.")


def sniff(path: str | Path, name: str) -> str:
    """The `Document.Kind` of a file. Raises Unreadable, saying what the file really is, where it cannot be read."""
    with Path(path).open("rb") as file:
        head = file.read(_HEAD)
    if not head.strip(b"\x00\xef\xbb\xbf\xff\xfe \t\r\n"):
        raise Unreadable("This file is empty. Check that it was saved, and upload it again.")
    named = by_suffix(PurePath(name).suffix)
    found = _binary_kind(path, head)
    if found is not None:
        if named is not None and named.kind != found:
            raise Unreadable(_mismatch(name, FORMATS[found].words))
        return found
    if not _is_text(head):
        raise Unreadable(_not_accepted("a damaged file, or a binary file of an unknown kind"))
    looks = "html" if _looks_like_html(head) else "text"
    if named is not None and named.kind in {"pdf", "docx"}:
        raise Unreadable(_mismatch(name, FORMATS[looks].words))
    return named.kind if named is not None else looks


def _binary_kind(path: str | Path, head: bytes) -> str | None:
    """pdf or docx, or None for what may be text. Raises Unreadable for every other known kind."""
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(b"PK\x03\x04"):
        return _archive_kind(path)
    if head.startswith(b"PK"):
        raise Unreadable("This is an empty or split ZIP archive. " + _WHERE_ZIP)
    if head.startswith(_OLE):
        return _old_office(path)
    if head[4:8] == b"ftyp":
        raise Unreadable(_not_accepted("a video or a HEIC picture"))
    for start, words in _SIGNATURES:
        if head.startswith(start) and (len(start) > 2 or b"\x00" in head):
            raise Unreadable(_not_accepted(words))
    return None


def _archive_kind(path: str | Path) -> str:
    try:
        with OpenedArchive(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
        raise Unreadable(
            "This file is damaged or was cut off during a transfer. "
            "Open it in its own program, save it again and upload that."
        ) from error
    if "word/document.xml" in names or any(name.startswith("word/document") for name in names):
        return "docx"
    for inside, words in _INSIDE:
        if inside in names:
            raise Unreadable(_not_accepted(words))
    raise Unreadable(_not_accepted("a ZIP archive") + " Unpack it and upload the files in it.")


def _old_office(path: str | Path) -> str:
    with Path(path).open("rb") as file:
        data = file.read(4 * 1024 * 1024)
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise Unreadable(
            "This Office document is protected by a password. Save a copy without the password and upload that."
        )
    if "WordDocument".encode("utf-16-le") in data:
        raise Unreadable("This is a Word document in the old format (.doc). Save it as .docx and upload that.")
    raise Unreadable(_not_accepted("a file in an old Office format"))


def _is_text(head: bytes) -> bool:
    """Whether this is text in some encoding that can be told."""
    text = head.decode(encoding_of(head), errors="replace")
    odd = sum(text.count(char) for char in _CONTROL)
    return odd <= len(text) * 0.05 and text.count("\ufffd") <= len(text) * 0.1


def _looks_like_html(head: bytes) -> bool:
    low = head.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    return low.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in low[:2048]


def _not_accepted(words: str) -> str:
    return f"This is {words}, which cannot be read yet. Accepted are {ACCEPTED}."


def _mismatch(name: str, words: str) -> str:
    suffix = PurePath(name).suffix[:20]
    return f"The name ends in {suffix}, but the content is {words}. Give it the right ending and upload it again."

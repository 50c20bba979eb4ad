"""Detect the format of a file from its content; the name only decides between formats that are all plain text."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePath

from apps.reading.parsing.common.encoding import detect_encoding
from apps.reading.parsing.common.zip_archive import BoundedZipFile
from apps.reading.parsing.formats import (
    ACCEPTED_DESCRIPTION,
    FORMATS,
    REMOVED_FORMATS,
    find_by_name,
    find_by_suffix,
    find_removed,
)
from apps.reading.parsing.protocol import ParseError

_HEAD = 8192  # bytes of the file that are examined
_SAYS = 100  # bytes of a media type
_CONTROL = "".join(chr(code) for code in range(1, 32) if chr(code) not in "\t\n\r\f\x1b")

# First bytes of formats: those of pictures, then those of refused formats with a name for them.
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\x00", b"MM\x00*")
_SIGNATURES = (
    (b"RIFF", "a sound or video file"),
    (b"7z\xbc\xaf", "a 7-Zip archive"), (b"Rar!", "a RAR archive"), (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"), (b"\xfd7zXZ", "an XZ archive"), (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x7fELF", "a program"), (b"MZ", "a program"), (b"ID3", "a sound file"), (b"OggS", "a sound or video file"),
    (b"fLaC", "a sound file"), (b"\x1aE\xdf\xa3", "a video"), (b"%!PS", "a PostScript file"),
    (b"SQLite format 3", "a database"), (b"wOFF", "a font"), (b"wOF2", "a font"), (b"\x00\x01\x00\x00", "a font"),
    (b"8BPS", "a Photoshop picture"), (b"ITSF", "a Windows help file (CHM)"),
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "a OneNote notebook"), (b"\xd7\xcd\xc6\x9a", "a Windows drawing (WMF)"),
    (b"\x01\x00\x00\x00", "a Windows drawing (EMF)"), (b"\x01\x00\x09\x00", "a Windows drawing (WMF)"),
    (b"\x02\x00\x09\x00", "a Windows drawing (WMF)"),
)  # fmt: skip
_ARCHIVES = ("7z", "rar", "gz", "tgz", "bz2", "xz", "zst", "tar", "zip", "jar", "warc")
_WAYS = {  # advice by a word in the name of a refused format
    "archive": "Unpack it and upload the files in it. You can drop a whole folder at once.",
    "Visio": "Export it as PDF and upload that.",
    "dBASE": "Open it in Excel or LibreOffice, save it as .xlsx or .csv and upload that.",
    "drawing": "Export it as PDF or as a picture and upload that.",
    "notebook": "Export it as PDF and upload that.",
    "help file": "Export it as HTML or PDF and upload that.",
    "PostScript": "Convert it to PDF and upload that.",
    "Photoshop": "Save it as JPEG or PNG and upload that.",
    "Works": "Open it in Word or LibreOffice, save it as .docx and upload that.",
    "message": "Open it in the mail program, save it as text or PDF and upload that.",
    "sound": "Upload a transcript of it as text.",
    "video": "Upload a transcript of it as text.",
    "Apple": "Export it as PDF, or in the format of Word, Excel or PowerPoint, and upload that.",
}
_KNOWN = (  # refused formats by suffix
    ("svg emf wmf eps ai", "a drawing"),
    ("psd", "a Photoshop picture"),
    ("one", "a OneNote notebook"),
    ("chm", "a Windows help file (CHM)"),
    ("pages numbers key", "an Apple Pages, Numbers or Keynote file"),
    ("vsd", "an old Visio drawing (.vsd)"),
    *((item.extensions, item.phrase) for item in REMOVED_FORMATS.values()),
    ("ps", "a PostScript file"),
    ("wps wks", "a Microsoft Works document"),
    ("p7m p7s", "an encrypted or signed message"),
    ("mp3 wav m4a flac ogg", "a sound file"),
    ("mp4 mov avi mkv webm", "a video"),
    ("exe dll msi apk", "a program"),
)
_INSIDE = (  # entry of a ZIP archive -> kind
    ("word/document.xml", "docx"),
    ("ppt/presentation.xml", "slides"),
    ("xl/workbook.xml", "sheet"),
    ("xl/workbook.bin", "sheet"),
    ("META-INF/container.xml", "epub"),
)
_OPEN = {  # media type of an OpenDocument file -> kind
    "text": "odt", "text-template": "odt", "spreadsheet": "sheet", "spreadsheet-template": "sheet",
    "presentation": "odp", "presentation-template": "odp",
}  # fmt: skip
_OTHER = (
    ("visio/document.xml", REMOVED_FORMATS["visio"].phrase),
    ("Index/Document.iwa", "an Apple Pages, Numbers or Keynote file"),
    ("index.xml", "an Apple Pages, Numbers or Keynote file"),
    ("index.apxl", "an Apple Keynote file"),
    ("META-INF/MANIFEST.MF", "a Java archive"),
)
_KIN = {  # kinds that programs often save under the suffix of another kind
    "doc": ("docx", "rtf", "html"), "docx": ("doc", "rtf"), "ppt": ("slides",), "slides": ("ppt",), "sheet": ("html",),
    "odt": ("docx",), "html": ("mail",),
}  # fmt: skip
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CUT = (
    "This file is damaged or was cut off during a transfer. Open it in its own program, save it again and upload that."
)


def refuse_by_extension(name: str) -> None:
    """Raise ParseError if the suffix of the name already shows that the file is of no accepted kind."""
    suffix = PurePath(name).suffix.lower()
    if suffix[1:] in _ARCHIVES:
        raise ParseError(f"Archives ({suffix}) are not unpacked here. {_WAYS['archive']}")
    _refuse_known(suffix)
    if suffix and find_by_suffix(suffix) is None and not suffix[1:].isdigit():
        raise ParseError(f"Files ending in {suffix[:20]} cannot be read. Accepted are {ACCEPTED_DESCRIPTION}.")


def _refuse_known(suffix: str) -> None:
    """Raise ParseError if files with this suffix, such as ".svg", are of a kind that is known and never read."""
    for endings, words in _KNOWN:
        if suffix[1:] in endings.split():
            raise ParseError(_not_accepted(words))


def detect_format(path: str | Path, name: str, read_ole_kind: Callable[[str | Path], str | None]) -> str:
    """Return the kind of a file, a key of FORMATS. Raises ParseError, which names the format of a refused file.

    `read_ole_kind` returns the kind of an OLE container (old Office formats). It parses the file, so it must run in a
    sandboxed child process, unless this function itself does.
    """
    with Path(path).open("rb") as file:
        head = file.read(_HEAD)
    if not head.strip(b"\x00\xef\xbb\xbf\xff\xfe \t\r\n"):
        raise ParseError("This file is empty. Check that it was saved, and upload it again.")
    by_name = find_by_name(name)
    by_content = _old_office(read_ole_kind(path)) if head.startswith(_OLE) else _binary_kind(path, head)
    if by_content is not None:
        if by_name is not None and by_name.kind != by_content and by_content not in _KIN.get(by_name.kind, ()):
            raise ParseError(_mismatch(name, FORMATS[by_content].phrase))
        return by_content
    if find_removed(suffix := PurePath(name).suffix) is not None:
        _refuse_known(suffix.lower())
    if not _is_text(head):
        raise ParseError(_not_accepted("a damaged file, or a binary file of an unknown kind"))
    text_kind = "rtf" if head.startswith(b"{\\rtf") else "html" if _looks_like_html(head) else "text"
    if by_name is not None and (text_kind == "rtf" or text_kind in _KIN.get(by_name.kind, ())):
        return text_kind
    if by_name is not None and by_name.binary:
        raise ParseError(_mismatch(name, FORMATS[text_kind].phrase))
    return by_name.kind if by_name is not None else text_kind


def _binary_kind(path: str | Path, head: bytes) -> str | None:
    """Return the kind of a file known by its content; None if it may be text. Raises ParseError for refused formats."""
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(_PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "image"
    if head.startswith(b"BM") and head[6:10] == bytes(4):
        return "image"
    if head.startswith(b"PK\x03\x04"):
        return _archive_kind(path)
    if head.startswith(b"PK"):
        raise ParseError(f"This is an empty or split ZIP archive. {_WAYS['archive']}")
    if head[4:8] == b"ftyp":
        if head[8:11] in {b"hei", b"mif", b"msf", b"hev", b"avi"}:
            return "image"
        raise ParseError(_not_accepted("a video"))
    for start, words in _SIGNATURES:
        if head.startswith(start) and (len(start) > 2 or b"\x00" in head):
            raise ParseError(_not_accepted(words))
    if head[257:262] == b"ustar":
        raise ParseError(_not_accepted("a tar archive"))
    return None


def _archive_kind(path: str | Path) -> str:
    try:
        with BoundedZipFile(path) as archive:
            names = set(archive.namelist())
            says = _says(archive) if "mimetype" in names else ""
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise ParseError(_CUT) from error
    for inside, kind in _INSIDE:
        if inside in names:
            return kind
    if any(name.startswith("word/document") for name in names):
        return "docx"
    if kind := _OPEN.get(says.rpartition("application/vnd.oasis.opendocument.")[2], ""):
        return kind
    for inside, words in _OTHER:
        if inside in names:
            raise ParseError(_not_accepted(words))
    raise ParseError(_not_accepted("an OpenDocument file of another kind" if says else "a ZIP archive"))


def _says(archive: BoundedZipFile) -> str:
    """Return the media type that an archive declares. Only its first bytes are unpacked, as the entry may be huge."""
    if archive.getinfo("mimetype").compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return ""  # other methods unpack a whole block, however little of it is wanted
    with archive.open("mimetype") as file:
        return file.read(_SAYS).decode("ascii", "replace").strip()


def _old_office(kind: str | None) -> str:
    if kind in FORMATS:
        return kind
    raise ParseError(_not_accepted("a file in an old Office format"))


def _is_text(head: bytes) -> bool:
    """Return whether the bytes are text in a detectable encoding."""
    text = head.decode(detect_encoding(head), errors="replace")
    odd = sum(text.count(char) for char in _CONTROL)
    return odd <= len(text) * 0.05 and text.count("\ufffd") <= len(text) * 0.1


def _looks_like_html(head: bytes) -> bool:
    low = head.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    return low.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in low[:2048]


def _not_accepted(words: str) -> str:
    way = next((way for word, way in _WAYS.items() if word in words), f"Accepted are {ACCEPTED_DESCRIPTION}.")
    removed = words in {item.phrase for item in REMOVED_FORMATS.values()}
    return f"This is {words}, which {'is no longer' if removed else 'cannot be'} read. {way}"


def _mismatch(name: str, words: str) -> str:
    suffix = PurePath(name).suffix[:20]
    return f"The name ends in {suffix}, but the content is {words}. Give it the right ending and upload it again."

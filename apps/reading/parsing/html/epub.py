"""Parser of e-books (EPUB): a page per chapter, in the order of the book."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import lxml.etree

from apps.reading.parsing.common.encoding import detect_encoding
from apps.reading.parsing.common.zip_archive import BoundedZipFile, parse_xml
from apps.reading.parsing.html.parser import read_page
from apps.reading.parsing.protocol import (
    HIDDEN_TEXT_LEFT_OUT,
    PageCount,
    ParsedBlock,
    ParsedItem,
    ParseError,
    ParseLimits,
    ParseNotice,
    make_title,
    paginate_units,
)

DAMAGED = "This e-book is damaged or was cut off during a transfer. Get a new copy and upload it."
LOCKED = "This e-book is protected against copying (DRM), so it cannot be read. Upload a copy without protection."
_TITLES = ("{http://purl.org/dc/elements/1.1/}title", "title")  # some tools write packages without namespaces
_SHEET = re.compile(rb"""<link\b[^>]*?\bhref\s*=\s*["']([^"'?#]+\.css)""", re.IGNORECASE)
_HEAD_END = re.compile(r"</head\s*>", re.IGNORECASE)
MOST_HEAD = 20_000  # bytes of a chapter in which links to style sheets are searched
MOST_SHEET = 500_000  # bytes of a style sheet that are read
_FONTS = re.compile(rb"Algorithm=\"http://(?:www\.idpf\.org|ns\.adobe\.com/pdf/enc)")


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield title, pages and notices of an e-book. Raises ParseError."""
    try:
        with BoundedZipFile(path) as archive:
            names = set(archive.namelist())
            _refuse_locked(archive, names)
            package, folder = _package(archive)
            chapters = [name for name in _spine(package, folder) if name in names]
            if title := make_title(next((node.text or "" for node in package.iter(*_TITLES)), "")):
                yield title
            yield PageCount(len(chapters))
            book = _Book(archive, names)
            yield from paginate_units((book.read_chapter(name) for name in chapters), limits)
            if book.hidden:
                yield ParseNotice(HIDDEN_TEXT_LEFT_OUT)
    except (zipfile.BadZipFile, KeyError, AttributeError, lxml.etree.XMLSyntaxError, OSError) as error:
        raise ParseError(DAMAGED) from error


def _refuse_locked(archive: zipfile.ZipFile, names: set[str]) -> None:
    """Raise ParseError if anything but fonts is encrypted."""
    if "META-INF/encryption.xml" in names:
        data = archive.read("META-INF/encryption.xml")
        if data.count(b"EncryptionMethod") > 0 and not _FONTS.search(data):
            raise ParseError(LOCKED)


def _package(archive: zipfile.ZipFile) -> tuple[Any, str]:
    container = parse_xml(archive.read("META-INF/container.xml"))
    name = next((node.get("full-path") for node in container.iter("{*}rootfile")), "")
    return parse_xml(archive.read(name)), posixpath.dirname(name)


def _spine(package: Any, folder: str) -> Iterator[str]:
    paths = {item.get("id"): item.get("href") or "" for item in package.iter("{*}item")}
    items = sorted(package.iter("{*}itemref"), key=lambda item: item.get("linear") == "no")
    for item in items:  # non-linear items such as notes come last
        if paths.get(item.get("idref")):
            yield posixpath.normpath(posixpath.join(folder, unquote(paths[item.get("idref")])))


class _Book:
    """Book with its chapters and their style sheets, which may hide text. `hidden` is True once hidden text was
    seen."""

    def __init__(self, archive: zipfile.ZipFile, names: set[str]) -> None:
        self._archive, self._names, self._sheets = archive, names, dict[str, str]()
        self.hidden = False

    def read_chapter(self, name: str) -> list[ParsedBlock]:
        """Return the blocks of a chapter."""
        data = self._archive.read(name)
        text, css = data.decode(detect_encoding(data), "replace"), self._styles_of(name, data)
        page = read_page(_HEAD_END.sub(lambda end: f"<style>{css}</style>{end[0]}", text, count=1) if css else text)
        self.hidden |= page.hidden > 0
        if page.blocks and page.title and not any(block.kind == "heading" for block in page.blocks[:3]):
            return [ParsedBlock("heading", page.title.text, 1), *page.blocks]
        return page.blocks

    def _styles_of(self, chapter: str, data: bytes) -> str:
        """Return the style sheets that a chapter links to, as one text."""
        folder = posixpath.dirname(chapter)
        found = (unquote(address.decode("utf-8", "replace")) for address in _SHEET.findall(data[:MOST_HEAD]))
        return "\n".join(self._read(posixpath.normpath(posixpath.join(folder, name))) for name in found)

    def _read(self, name: str) -> str:
        if name not in self._sheets:
            data = self._archive.read(name)[:MOST_SHEET] if name in self._names else b""
            self._sheets[name] = data.decode("utf-8", "replace").replace("<", " ")
        return self._sheets[name]

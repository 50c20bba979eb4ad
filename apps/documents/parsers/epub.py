"""E-books (EPUB): a page a chapter, in the order of the book."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import lxml.etree

from apps.documents.parsers.archive import OpenedArchive
from apps.documents.parsers.base import HIDDEN, Block, Limits, Note, Parsed, Total, Unreadable, in_units, title_of
from apps.documents.parsers.html import read_page

DAMAGED = "This e-book is damaged or was cut off during a transfer. Get it again and upload that."
LOCKED = "This e-book is protected against copying (DRM), so it cannot be read. Upload a copy without protection."
_OPF = "{http://www.idpf.org/2007/opf}"
_FONTS = re.compile(rb"Algorithm=\"http://(?:www\.idpf\.org|ns\.adobe\.com/pdf/enc)")


def parse(path: str, limits: Limits) -> Iterator[Parsed]:
    try:
        with OpenedArchive(path) as archive:
            names = set(archive.namelist())
            _refuse_locked(archive, names)
            package, folder = _package(archive)
            chapters = [name for name in _spine(package, folder) if name in names]
            if title := title_of(package.findtext(".//{http://purl.org/dc/elements/1.1/}title") or ""):
                yield title
            yield Total(len(chapters))
            unseen = [0]
            yield from in_units((_chapter(archive.read(name), unseen) for name in chapters), limits)
            if unseen[0]:
                yield Note(HIDDEN)
    except (zipfile.BadZipFile, KeyError, AttributeError, lxml.etree.XMLSyntaxError, OSError) as error:
        raise Unreadable(DAMAGED) from error


def _refuse_locked(archive: zipfile.ZipFile, names: set[str]) -> None:
    """Only fonts may be obfuscated."""
    if "META-INF/encryption.xml" in names:
        data = archive.read("META-INF/encryption.xml")
        if data.count(b"EncryptionMethod") > 0 and not _FONTS.search(data):
            raise Unreadable(LOCKED)


def _package(archive: zipfile.ZipFile) -> tuple[Any, str]:
    container = _tree(archive.read("META-INF/container.xml"))
    name = next(node.get("full-path") for node in container.iter() if str(node.tag).endswith("}rootfile"))
    return _tree(archive.read(name)), posixpath.dirname(name)


def _tree(data: bytes) -> Any:
    return lxml.etree.fromstring(data, lxml.etree.XMLParser(resolve_entities=False, no_network=True))


def _spine(package: Any, folder: str) -> Iterator[str]:
    places = {item.get("id"): item.get("href") or "" for item in package.iter(_OPF + "item")}
    for item in package.iter(_OPF + "itemref"):
        if item.get("linear") != "no" and places.get(item.get("idref")):
            yield posixpath.normpath(posixpath.join(folder, unquote(places[item.get("idref")])))


def _chapter(data: bytes, unseen: list[int]) -> list[Block]:
    page = read_page(data.decode("utf-8", "replace"))
    unseen[0] += page.hidden
    if page.blocks and page.title and not any(block.kind == "heading" for block in page.blocks[:3]):
        return [Block("heading", page.title.text, 1), *page.blocks]
    return page.blocks

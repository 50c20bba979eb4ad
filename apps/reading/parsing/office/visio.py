"""Parser of Visio drawings (VSDX, VSDM): a page per drawing page, the text of its shapes from top to bottom."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from typing import Any

import lxml.etree

from apps.reading.parsing.common.zip_archive import BoundedZipFile
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
    strip_invisible,
)

DAMAGED = "This drawing is damaged or was cut off during a transfer. Open it in Visio, save it again and upload that."
MOST_DEEP = 20  # groups in groups
_V = "{http://schemas.microsoft.com/office/visio/2012/main}"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_FOLDER = "visio/pages"


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield title, pages and notices of a Visio drawing. Raises ParseError."""
    try:
        with BoundedZipFile(path) as archive:
            pages = list(_pages(archive))
            core = archive.read_xml("docProps/core.xml")
    except (zipfile.BadZipFile, lxml.etree.XMLSyntaxError, NotImplementedError, RuntimeError, OSError) as error:
        raise ParseError(DAMAGED) from error
    named = core.findtext("{http://purl.org/dc/elements/1.1/}title") if core is not None else ""
    if title := make_title(named or ""):
        yield title
    yield PageCount(len(pages))
    drawn = [_Page(name, tree) for name, tree in pages]
    yield from paginate_units((page.blocks() for page in drawn), limits)
    if any(page.hidden for page in drawn):
        yield ParseNotice(HIDDEN_TEXT_LEFT_OUT)


def _pages(archive: BoundedZipFile) -> Iterator[tuple[str, Any]]:
    """Yield name and content of each page, in the order of Visio."""
    listed, links = archive.read_xml(f"{_FOLDER}/pages.xml"), archive.read_xml(f"{_FOLDER}/_rels/pages.xml.rels")
    if listed is None or links is None:
        raise ParseError(DAMAGED)
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    for page in listed.iter(f"{_V}Page"):
        rel = page.find(f"{_V}Rel")
        target = targets.get(rel.get(_ID) if rel is not None else None)
        tree = archive.read_xml(posixpath.normpath(posixpath.join(_FOLDER, target)).lstrip("/")) if target else None
        if tree is not None:
            yield page.get("Name") or page.get("NameU") or "", (page.find(f"{_V}PageSheet"), tree)


class _Page:
    """Page of a drawing; `hidden` is True once hidden text was seen."""

    def __init__(self, name: str, parts: tuple[Any, Any]) -> None:
        sheet, self._tree = parts
        self.name, self.hidden = name, False
        layers = sheet.findall(f"{_V}Section[@N='Layer']/{_V}Row") if sheet is not None else []
        self._hidden_layers = {row.get("IX") for row in layers if _cell(row, "Visible") == "0"}

    def blocks(self) -> Iterator[ParsedBlock]:
        """Yield the name of the page and the texts of its visible shapes."""
        if self.name:
            yield ParsedBlock("heading", " ".join(strip_invisible(self.name).split())[:200], 1)
        yield from self._shapes(self._tree, 0)

    def _shapes(self, parent: Any, depth: int) -> Iterator[ParsedBlock]:
        shapes = parent.findall(f"{_V}Shapes/{_V}Shape")
        for shape in sorted(shapes, key=_position) if not depth else shapes:
            text = shape.find(f"{_V}Text")
            words = strip_invisible("".join(text.itertext())).strip() if text is not None else ""
            if self._hides(shape):
                self.hidden |= bool(words)
                continue
            if words and _cell(shape, "HideText") == "1":
                self.hidden = True
            elif words:
                yield ParsedBlock("paragraph", " ".join(words.split()))
            if depth < MOST_DEEP:
                yield from self._shapes(shape, depth + 1)

    def _hides(self, shape: Any) -> bool:
        """Return whether all layers of the shape are hidden."""
        layers = {layer for layer in _cell(shape, "LayerMember").split(";") if layer}
        return bool(layers) and layers <= self._hidden_layers


def _cell(node: Any, name: str) -> str:
    found = node.find(f"{_V}Cell[@N='{name}']")
    return (found.get("V") or "") if found is not None else ""


def _position(shape: Any) -> tuple[float, float]:
    """Return the sort key of a shape: from top to bottom, then left to right. Visio counts from below."""
    return -_number(_cell(shape, "PinY")), _number(_cell(shape, "PinX"))


def _number(text: str) -> float:
    try:
        return round(float(text), 1)
    except ValueError:
        return 0.0

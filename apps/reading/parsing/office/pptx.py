"""Parser of presentations by python-pptx: a page per slide with title, content from top to bottom, and notes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import lxml.etree
import pptx
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.exc import PackageNotFoundError
from pptx.shapes.group import GroupShape

from apps.lib.text import message_templates
from apps.reading.parsing.common.tables import expand_spans, make_table_blocks, make_table_blocks_by_first_row
from apps.reading.parsing.common.zip_archive import BoundedZipFile, parse_xml
from apps.reading.parsing.office.pptx_hidden_text import has_white_background, is_background_coloured
from apps.reading.parsing.protocol import (
    HIDDEN_TEXT_LEFT_OUT,
    SPEAKER_NOTES,
    PageCount,
    ParsedBlock,
    ParsedItem,
    ParseError,
    ParseLimits,
    ParseNotice,
    make_title,
    paginate_units,
)

DAMAGED = "This presentation is damaged or was cut off during a transfer. Open it, save it again and upload that."
MOST_DEEP = 20  # groups in groups
SMALLEST = 100  # hundredths of a point; text of this size or smaller is not meant to be read
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"
_DATA = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}dm"
_TITLES = {PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE, PP_PLACEHOLDER.VERTICAL_TITLE}
_AROUND = {PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.HEADER}
_BULLETS = {PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.VERTICAL_BODY, PP_PLACEHOLDER.VERTICAL_OBJECT}


@dataclass(slots=True)
class SlideArea:
    """Size of the slides, whether the present one is white, and whether hidden text was seen."""

    width: int
    height: int
    hidden: bool = False
    white: bool = False

    def shows(self, shape: Any) -> bool:
        """Return whether the shape is visible and at least partly on the slide."""
        left, top, width, height = (getattr(shape, name) or 0 for name in ("left", "top", "width", "height"))
        beside = self.width and not (-width <= left <= self.width and -height <= top <= self.height)
        is_hidden = bool(beside) or any(
            node.get("hidden") in {"1", "true"} for node in shape.element.iter() if str(node.tag).endswith("}cNvPr")
        )
        self.hidden |= is_hidden and shape.has_text_frame and bool(shape.text_frame.text.strip())
        return not is_hidden


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield title, pages and notices of a presentation. Raises ParseError."""
    try:
        BoundedZipFile(path).close()
        show = pptx.Presentation(path)
    except (
        zipfile.BadZipFile,
        PackageNotFoundError,
        KeyError,
        lxml.etree.XMLSyntaxError,
        ValueError,
        OSError,
    ) as error:
        raise ParseError(DAMAGED) from error
    slides = list(show.slides)
    shown_slides = [slide for slide in slides if slide.element.get("show") not in {"0", "false"}]
    yield PageCount(len(shown_slides))
    first = next((slide.shapes.title.text_frame.text for slide in shown_slides if slide.shapes.title is not None), "")
    if title := make_title(show.core_properties.title or "") or make_title(first):
        yield title
    paper = SlideArea(show.slide_width or 0, show.slide_height or 0)
    yield from paginate_units((_slide(slide, paper) for slide in shown_slides), limits)
    if hidden := len(slides) - len(shown_slides):
        yield ParseNotice(message_templates.SLIDES_HIDDEN % {"count": hidden})
    if paper.hidden:
        yield ParseNotice(HIDDEN_TEXT_LEFT_OUT)


def _slide(slide: Any, paper: SlideArea) -> Iterator[ParsedBlock]:
    paper.white = has_white_background(slide)
    head = slide.shapes.title
    if head is not None and head.text_frame.text.strip():
        yield ParsedBlock("heading", " ".join(head.text_frame.text.split()), 1)
    for shape in _ordered(slide.shapes, paper):
        if head is None or shape.shape_id != head.shape_id:
            yield from _shape(shape, paper)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        words = slide.notes_slide.notes_text_frame.text.strip()
        if words:
            yield ParsedBlock("heading", SPEAKER_NOTES, 3)
            yield ParsedBlock("paragraph", words.replace("\v", "\n"))


def _ordered(shapes: Any, paper: SlideArea) -> list[Any]:
    """Return the visible shapes from top to bottom in bands, and from left to right within a band."""
    band = max(1, (paper.height or 1) // 20)
    seen = [shape for shape in shapes if paper.shows(shape)]
    return sorted(seen, key=lambda shape: ((shape.top or 0) // band, shape.left or 0))


def _shape(shape: Any, paper: SlideArea, depth: int = 0) -> Iterator[ParsedBlock]:
    if depth > MOST_DEEP or (shape.is_placeholder and shape.placeholder_format.type in _AROUND):
        return
    if isinstance(shape, GroupShape):
        for inner in shape.shapes:  # unsorted: their places are relative to the group
            yield from _shape(inner, paper, depth + 1)
    elif getattr(shape, "has_table", False):
        yield from make_table_blocks_by_first_row(_cells(shape.table))
    elif getattr(shape, "has_chart", False):
        yield from _chart(shape.chart)
    elif shape.has_text_frame:
        yield from _text(shape, paper)
    else:
        yield from _diagram(shape)


def _cells(table: Any) -> list[list[str]]:
    """Return the rows of a table; the text of a merged cell is repeated in each place that it covers."""
    return expand_spans(
        [(cell.text, cell.span_width, cell.span_height) for cell in row.cells if not cell.is_spanned]
        for row in table.rows
    )


def _text(shape: Any, paper: SlideArea) -> Iterator[ParsedBlock]:
    kind = shape.placeholder_format.type if shape.is_placeholder else None
    lines = [(line.level, "".join(_runs(line, paper)).strip()) for line in shape.text_frame.paragraphs]
    lines = [(level, words) for level, words in lines if words]
    if kind in _TITLES and lines:
        yield ParsedBlock("heading", " ".join(words for _, words in lines), 1)
    elif kind in _BULLETS and len(lines) > 1:
        for level, words in lines:
            yield ParsedBlock("list", "  " * level + "- " + words)
    else:
        for _, words in lines:
            yield ParsedBlock("paragraph", words)


def _runs(line: Any, paper: SlideArea) -> Iterator[str]:
    for node in line._p.iter(_A + "t", _A + "br", _A + "tab"):
        properties = node.getparent().find(_A + "rPr")
        size = properties.get("sz", "") if properties is not None else ""
        if node.tag != _A + "t":
            yield "\n" if node.tag == _A + "br" else "\t"
        elif (not size.isdecimal() or int(size) > SMALLEST) and not (
            paper.white and is_background_coloured(properties)
        ):
            yield node.text or ""
        else:
            paper.hidden |= bool((node.text or "").strip())


def _chart(chart: Any) -> Iterator[ParsedBlock]:
    """Yield a chart as the table of its data."""
    if chart.has_title and chart.chart_title.has_text_frame:
        yield ParsedBlock("paragraph", chart.chart_title.text_frame.text)
    for plot in list(chart.plots)[:10]:
        header = ["", *(series.name or "" for series in plot.series)]
        columns = [
            [str(item) for item in plot.categories],
            *([_value(v) for v in series.values] for series in plot.series),
        ]
        yield from make_table_blocks(list(zip(*columns, strict=False)), header)


def _value(number: float | None) -> str:
    return "" if number is None else f"{number:.12g}"


def _diagram(shape: Any) -> Iterator[ParsedBlock]:
    """Yield the words of a SmartArt diagram, which are stored in a part of their own."""
    for ids in shape.element.iter(_DIAGRAM):
        part = shape.part.related_part(ids.get(_DATA)) if ids.get(_DATA) in shape.part.rels else None
        if part is None:
            continue
        for line in parse_xml(part.blob).iter(_A + "p"):
            words = "".join(node.text or "" for node in line.iter(_A + "t")).strip()
            if words:
                yield ParsedBlock("list", "- " + words)

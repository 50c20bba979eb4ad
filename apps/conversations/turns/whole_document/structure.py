"""Read the structure of a document: its headings, and the text between them. Entry point: `read_document`.

Headings come from the parser, without lines that only look like one: table of contents, running headers, page numbers,
whole sentences.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from apps.documents.models import Chunk, Document, Page
from apps.grounding.passage import Passage, join_spans
from apps.lib.text.text_normalization import normalize_text
from apps.lib.text.toc_detection import has_page_leader, is_toc_or_noise

if TYPE_CHECKING:
    from apps.users.models import AnyUser

Position = tuple[int, int]  # page, character of its text

_HEADING_CHARS, _HEADING_WORDS = 110, 14  # characters and words of a heading, at most
_LETTERS = 3  # letters of a heading, at least
_RUNNING = 3  # pages from which a repeated line is a running header
_NUMBERED = re.compile(r"(?:(?:chapter|kapitel|capítulo)\s+)?(\d{1,3}(?:\.\d{1,3})*)\.?\s+\D", re.IGNORECASE)
# Page number before a running header.
_PAGE_BEFORE = re.compile(r"\d{1,4}\s+(?=(?:chapter|kapitel|capítulo)\s+\d)", re.IGNORECASE)
_LISTED = re.compile(r"\d{1,3}(?:\.\d{1,3})*\.?\s\D.*\s(?:\d{1,4}|[ivxlc]{1,6})")  # "11 Packaging with git 71"
_CODE = re.compile(r"(?=(?:.*\d){5})\S+")  # one word of digits and signs
_SHARE_NUMBERED = 0.5  # share of numbered headings from which the others are dropped
_SENTENCE = re.compile(r"[.!?;,]$")


@dataclass(frozen=True, slots=True)
class SectionHeading:
    """Heading with its position: [start, end) in the text of its page. `level` counts from 1."""

    level: int
    text: str
    page: int
    start: int
    end: int

    @property
    def position(self) -> Position:
        """Return the page and the start on it."""
        return self.page, self.start


@dataclass(frozen=True, slots=True)
class DocumentPart:
    """Searchable passage of the document: [start, end) in the text of its page."""

    pk: int
    page: int
    start: int
    end: int
    heading: str

    @property
    def position(self) -> Position:
        """Return the page and the start on it."""
        return self.page, self.start


@dataclass
class DocumentStructure:
    """Structure of a document: texts of its pages by number, passages in order, headings in order."""

    document: Document
    pages: dict[int, str]
    parts: list[DocumentPart]
    headings: list[SectionHeading] = field(default_factory=list)

    def part_at(self, page: int, start: int) -> DocumentPart | None:
        """Return the passage that holds this character; None if no searchable passage does."""
        at = bisect_right(self._positions, (page, start)) - 1
        part = self.parts[at] if at >= 0 else None
        return part if part is not None and part.page == page and start < part.end else None

    def path(self, position: Position) -> list[str]:
        """Return the headings above this position, the outermost first."""
        path: list[SectionHeading] = []
        for heading in self.headings:
            if heading.position > position:
                break
            path = [*(item for item in path if item.level < heading.level), heading]
        return [heading.text for heading in path]

    @cached_property
    def _positions(self) -> list[Position]:
        return [part.position for part in self.parts]


def read_document(user: AnyUser, document: Document) -> DocumentStructure:
    """Return the parts of the document that are searchable and that the user may read. For `in_db`."""
    chunks = Chunk.objects.searchable().visible_to(user).filter(document=document).order_by("position")
    fields = ("pk", "page_number", "char_start", "char_end", "heading")
    parts = [DocumentPart(*values) for values in chunks.values_list(*fields)]
    rows = Page.objects.filter(document=document, number__in={part.page for part in parts}).order_by("number")
    pages, found = dict[int, str](), list[SectionHeading]()
    for number, text, block_spans in rows.values_list("number", "text", "block_spans"):
        pages[number] = text
        found += [
            _make_heading(level, text, number, start, end)
            for kind, level, start, end in block_spans or ()
            if kind == "heading"
        ]
    structure = DocumentStructure(document, pages, parts)
    found = found or _read_passage_headings(structure)
    structure.headings = [item for item in clean_headings(found) if structure.part_at(item.page, item.start)]
    return structure


def make_passage(
    structure: DocumentStructure, parts: Sequence[DocumentPart], spans: tuple[tuple[int, int], ...]
) -> Passage:
    """Return these consecutive parts of one page as a passage whose text are the spans."""
    document, first, page, end = structure.document, parts[0], structure.pages[parts[0].page], parts[-1].end
    return Passage(
        first.pk, document.pk, document.collection_id, str(document), document.kind, first.page, first.heading, spans,
        join_spans(page, spans), first.start, end, page[first.start : end], 1.0, 0.0, 0.0,
    )  # fmt: skip


def clean_headings(found: Sequence[SectionHeading]) -> list[SectionHeading]:
    """Return the real headings, in order. If most are numbered, only those, with levels by depth of number."""
    pages = Counter(text for text, _ in {(heading.text.casefold(), heading.page) for heading in found})
    running = {text for text, count in pages.items() if count >= _RUNNING}
    once = _drop_repeated([heading for heading in found if _is_heading(heading.text)], running)
    numbered = [(heading, match[1].count(".") + 1) for heading in once if (match := _NUMBERED.match(heading.text))]
    if len(numbered) >= max(_RUNNING, _SHARE_NUMBERED * len(once)):
        first = {heading.text.casefold(): replace(heading, level=depth) for heading, depth in reversed(numbered)}
        return sorted(first.values(), key=lambda heading: heading.position)
    return once


def _make_heading(level: int, text: str, page: int, start: int, end: int) -> SectionHeading:
    """Return the heading at this place, without the page number at the start of a running header."""
    if before := _PAGE_BEFORE.match(text, start, end):
        start = before.end()
    return SectionHeading(level, normalize_text(text[start:end]), page, start, end)


def _is_heading(text: str) -> bool:
    if (
        len(text) > _HEADING_CHARS
        or len(text.split()) > _HEADING_WORDS
        or not (text[:1].isalnum() or text[:1] in "¿¡«“(")
    ):
        return False
    if is_toc_or_noise(text) or has_page_leader(text) or _LISTED.fullmatch(text) or _CODE.fullmatch(text):
        return False
    return sum(map(str.isalpha, text)) >= _LETTERS and not (_SENTENCE.search(text) and len(text.split()) > 4)


def _drop_repeated(headings: Sequence[SectionHeading], running: set[str]) -> list[SectionHeading]:
    """Return the headings in order; of texts in `running`, only the first."""
    done, clean = set[str](), list[SectionHeading]()
    for heading in headings:
        name = heading.text.casefold()
        if name not in done:
            clean.append(heading)
        if name in running:
            done.add(name)
    return clean


def _read_passage_headings(structure: DocumentStructure) -> list[SectionHeading]:
    """Return the headings stored with passages, for documents ingested before parsers' headings were stored.

    Only those whose words stand on the page, before the passage or in it.
    """
    found, before = list[SectionHeading](), list[str]()
    for part in structure.parts:
        path = [name for name in part.heading.split(" › ") if name]
        text = structure.pages.get(part.page, "")
        for level, name in enumerate(path, 1):
            if before[level - 1 : level] == [name]:
                continue
            start = text.find(name, part.start, part.end)
            if start < 0:
                start = text.rfind(name, 0, part.start)
            if start >= 0:
                found.append(SectionHeading(level, name, part.page, start, start + len(name)))
        before = path
    return found

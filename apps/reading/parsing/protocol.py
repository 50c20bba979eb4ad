"""Values that parsers yield, the Protocol that every parser fulfils, and helpers that turn blocks into pages.

Upload -> ParsedPage -> BlockSpan -> chunk. A parser makes pages of text, and marks the runs of it that are headings,
paragraphs, lists, tables and code. It runs in a sandboxed child process, knows no Django, and imports only what it
needs. Chunks are made later, in `apps/reading/chunking/`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from apps.lib.text import message_templates

BlockKind = Literal["heading", "paragraph", "list", "table", "code"]

PART_CHARACTERS = 30_000  # size of a part in formats without pages, so that little text is read for a hit
MAX_CHARACTERS = 20_000_000  # of one document: some 8,000 printed pages
TEXT_TOO_LONG = message_templates.TEXT_LONG % {"most": f"{MAX_CHARACTERS:,}"}
TITLE_CHARACTERS = 200
BLOCK_CHARACTERS = 1_000_000  # a longer block is cut
HIDDEN_TEXT_LEFT_OUT = "Hidden text was left out."  # notice of text that no reader of the file would see
SPEAKER_NOTES = "Speaker notes"  # heading above the notes of a slide

# Invisible characters that reorder, hide or smuggle text. Joiners stay, because scripts and emoji need them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\uffff"
    "\U000e0000-\U000e0fff]"
)


_NO_TITLES = {"word document", "document", "untitled", "untitled document", "title", "(anonymous)", "unspecified"}


WordBox = tuple[int, int, float, float, float, float]  # start, end, left, top, width, height; fractions of the page


class ParseError(Exception):
    """Error: the file cannot be read. The message tells its owner in one or two sentences why, and what to do."""


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """Limits of one document. `name` is the file's name as uploaded, from which a parser may tell the kind of text."""

    pages: int = 3000
    characters: int = MAX_CHARACTERS
    name: str = ""


@dataclass(frozen=True, slots=True)
class PageCount:
    """Number of pages that will be yielded, as soon as it is known."""

    pages: int


@dataclass(frozen=True, slots=True)
class DocumentTitle:
    """Title that the document gives itself."""

    text: str


@dataclass(frozen=True, slots=True)
class ParseNotice:
    """Notice of something that was left out, in one sentence for the file's owner."""

    text: str


@dataclass(frozen=True, slots=True)
class BlockSpan:
    """Run of a page's text, `text[start:end]`. `level` is that of a heading, from 1; 0 for other kinds."""

    kind: BlockKind
    level: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """Page of text with its runs. `width` and `height` are in points; 0 if the format has no pages.

    `scan` is True for a page that shows a picture and has hardly any text of its own. After OCR, `boxes` has the places
    of its words.
    """

    number: int
    text: str
    block_spans: tuple[BlockSpan, ...]
    width: float = 0
    height: float = 0
    scan: bool = False
    boxes: tuple[WordBox, ...] = ()
    recognised: bool = False  # True if OCR read the text


@dataclass(frozen=True, slots=True)
class ParsedBlock:
    """Run of text before it has a place on a page."""

    kind: BlockKind
    text: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class ScannedPage:
    """Place of a scanned page: `number` in the file `path`, which may be an attachment of another file."""

    path: str
    kind: str
    number: int
    heading: str = ""  # to put above the recognised text; "": none


ParsedItem = PageCount | DocumentTitle | ParseNotice | ParsedPage


class Parser(Protocol):
    """Parser of a format: yields the pages in order, and page count, title and notices before, between or after them.

    Pages are numbered from 1 without gaps. Raises ParseError; any other exception is a fault of the parser.
    """

    def __call__(self, path: str, limits: ParseLimits) -> Iterator[ParsedItem]: ...


def strip_invisible(text: str, instead: str = "") -> str:
    """Return the text with each invisible character replaced by `instead`; a space keeps all offsets.

    Joiners stay: scripts and emoji need them.
    """
    return _INVISIBLE.sub(instead, text)


def make_title(text: str) -> DocumentTitle | None:
    """Return the text as a title of at most 200 characters; None if it is empty or a generic word."""
    folded = " ".join(strip_invisible(unicodedata.normalize("NFC", text), " ").split())[:TITLE_CHARACTERS]
    return DocumentTitle(folded) if re.search(r"\w", folded) and folded.casefold() not in _NO_TITLES else None


def nest_under_heading(heading: str, page: ParsedPage) -> ParsedPage:
    """Return the page with a heading of level 1 put above its text, and its own headings one level deeper."""
    start = len(heading) + 2
    nested = [
        BlockSpan(piece.kind, piece.level + (piece.kind == "heading"), piece.start + start, piece.end + start)
        for piece in page.block_spans
    ]
    return replace(
        page, text=f"{heading}\n\n{page.text}", block_spans=(BlockSpan("heading", 1, 0, len(heading)), *nested)
    )


def paginate(blocks: Iterable[ParsedBlock], limits: ParseLimits) -> Iterator[ParsedPage]:
    """Yield pages of about PART_CHARACTERS, cut between blocks.

    Blocks are separated by a blank line, items of a list and parts of a table by a line end. Raises ParseError if the
    text is too long.
    """
    text, block_spans, number, total, size = [""], list[BlockSpan](), 1, 0, 0
    before = ""
    for block in _short(blocks):
        total += len(block.text)
        if total > limits.characters:
            raise ParseError(TEXT_TOO_LONG)
        inside = block.kind == before and block.kind in {"list", "table"}
        if size and size + len(block.text) > PART_CHARACTERS and not inside:
            yield ParsedPage(number, "".join(text), tuple(block_spans))
            text, block_spans, number, size, before = [""], [], number + 1, 0, ""
        gap = "" if not size else "\n" if block.kind == before in {"list", "table"} else "\n\n"
        block_spans.append(BlockSpan(block.kind, block.level, size + len(gap), size + len(gap) + len(block.text)))
        text += [gap, block.text]
        size, before = block_spans[-1].end, block.kind
        if size > 2 * PART_CHARACTERS:
            before = ""  # a long list or table may be cut too
    if size:
        yield ParsedPage(number, "".join(text), tuple(block_spans))


def paginate_with_title(blocks: Sequence[ParsedBlock], limits: ParseLimits) -> Iterator[DocumentTitle | ParsedPage]:
    """Yield the first heading as title, if there is one, then the pages. Raises ParseError."""
    if title := make_title(next((block.text for block in blocks if block.kind == "heading"), "")):
        yield title
    yield from paginate(blocks, limits)


def paginate_units(units: Iterable[Iterable[ParsedBlock]], limits: ParseLimits) -> Iterator[ParsedPage]:
    """Yield a page per slide, sheet or chapter, also for an empty one; a long unit takes several pages. Raises
    ParseError."""
    number = used = 0
    for blocks in units:
        first = number
        for page in paginate(blocks, replace(limits, characters=max(0, limits.characters - used))):
            number, used = number + 1, used + len(page.text)
            yield replace(page, number=number)
        if number == first:
            number += 1
            yield ParsedPage(number, "", ())
        if number > limits.pages:
            raise ParseError(format_page_limit(number, limits))


def _short(blocks: Iterable[ParsedBlock]) -> Iterator[ParsedBlock]:
    for block in blocks:
        text = block.text.strip("\n").rstrip() if block.kind == "code" else block.text.strip()
        for at in range(0, len(text), BLOCK_CHARACTERS):
            yield ParsedBlock(block.kind, text[at : at + BLOCK_CHARACTERS], block.level)


def format_page_limit(count: int, limits: ParseLimits) -> str:
    """Return the message that a document has too many pages."""
    return message_templates.PARTS % {"count": f"{count:,}", "most": f"{limits.pages:,}"}

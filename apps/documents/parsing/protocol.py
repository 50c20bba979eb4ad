"""The values that a parser yields, and the one Protocol behind which every format stands.

Upload -> Page -> Piece -> Chunk. A parser makes pages of text and says which runs of it are headings,
paragraphs, lists, tables and code. It runs in a child process, knows no Django, and imports only what it needs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from apps.lib.text import message_templates

BlockKind = Literal["heading", "paragraph", "list", "table", "code"]

PART_CHARACTERS = 30_000  # formats without pages are cut into parts of about this size, so that a hit reads little text
MAX_CHARACTERS = 20_000_000  # of one document: some 8,000 pages of print
TEXT_TOO_LONG = message_templates.TEXT_LONG % {"most": f"{MAX_CHARACTERS:,}"}
TITLE_CHARACTERS = 200
BLOCK_CHARACTERS = 1_000_000  # a longer run without any structure is cut
HIDDEN_TEXT_LEFT_OUT = "Hidden text was left out."  # the note where something was that no reader of the file would see
SPEAKER_NOTES = "Speaker notes"  # the heading above what a slide does not show

# Invisible characters that reorder, hide or smuggle text; joiners stay, because scripts and emoji need them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\uffff"
    "\U000e0000-\U000e0fff]"
)


_NO_TITLES = {"word document", "document", "untitled", "untitled document", "title", "(anonymous)", "unspecified"}


WordBox = tuple[int, int, float, float, float, float]  # start, end, left, top, width, height; fractions of the page


class ParseError(Exception):
    """The file cannot be read; the message says why and what to do, in one or two sentences fit for its owner."""


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """`name` is the file's as it was uploaded; it tells a parser of what kind the text is, and nothing else."""

    pages: int = 3000
    characters: int = MAX_CHARACTERS
    name: str = ""


@dataclass(frozen=True, slots=True)
class PageCount:
    """How many pages are to come, as soon as it is known."""

    pages: int


@dataclass(frozen=True, slots=True)
class DocumentTitle:
    """What the document calls itself."""

    text: str


@dataclass(frozen=True, slots=True)
class ParseNotice:
    """What was left out, in one sentence for the file's owner."""

    text: str


@dataclass(frozen=True, slots=True)
class BlockSpan:
    """A run of a page's text: `text[start:end]`. `level` counts from 1 for headings and is 0 otherwise."""

    kind: BlockKind
    level: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """`width` and `height` are points; 0 where the format has no pages.

    A `scan` has ink but hardly a word of its own; once it was recognised, `boxes` say where its words stand.
    """

    number: int
    text: str
    pieces: tuple[BlockSpan, ...]
    width: float = 0
    height: float = 0
    scan: bool = False
    boxes: tuple[WordBox, ...] = ()
    recognised: bool = False  # its text was read from the picture


@dataclass(frozen=True, slots=True)
class ParsedBlock:
    """A piece before it has a place on a page."""

    kind: BlockKind
    text: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class ScannedPage:
    """Where a page that is a picture lies: in a file of its own, or in one that was attached to another."""

    path: str
    kind: str
    number: int
    heading: str = ""  # above what is recognised; empty: none


ParsedItem = PageCount | DocumentTitle | ParseNotice | ParsedPage


class Parser(Protocol):
    """A format. Raises Unreadable; anything else that it raises is a fault of the parser."""

    def __call__(self, path: str, limits: ParseLimits) -> Iterator[ParsedItem]: ...


def strip_invisible(text: str, instead: str = "") -> str:
    """The text without characters that nobody sees; with a space `instead`, every offset stays as it was."""
    return _INVISIBLE.sub(instead, text)


def make_title(text: str) -> DocumentTitle | None:
    """A title fit to show, or None where the text is empty or says nothing."""
    folded = " ".join(strip_invisible(unicodedata.normalize("NFC", text), " ").split())[:TITLE_CHARACTERS]
    return DocumentTitle(folded) if re.search(r"\w", folded) and folded.casefold() not in _NO_TITLES else None


def nest_under_heading(heading: str, page: ParsedPage) -> ParsedPage:
    """The page with a heading above, under which all of it stands."""
    start = len(heading) + 2
    moved = [
        BlockSpan(piece.kind, piece.level + (piece.kind == "heading"), piece.start + start, piece.end + start)
        for piece in page.pieces
    ]
    return replace(page, text=f"{heading}\n\n{page.text}", pieces=(BlockSpan("heading", 1, 0, len(heading)), *moved))


def paginate(blocks: Iterable[ParsedBlock], limits: ParseLimits) -> Iterator[ParsedPage]:
    """Parts of about PART_CHARACTERS, cut between blocks; blocks stand apart by a blank line, list items by a line."""
    text, pieces, number, total, size = [""], list[BlockSpan](), 1, 0, 0
    before = ""
    for block in _short(blocks):
        total += len(block.text)
        if total > limits.characters:
            raise ParseError(TEXT_TOO_LONG)
        inside = block.kind == before and block.kind in {"list", "table"}
        if size and size + len(block.text) > PART_CHARACTERS and not inside:
            yield ParsedPage(number, "".join(text), tuple(pieces))
            text, pieces, number, size, before = [""], [], number + 1, 0, ""
        gap = "" if not size else "\n" if block.kind == before in {"list", "table"} else "\n\n"
        pieces.append(BlockSpan(block.kind, block.level, size + len(gap), size + len(gap) + len(block.text)))
        text += [gap, block.text]
        size, before = pieces[-1].end, block.kind
        if size > 2 * PART_CHARACTERS:
            before = ""  # a long list or table may be cut too
    if size:
        yield ParsedPage(number, "".join(text), tuple(pieces))


def paginate_units(units: Iterable[Iterable[ParsedBlock]], limits: ParseLimits) -> Iterator[ParsedPage]:
    """A page for each slide, sheet or chapter, also an empty one; a long one takes several."""
    number = taken = 0
    for blocks in units:
        first = number
        for page in paginate(blocks, replace(limits, characters=max(0, limits.characters - taken))):
            number, taken = number + 1, taken + len(page.text)
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
    return message_templates.PARTS % {"count": f"{count:,}", "most": f"{limits.pages:,}"}

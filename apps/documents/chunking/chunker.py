"""Pages of pieces to chunks that fit the embedder's window.

Every cut is made by token counts, at the best place there is: before a heading,
between pieces, between sentences (lines in tables and code), between words. A chunk stays inside a page, and its span
is exact in the page's text. What is embedded is its header (title › headings) and its text.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from apps.documents.chunking.text_normalization import normalize_text
from apps.documents.parsing.protocol import BlockSpan, ParsedPage
from apps.documents.settings import TARGET_TOKENS
from apps.engines.embed.protocol import Tokenised
from apps.lib.text.sentences import find_sentences as sentence_spans

Offsets = Callable[[str], list[tuple[int, int]]]
Tokenize = Callable[[str], Tokenised]

HEADER_TOKENS = 40
SMALL_TOKENS = 40  # a section shorter than this shares its chunk with the next
LONG_TOKEN = 24  # characters; a longer "word" counts as several tokens, so that no chunk becomes huge
MAX_HEADING = 400
_SEEN = re.compile(r"\S")
HEADING_SEPARATOR = " › "


@dataclass(frozen=True, slots=True)
class ChunkDraft:
    """A chunk before it has a row. `tokens` counts header and text, as the embedder will see them; `read` is what it
    made of them, where it was asked to count."""

    page_number: int
    start: int
    end: int
    heading: str
    text: str
    header: str
    tokens: int
    read: Tokenised | None = None

    @property
    def embedded(self) -> str:
        return compose_embedding_text(self.header, self.text)


@dataclass(slots=True)
class _Atom:
    """The smallest run that packing moves as one; never more tokens than fit."""

    start: int
    end: int
    tokens: int
    limit: int  # a chunk that ends with this atom is at most this long
    piece: BlockSpan


def compose_embedding_text(header: str, text: str) -> str:
    """What is embedded for a chunk."""
    return f"{header}\n{text}" if header else text


class Chunker:
    """Cuts the pages of one document, in order: the headings of one page hold on the next.

    With `read`, chunks come as the embedder reads them, and nothing is left to be tokenised again.
    """

    def __init__(
        self, title: str, offsets: Offsets, window: int, read: Tokenize | None = None, target: int = TARGET_TOKENS
    ) -> None:
        self.title, self.offsets, self.window, self.read = " ".join(title.split()), offsets, window, read
        self.target = target
        self._path: list[tuple[int, str]] = []
        self._headers: dict[str, tuple[str, int]] = {}

    def cut(self, page: ParsedPage) -> Iterator[ChunkDraft]:
        """Return the chunks of a page in order, which cover every letter and digit of its pieces once. What would be a
        chunk without any is left out."""
        tokens = _Tokens(self.offsets(page.text))
        room = min(self.target, self.window - 1) - min(HEADER_TOKENS, self.window // 4)
        atoms = [atom for piece in page.pieces for atom in _atoms(page.text, piece, tokens, max(8, room))]
        for run in _pack(atoms, max(8, room)):
            body = next((at for at, atom in enumerate(run) if atom.piece.kind != "heading"), len(run))
            self._enter(run[: body + 1], page.text)
            yield from self._draft(page, run[0].start, run[-1].end)
            self._enter(run[body:], page.text)

    def _enter(self, atoms: Iterable[_Atom], text: str) -> None:
        """The headings among the atoms are on the path, each below those of a higher level."""
        for piece in (atom.piece for atom in atoms if atom.piece.kind == "heading"):
            words = normalize_text(text[piece.start : piece.end])[:120]
            if not self._path or self._path[-1] != (piece.level, words):
                self._path = [*(item for item in self._path if item[0] < piece.level), (piece.level, words)]

    def _draft(self, page: ParsedPage, start: int, end: int) -> Iterator[ChunkDraft]:
        if not any(map(str.isalnum, page.text[start:end])):
            return  # signs alone answer no question
        heading = HEADING_SEPARATOR.join(words for _, words in self._path)[-MAX_HEADING:]
        header, taken = self.header(heading)
        text = normalize_text(page.text[start:end])
        read = self.read(compose_embedding_text(header, text)) if self.read else None
        tokens = read.count if read else len(self.offsets(text)) + taken
        if tokens > self.window and end - start > 1:  # joining split words can, rarely, make more tokens
            middle = _middle(page.text, start, end)
            for part in ((start, middle), (middle, end)):
                kept = _trimmed(page.text, *part)
                if kept:
                    yield from self._draft(page, *kept)
            return
        yield ChunkDraft(page.number, start, end, heading, text, header, tokens, read)

    def header(self, heading: str) -> tuple[str, int]:
        """Title and headings, the outermost left out first where they are too long, and the tokens they take."""
        found = self._headers.get(heading)
        if found is None:
            parts = [self.title, *(item for item in heading.split(HEADING_SEPARATOR) if item and item != self.title)]
            room = min(HEADER_TOKENS, self.window // 4)
            header = HEADING_SEPARATOR.join(part for part in parts if part)
            while len(spans := self.offsets(header)) > room and len(parts) > 2:
                del parts[1]
                header = HEADING_SEPARATOR.join(part for part in parts if part)
            if len(spans) > room:
                header = header[: spans[room - 1][1]]
            found = self._headers[heading] = (header[:600], min(len(spans), room))
        return found


class _Tokens:
    """Counts tokens between two characters of a page; a "word" of hundreds of letters counts as several."""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        self.starts = [at for start, end in spans for at in range(start, max(end, start + 1), LONG_TOKEN)]

    def count(self, start: int, end: int) -> int:
        return bisect_left(self.starts, end) - bisect_left(self.starts, start)

    def reach(self, start: int, tokens: int, end: int) -> int:
        """The furthest character up to `end` such that no more than `tokens` lie between."""
        last = bisect_left(self.starts, start) + tokens
        return min(end, self.starts[last]) if last < len(self.starts) else end


def _atoms(text: str, piece: BlockSpan, tokens: _Tokens, room: int) -> Iterator[_Atom]:
    whole = tokens.count(piece.start, piece.end)
    if whole <= room and piece.end - piece.start <= room * LONG_TOKEN:
        if text[piece.start : piece.end].strip():
            yield _Atom(piece.start, piece.end, whole, room, piece)
        return
    even = -(
        -whole // max(1, -(-whole // room))
    )  # a long paragraph is cut into parts of one size, not a whole and a rest
    for start, end in _split(text, piece):
        for kept in _words(text, start, end, tokens, room):
            count = tokens.count(*kept)
            yield _Atom(*kept, count, min(room, even + count // 2), piece)


def _split(text: str, piece: BlockSpan) -> Iterator[tuple[int, int]]:
    """Lines of tables and code, sentences of everything else; together they are the piece."""
    if piece.kind in {"table", "code"}:
        at = piece.start
        for line in text[piece.start : piece.end].splitlines(keepends=True):
            yield at, at + len(line)
            at += len(line)
        return
    cuts = [piece.start + start for start, _ in sentence_spans(text[piece.start : piece.end])][1:]
    edges = [piece.start, *cuts, piece.end]
    yield from pairwise(edges)


def _words(text: str, start: int, end: int, tokens: _Tokens, room: int) -> Iterator[tuple[int, int]]:
    """The run, cut between words where it holds more than `room` tokens, and inside a word only where it must be."""
    while kept := _trimmed(text, start, end):
        start = kept[0]
        reach = min(tokens.reach(start, room, kept[1]), start + room * LONG_TOKEN)
        if reach < kept[1] and not text[reach - 1].isspace() and not text[reach].isspace():
            gap = max(text.rfind(space, start + 1, reach) for space in " \n\t\r")
            reach = gap if gap > start else reach
        reach = max(reach, start + 1)
        if part := _trimmed(text, start, min(reach, kept[1])):
            yield part
        start, end = reach, kept[1]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Without white space at its ends; None where nothing is left."""
    first = _SEEN.search(text, start, end)
    if first is None:
        return None
    while text[end - 1].isspace():
        end -= 1
    return first.start(), end


def _middle(text: str, start: int, end: int) -> int:
    """A place near the middle of the run, at a space if there is one."""
    middle = (start + end) // 2
    gap = text.rfind(" ", start + 1, middle)
    return gap if gap > start else middle


def _pack(atoms: Iterable[_Atom], room: int) -> Iterator[list[_Atom]]:
    """Runs of atoms that become chunks: as full as may be, a new one at a heading, no heading left behind at an end."""
    run: list[_Atom] = []
    size = 0
    for atom in atoms:
        heading = atom.piece.kind == "heading" and bool(run) and run[-1].piece.kind != "heading"
        if run and (size + atom.tokens > min(atom.limit, room) or (heading and size >= SMALL_TOKENS)):
            tail = len(run)
            while tail > 1 and run[tail - 1].piece.kind == "heading" and not heading:
                tail -= 1
            if run[tail - 1].piece.kind == "heading":
                tail = len(run)  # headings alone: none of them is left behind
            kept = run[tail:] if sum(item.tokens for item in run[tail:]) + atom.tokens <= room else []
            yield run[: len(run) - len(kept)]
            run, size = kept, sum(item.tokens for item in kept)
        run.append(atom)
        size += atom.tokens
    if run:
        yield run


def drop_spans(page: ParsedPage, dropped: set[tuple[int, int]]) -> ParsedPage:
    """The page whose pieces leave out these spans (running heads, page numbers)."""
    return replace(page, pieces=tuple(part for piece in page.pieces for part in _cut_out(piece, dropped)))


def _cut_out(piece: BlockSpan, dropped: set[tuple[int, int]]) -> Iterator[BlockSpan]:
    start = piece.start
    for left, right in sorted(span for span in dropped if piece.start <= span[0] and span[1] <= piece.end):
        if left > start:
            yield replace(piece, start=start, end=left)
        start = max(start, right)
    if start < piece.end:
        yield replace(piece, start=start)

"""Cut pages into chunks that fit the embedder's window. Pure.

Sizes are token counts. Cuts are made at the best place available: before a heading, between pieces, between sentences
(lines in tables and code), between words. A chunk stays inside a page, and its span is exact in the page's text. The
embedder gets the chunk's header (title › headings) and its text. `Chunker` is the entry point.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from apps.engines.embed.protocol import Tokenised
from apps.lib.text.sentences import find_sentences as sentence_spans
from apps.lib.text.text_normalization import normalize_text, shorten_leaders
from apps.reading.parsing.protocol import BlockSpan, ParsedPage

Offsets = Callable[[str], list[tuple[int, int]]]
Tokenize = Callable[[str], Tokenised]

TARGET_TOKENS = 200  # of a chunk with its headings; chunks of about this size gave the best recall in measurements
HEADER_TOKENS = 40  # of a chunk's header, at most
SMALL_TOKENS = 40  # a section with fewer tokens shares its chunk with the next
LONG_TOKEN = 24  # characters; a longer token counts as several, so that no chunk becomes huge
MAX_HEADING = 400  # characters, as Chunk.heading
_SEEN = re.compile(r"\S")
HEADING_SEPARATOR = " › "


@dataclass(frozen=True, slots=True)
class ChunkDraft:
    """Chunk before it has a row.

    `start` and `end` are a span of the page's text, `text` is that with leaders shortened and whitespace folded.
    `tokens` counts header and text as embedded. `tokenised` is that text as tokens, if the chunker was given a
    tokenizer.
    """

    page_number: int
    start: int
    end: int
    heading: str
    text: str
    header: str
    tokens: int
    tokenised: Tokenised | None = None

    @property
    def embedding_text(self) -> str:
        """Return the text that is embedded."""
        return compose_embedding_text(self.header, self.text)


@dataclass(slots=True)
class _Atom:
    """Smallest run that packing moves as a whole; never more tokens than a chunk may have."""

    start: int
    end: int
    tokens: int
    limit: int  # tokens that a chunk ending with this atom may have
    piece: BlockSpan


def compose_embedding_text(header: str, text: str) -> str:
    """Return the text that is embedded for a chunk: its header, if any, then its text."""
    return f"{header}\n{text}" if header else text


class Chunker:
    """Chunker of one document. Pages must be cut in order, because the headings of one page continue on the next.

    `offsets` returns token spans of a text, `max_tokens` is the embedder's in tokens, `target_tokens` the size of
    chunks in tokens. With `tokenize`, chunks come tokenised, so that the embedder need not tokenise them again."""

    def __init__(
        self, title: str, offsets: Offsets, window: int, tokenize: Tokenize | None = None, target: int = TARGET_TOKENS
    ) -> None:
        self.title, self.offsets, self.max_tokens, self.tokenize = " ".join(title.split()), offsets, window, tokenize
        self.target_tokens = target
        self._path: list[tuple[int, str]] = []
        self._headers: dict[str, tuple[str, int]] = {}

    def cut(self, page: ParsedPage) -> Iterator[ChunkDraft]:
        """Yield the chunks of a page in order. Together they cover every letter and digit of its blocks once.

        Runs without letters and digits are left out. Of leaders and rulers only a few signs are embedded.
        """
        page = replace(page, text=shorten_leaders(page.text))
        tokens = _Tokens(self.offsets(page.text))
        room = min(self.target_tokens, self.max_tokens - 1) - min(HEADER_TOKENS, self.max_tokens // 4)
        atoms = [atom for piece in page.block_spans for atom in _atoms(page.text, piece, tokens, max(8, room))]
        for run in _pack(atoms, max(8, room)):
            body = next((at for at, atom in enumerate(run) if atom.piece.kind != "heading"), len(run))
            self._enter(run[: body + 1], page.text)
            yield from self._draft(page, run[0].start, run[-1].end)
            self._enter(run[body:], page.text)

    def _enter(self, atoms: Iterable[_Atom], text: str) -> None:
        """Update the path of headings with those among the atoms, each below headings of higher levels."""
        for piece in (atom.piece for atom in atoms if atom.piece.kind == "heading"):
            words = normalize_text(text[piece.start : piece.end])[:120]
            if not self._path or self._path[-1] != (piece.level, words):
                self._path = [*(item for item in self._path if item[0] < piece.level), (piece.level, words)]

    def _draft(self, page: ParsedPage, start: int, end: int) -> Iterator[ChunkDraft]:
        if not any(map(str.isalnum, page.text[start:end])):
            return  # nothing but punctuation
        heading = HEADING_SEPARATOR.join(words for _, words in self._path)[-MAX_HEADING:]
        header, used_tokens = self.header(heading)
        text = normalize_text(page.text[start:end])
        read = self.tokenize(compose_embedding_text(header, text)) if self.tokenize else None
        tokens = read.count if read else len(self.offsets(text)) + used_tokens
        if tokens > self.max_tokens and end - start > 1:  # rarely, joining hyphenated words gives more tokens
            middle = _middle(page.text, start, end)
            for part in ((start, middle), (middle, end)):
                trimmed = _trimmed(page.text, *part)
                if trimmed:
                    yield from self._draft(page, *trimmed)
            return
        yield ChunkDraft(page.number, start, end, heading, text, header, tokens, read)

    def header(self, heading: str) -> tuple[str, int]:
        """Return title and headings joined, and their tokens, at most HEADER_TOKENS. The outermost headings are dropped
        first."""
        cached = self._headers.get(heading)
        if cached is None:
            parts = [self.title, *(item for item in heading.split(HEADING_SEPARATOR) if item and item != self.title)]
            room = min(HEADER_TOKENS, self.max_tokens // 4)
            header = HEADING_SEPARATOR.join(part for part in parts if part)
            while len(spans := self.offsets(header)) > room and len(parts) > 2:
                del parts[1]
                header = HEADING_SEPARATOR.join(part for part in parts if part)
            if len(spans) > room:
                header = header[: spans[room - 1][1]]
            cached = self._headers[heading] = (header[:600], min(len(spans), room))
        return cached


class _Tokens:
    """Counter of tokens between two characters of a page; a token of more than LONG_TOKEN characters counts as
    several."""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        self.starts = [at for start, end in spans for at in range(start, max(end, start + 1), LONG_TOKEN)]

    def count(self, start: int, end: int) -> int:
        return bisect_left(self.starts, end) - bisect_left(self.starts, start)

    def reach(self, start: int, tokens: int, end: int) -> int:
        """Return the furthest position up to `end` with at most `tokens` tokens after `start`."""
        last = bisect_left(self.starts, start) + tokens
        return min(end, self.starts[last]) if last < len(self.starts) else end


def _atoms(text: str, piece: BlockSpan, tokens: _Tokens, room: int) -> Iterator[_Atom]:
    total_tokens = tokens.count(piece.start, piece.end)
    if total_tokens <= room and piece.end - piece.start <= room * LONG_TOKEN:
        if text[piece.start : piece.end].strip():
            yield _Atom(piece.start, piece.end, total_tokens, room, piece)
        return
    # A long paragraph is cut into parts of equal size, not into full ones and a rest.
    even = -(-total_tokens // max(1, -(-total_tokens // room)))
    for start, end in _split(text, piece):
        for word_span in _words(text, start, end, tokens, room):
            count = tokens.count(*word_span)
            yield _Atom(*word_span, count, min(room, even + count // 2), piece)


def _split(text: str, piece: BlockSpan) -> Iterator[tuple[int, int]]:
    """Yield the lines of tables and code, and the sentences of other pieces; together they cover the piece."""
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
    """Yield parts of the run with at most `room` tokens, cut between words, or inside a word that is too long."""
    while trimmed := _trimmed(text, start, end):
        start = trimmed[0]
        reach = min(tokens.reach(start, room, trimmed[1]), start + room * LONG_TOKEN)
        if reach < trimmed[1] and not text[reach - 1].isspace() and not text[reach].isspace():
            gap = max(text.rfind(space, start + 1, reach) for space in " \n\t\r")
            reach = gap if gap > start else reach
        reach = max(reach, start + 1)
        if part := _trimmed(text, start, min(reach, trimmed[1])):
            yield part
        start, end = reach, trimmed[1]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Return the span without whitespace at its ends; None if nothing is left."""
    first = _SEEN.search(text, start, end)
    if first is None:
        return None
    while text[end - 1].isspace():
        end -= 1
    return first.start(), end


def _middle(text: str, start: int, end: int) -> int:
    """Return a position near the middle of the run, at a space if there is one."""
    middle = (start + end) // 2
    gap = text.rfind(" ", start + 1, middle)
    return gap if gap > start else middle


def _pack(atoms: Iterable[_Atom], room: int) -> Iterator[list[_Atom]]:
    """Yield runs of atoms that become chunks, as full as possible.

    A heading starts a new chunk, and a chunk does not end with a heading.
    """
    run: list[_Atom] = []
    size = 0
    for atom in atoms:
        heading = atom.piece.kind == "heading" and bool(run) and run[-1].piece.kind != "heading"
        if run and (size + atom.tokens > min(atom.limit, room) or (heading and size >= SMALL_TOKENS)):
            tail = len(run)
            while tail > 1 and run[tail - 1].piece.kind == "heading" and not heading:
                tail -= 1
            if run[tail - 1].piece.kind == "heading":
                tail = len(run)  # nothing but headings: they stay together
            overlap = run[tail:] if sum(item.tokens for item in run[tail:]) + atom.tokens <= room else []
            yield run[: len(run) - len(overlap)]
            run, size = overlap, sum(item.tokens for item in overlap)
        run.append(atom)
        size += atom.tokens
    if run:
        yield run


def drop_spans(page: ParsedPage, dropped: set[tuple[int, int]]) -> ParsedPage:
    """Return the page with these spans (running heads, page numbers) cut out of its blocks; its text is unchanged."""
    return replace(page, block_spans=tuple(part for piece in page.block_spans for part in _cut_out(piece, dropped)))


def _cut_out(piece: BlockSpan, dropped: set[tuple[int, int]]) -> Iterator[BlockSpan]:
    start = piece.start
    for left, right in sorted(span for span in dropped if piece.start <= span[0] and span[1] <= piece.end):
        if left > start:
            yield replace(piece, start=start, end=left)
        start = max(start, right)
    if start < piece.end:
        yield replace(piece, start=start)

"""Choose whole sections of documents for a prompt with a large token budget.

Entry points: `read_sections`, which reads the chunks around the hits, and `select_sections`, which is pure. Small
budgets are served by `sentence_selection.py` instead. Headings need no line of their own: the first chunk of a section
holds its heading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.db.models import F

from apps.documents.models import Chunk
from apps.documents.retrieval.candidates import MAX_PASSAGES, RankedWindows, load_page_texts
from apps.documents.retrieval.passages import SearchHit, select_diverse
from apps.documents.retrieval.sentence_selection import CountTokens
from apps.grounding.passage import Passage, join_spans

WHOLE_SECTIONS_ABOVE = 1_500  # tokens; set by judgement, like the three below: no alternatives were measured
_PASSAGE_TOKENS = 250  # tokens above that for one passage more: a chunk of 200, its number and its title
_REACH = 12  # chunks before and after a hit that are looked at, some 2,400 tokens on each side
_MARGIN_TOKENS = 24  # tokens that number and title of a passage take in the prompt
_HIT_SHARE = 0.6  # share of the budget for the hits' own chunks, before the sections of the best hits are completed


@dataclass(frozen=True, slots=True)
class SectionChunk:
    """Place of a chunk in the section of a hit."""

    document_id: UUID
    chunk_id: int
    position: int
    page_number: int
    heading: str
    start: int  # [start, end) in Page.text
    end: int

    @property
    def page(self) -> tuple[UUID, int]:
        """Return the key of the chunk's page."""
        return self.document_id, self.page_number

    @property
    def place(self) -> tuple[UUID, int]:
        """Return document and position, which identify the chunk."""
        return self.document_id, self.position


@dataclass(frozen=True, slots=True)
class SelectedSections:
    """Passages in document order, and the ids of the relevant chunks for which the budget had no room."""

    passages: tuple[Passage, ...]
    no_room: frozenset[int] = frozenset()


def count_max_passages(budget: int) -> int:
    """Return how many hits are considered for a budget in tokens: 12 for a small one, 30 for 6,000."""
    return MAX_PASSAGES + max(0, budget - WHOLE_SECTIONS_ABOVE) // _PASSAGE_TOKENS


def read_sections(ranked: RankedWindows, budget: int, count: CountTokens) -> SelectedSections:
    """Return the sections around the relevant hits. Queries the database: call through `in_db`.

    Checks no permission: the hits are those that the user may read.
    """
    hits = select_diverse(ranked.relevant, count_max_passages(budget)) or [window.hit for window in ranked.windows]
    chunks = load_section_chunks(hits)
    pages = load_page_texts({chunk.page for chunk in chunks})
    return select_sections(hits, [chunk for chunk in chunks if chunk.page in pages], pages, budget, count)


def load_section_chunks(hits: Sequence[SearchHit]) -> list[SectionChunk]:
    """Return the enabled chunks under the same headings as the hits, at most 12 positions away; one query."""
    rows = (
        Chunk.all_objects.filter(
            pk__in=[hit.chunk_id for hit in hits],
            document__chunks__position__range=(F("position") - _REACH, F("position") + _REACH),
            document__chunks__heading=F("heading"),
            document__chunks__build=F("build"),
            document__chunks__enabled=True,
        )
        .order_by()
        .values_list(
            "document_id",
            *(f"document__chunks__{name}" for name in ("pk", "position", "page_number", "heading")),
            "document__chunks__char_start",
            "document__chunks__char_end",
        )
    )
    return list({row[:2]: SectionChunk(*row) for row in rows}.values())


def select_sections(
    hits: Sequence[SearchHit],
    chunks: Iterable[SectionChunk],
    pages: Mapping[tuple[UUID, int], str],
    budget: int,
    count: CountTokens,
) -> SelectedSections:
    """Return passages of whole chunks within `budget` tokens, numbers and titles included.

    `hits` are best first. The best hits come in with their own chunks, then their sections are completed, best hit
    first and nearest chunks first, then the remaining hits. Documents stand in the order of their best hits, the
    passages of a document in reading order.
    """
    selection = _Selection(chunks, pages, budget, count)
    for hit in hits:
        if selection.remaining < (1 - _HIT_SHARE) * budget:
            break
        selection.take(hit, hit.position)
    for hit in hits:
        selection.widen(hit)
    for hit in hits:
        selection.take(hit, hit.position)
        selection.widen(hit)
    no_room = frozenset(hit.chunk_id for hit in hits if (hit.document_id, hit.position) not in selection.taken)
    return SelectedSections(tuple(selection.make_passages(hits)), no_room)


class _Selection:
    """Chunks that were taken within a budget, with the hit that each was taken for."""

    def __init__(
        self,
        chunks: Iterable[SectionChunk],
        pages: Mapping[tuple[UUID, int], str],
        budget: int,
        count: CountTokens,
    ) -> None:
        self.remaining = budget
        self.taken: dict[tuple[UUID, int], SearchHit] = {}
        self._chunks = {chunk.place: chunk for chunk in chunks}
        self._pages, self._count = pages, count

    def take(self, hit: SearchHit, position: int) -> bool:
        """Take the chunk at `position` of the hit's section if the budget has room; return whether it is taken now."""
        place = hit.document_id, position
        chunk = self._chunks.get(place)
        if chunk is None or chunk.heading != hit.heading:
            return False
        if place in self.taken:
            return True
        joins = any(self._is_joined(chunk, position + step) for step in (-1, 1))
        text = self._pages[chunk.page][chunk.start : chunk.end]
        tokens = self._count([text])[0] + (0 if joins else _MARGIN_TOKENS)
        if tokens > self.remaining:
            return False
        self.remaining -= tokens
        self.taken[place] = hit
        return True

    def widen(self, hit: SearchHit) -> None:
        """Take the chunks around a taken hit up to the ends of its section, alternating, while the budget has room."""
        if (hit.document_id, hit.position) not in self.taken:
            return
        sides = [1, -1]
        for distance in range(1, _REACH + 1):
            sides = [side for side in sides if self.take(hit, hit.position + side * distance)]

    def make_passages(self, hits: Sequence[SearchHit]) -> list[Passage]:
        """Return a passage per run of taken chunks on one page and under one heading, in document order."""
        ranks: dict[UUID, int] = {}
        for hit in hits:
            ranks.setdefault(hit.document_id, len(ranks))
        places = sorted(self.taken, key=lambda place: (ranks[place[0]], place[1]))
        runs: list[list[SectionChunk]] = []
        for chunk in (self._chunks[place] for place in places):
            if runs and self._are_joined(runs[-1][-1], chunk):
                runs[-1].append(chunk)
            else:
                runs.append([chunk])
        return [self._make_passage(run, hits) for run in runs]

    def _make_passage(self, run: Sequence[SectionChunk], hits: Sequence[SearchHit]) -> Passage:
        """Return the passage of a run; its best hit leads it, or its first chunk if the section began on another
        page."""
        ids = {chunk.chunk_id for chunk in run}
        lead = next((hit for hit in hits if hit.chunk_id in ids), None)
        hit = lead or replace(self.taken[run[0].place], chunk_id=run[0].chunk_id, page_number=run[0].page_number)
        page, spans = self._pages[run[0].page], tuple((chunk.start, chunk.end) for chunk in run)
        start, end = spans[0][0], spans[-1][1]
        return Passage(
            chunk_id=hit.chunk_id, document_id=hit.document_id, collection_id=hit.collection_id, title=hit.title,
            kind=hit.kind, page_number=hit.page_number, heading=hit.heading, spans=spans,
            text=join_spans(page, spans), full_start=start, full_end=end, full_text=page[start:end],
            relevance=hit.relevance, cosine=hit.cosine, bm25=hit.bm25,
        )  # fmt: skip

    def _is_joined(self, chunk: SectionChunk, position: int) -> bool:
        """Return whether the chunk at `position` is taken and makes one passage with `chunk`."""
        place = chunk.document_id, position
        return place in self.taken and (self._chunks[place].page, self._chunks[place].heading) == (
            chunk.page,
            chunk.heading,
        )

    @staticmethod
    def _are_joined(first: SectionChunk, second: SectionChunk) -> bool:
        same = (first.page, first.heading) == (second.page, second.heading)
        return same and first.position + 1 == second.position

"""Which sections a prompt with a large budget holds, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from apps.documents.retrieval.passages import SearchHit
from apps.documents.retrieval.section_selection import SectionChunk, count_max_passages, select_sections

ONE, OTHER = UUID(int=1), UUID(int=2)
WORDS = 20  # words of a chunk, counted as tokens
CHUNK = " ".join(["word"] * WORDS) + "\n"


def make_chunk(document: UUID, position: int, heading: str = "A", page: int = 1, on_page: int | None = None):
    start = (position if on_page is None else on_page) * len(CHUNK)
    pk = document.int * 100 + position
    return SectionChunk(document, pk, position, page, heading, start, start + len(CHUNK) - 1)


def make_hit(document: UUID, position: int, heading: str = "A", page: int = 1) -> SearchHit:
    return SearchHit(
        document.int * 100 + position, document, UUID(int=9), "T", "text", position, page, heading, 0, 1, "",
        frozenset(), 0.5, 1.0, 1.0, 0.9,
    )  # fmt: skip


def select(hits: Sequence[SearchHit], chunks: Sequence[SectionChunk], budget: int):
    pages = {chunk.page: CHUNK * 30 for chunk in chunks}
    return select_sections(hits, chunks, pages, budget, lambda texts: [len(text.split()) for text in texts])


def list_positions(selected) -> list[tuple[int, list[int]]]:
    return [(item.document_id.int, [start // len(CHUNK) for start, _ in item.spans]) for item in selected.passages]


def test_a_hit_is_widened_to_its_section_and_no_further() -> None:
    chunks = [make_chunk(ONE, position, "A" if position < 5 else "B") for position in range(8)]
    selected = select([make_hit(ONE, 3)], chunks, 2_000)
    assert list_positions(selected) == [(1, [0, 1, 2, 3, 4])] and not selected.no_room
    (passage,) = selected.passages
    assert passage.chunk_id == 103 and passage.full_text == (CHUNK * 5)[:-1] and passage.heading == "A"


def test_neighbours_are_joined_and_stand_in_document_order() -> None:
    chunks = [make_chunk(ONE, position, "A" if position < 4 else "B") for position in range(8)]
    chunks += [make_chunk(OTHER, position) for position in range(2)]
    hits = [make_hit(ONE, 6, "B"), make_hit(OTHER, 1), make_hit(ONE, 2), make_hit(ONE, 0)]
    assert list_positions(select(hits, chunks, 2_000)) == [(1, [0, 1, 2, 3]), (1, [4, 5, 6, 7]), (2, [0, 1])]


def test_the_section_of_the_best_hit_is_completed_first_and_what_finds_no_room_is_named() -> None:
    chunks = [make_chunk(ONE, position) for position in range(9)] + [make_chunk(OTHER, 0)]
    hits = [make_hit(ONE, 4), make_hit(OTHER, 0)]
    selected = select(hits, chunks, 44 + 3 * WORDS + 44)
    assert list_positions(selected) == [(1, [3, 4, 5, 6]), (2, [0])] and not selected.no_room
    tight = select(hits, chunks, 50)
    assert list_positions(tight) == [(1, [4])] and tight.no_room == {200}


def test_passages_keep_within_the_budget_with_their_numbers_and_titles() -> None:
    chunks = [make_chunk(ONE, position) for position in range(20)]
    for budget in range(50, 600, 37):
        passages = select([make_hit(ONE, 2), make_hit(ONE, 17)], chunks, budget).passages
        assert sum(len(item.text.split()) + 24 for item in passages) <= budget


def test_a_section_that_continues_on_the_next_page_is_read_there_as_a_passage_of_its_own() -> None:
    chunks = [make_chunk(ONE, 0, page=1), make_chunk(ONE, 1, page=2, on_page=0), make_chunk(ONE, 2, page=2, on_page=1)]
    first, second = select([make_hit(ONE, 0)], chunks, 2_000).passages
    assert (first.page_number, first.chunk_id) == (1, 100)
    assert (second.page_number, second.chunk_id, len(second.spans)) == (2, 101, 2)


def test_the_number_of_passages_follows_the_budget() -> None:
    assert [count_max_passages(budget) for budget in (700, 1_500, 3_000, 6_000)] == [12, 12, 18, 30]

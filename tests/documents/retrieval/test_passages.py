"""Which chunks become passages: no echo, no document that takes every place, neighbours joined."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from apps.documents.retrieval.passages import NeighbourChunk, SearchHit, collect_terms, merge_neighbours, select_diverse
from apps.grounding.passage import join_spans


def hit(
    number: int, text: str, document: int = 1, position: int | None = None, heading: str = "", page: int = 1
) -> SearchHit:
    at = number if position is None else position
    return SearchHit(
        number, UUID(int=document), UUID(int=9), "Title", "text", at, page, heading, at * 100, at * 100 + 90, text,
        collect_terms(text), 0.5, 1.0, 1 - number / 100, 0.9,
    )  # fmt: skip


def near(position: int, heading: str = "", page: int = 1, document: int = 1) -> NeighbourChunk:
    return NeighbourChunk(UUID(int=document), position, page, heading, position * 100, position * 100 + 90)


def test_near_duplicate_passages_are_shown_once() -> None:
    text = "The warranty of the pump lasts five years from the day of sale, without any further condition"

    kept = select_diverse([hit(1, text, 1), hit(2, text + ".", 2), hit(3, "something else", 3)], 8)

    assert [h.chunk_id for h in kept] == [1, 3]


def test_texts_that_differ_in_a_number_are_both_shown() -> None:
    text = "The warranty of the pump lasts {} years from the day of sale, without any further condition at all"

    assert len(select_diverse([hit(1, text.format(5), 1), hit(2, text.format(2), 2)], 8)) == 2


def test_passages_of_one_document_leave_room_for_others() -> None:
    crowd = [hit(n, f"unlike text number {n} word{n}", 1, position=n * 10) for n in range(1, 7)]

    kept = select_diverse([*crowd, hit(7, "another voice", 2)], 4)

    assert [h.chunk_id for h in kept] == [1, 2, 3, 7]


def test_a_single_document_may_fill_every_place() -> None:
    crowd = [hit(n, f"unlike text number {n} word{n}", 1, position=n * 10) for n in range(1, 7)]

    assert [h.chunk_id for h in select_diverse(crowd, 5)] == [1, 2, 3, 4, 5]


def test_a_hit_is_read_with_its_neighbours_of_the_same_heading_and_page() -> None:
    beside = [near(4, "A"), near(5, "A"), near(6, "B")]

    (window,) = merge_neighbours([hit(1, "text", position=5, heading="A")], beside)

    assert (window.start, window.end) == (400, 590)


def test_a_short_section_is_read_whole_and_a_long_one_around_the_hit() -> None:
    found = hit(1, "text", position=5, heading="A")
    section = [near(position, "A" if 3 <= position <= 6 else "B") for position in range(1, 10)]
    (whole,) = merge_neighbours([found], section)
    apart = [replace(one, start=one.position * 700, end=one.position * 700 + 690) for one in section]
    (around,) = merge_neighbours([replace(found, start=3_500, end=4_190)], apart)

    assert (whole.start, whole.end) == (300, 690)
    assert (around.start, around.end) == (2_800, 4_890)


def test_a_section_that_goes_on_beyond_what_is_looked_at_is_not_short() -> None:
    (window,) = merge_neighbours([hit(1, "text", position=5)], [near(position) for position in range(1, 10)])

    assert (window.start, window.end) == (400, 690)


def test_hits_that_meet_become_one_led_by_the_better() -> None:
    beside = [near(n) for n in range(10)]

    found = merge_neighbours([hit(1, "one", position=5), hit(2, "two", position=3), hit(3, "far", position=9)], beside)

    assert [(w.hit.chunk_id, w.start, w.end) for w in found] == [(1, 200, 690), (3, 800, 990)]


def test_hits_of_other_pages_stay_apart() -> None:
    found = merge_neighbours([hit(1, "one", position=5), hit(2, "two", position=6, page=2)], [near(5), near(6, page=2)])

    assert len(found) == 2


def test_joined_spans_fold_white_space_and_mark_gaps() -> None:
    page = "One  two.\nThree. Four."

    assert join_spans(page, [(0, 9), (10, 16)]) == "One two. Three."
    assert join_spans(page, [(0, 9), (17, 22)]) == "One two. … Four."

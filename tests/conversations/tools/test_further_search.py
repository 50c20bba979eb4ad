"""What a further search adds to the sources of a turn."""

from __future__ import annotations

from uuid import UUID

from apps.conversations.core.numbered_sources import SourceNumbers
from apps.conversations.evidence.source_numbering import add_passages, number_passages
from apps.grounding.passage import Passage

PAGE = "One lamp. Two lamps. Three lamps. Four lamps. Five lamps."
DOCUMENT = UUID(int=1)


def passage(chunk: int, start: int, end: int, *spans: tuple[int, int]) -> Passage:
    text = " … ".join(PAGE[a:b] for a, b in spans)
    return Passage(
        chunk, DOCUMENT, UUID(int=2), "Lamps", "markdown", 1, "", spans, text, start, end,
        PAGE[start:end], 0.9, 0.5, 1.0,
    )  # fmt: skip


def test_new_passage_gets_the_next_number_and_a_known_one_grows() -> None:
    first = passage(7, 0, 33, (0, 9))
    placed = number_passages([first], SourceNumbers(highest=4), {})
    again, other = passage(7, 10, 45, (0, 9), (34, 45)), passage(8, 46, 57, (46, 57))
    whole, found, fresh = add_passages(placed, [again, other], SourceNumbers(highest=4))
    assert [item.number for item in found] == [5, 6]
    assert [(item.number, item.new_spans) for item in fresh] == [(5, ((34, 45),)), (6, ((46, 57),))]
    grown = whole[0]
    assert (grown.passage.full_start, grown.passage.full_end, grown.passage.full_text) == (0, 45, PAGE[:45])
    assert grown.passage.spans == grown.new_spans == ((0, 9), (34, 45)) and grown.text == "One lamp. … Four lamps."


def test_passage_found_again_unchanged_adds_nothing() -> None:
    first = passage(7, 0, 33, (0, 9), (10, 20))
    placed = number_passages([first], SourceNumbers(), {})
    whole, found, fresh = add_passages(placed, [passage(7, 0, 33, (10, 20))], SourceNumbers())
    assert whole == placed and fresh == [] and [item.number for item in found] == [1]


def test_a_whole_chunk_covers_the_sentences_that_were_given_of_it() -> None:
    placed = number_passages([passage(7, 0, 33, (10, 20))], SourceNumbers(), {})
    (grown,), _, (line,) = add_passages(placed, [passage(7, 0, 33, (0, 33))], SourceNumbers())
    assert line.new_spans == ((0, 33),) and line.text == PAGE[:33]
    assert grown.new_spans == grown.passage.spans == ((0, 33),) and grown.text == PAGE[:33]


def test_a_passage_of_an_earlier_turn_keeps_its_number() -> None:
    numbers = SourceNumbers({(DOCUMENT, 8): 3}, highest=9)
    _, found, _ = add_passages([], [passage(8, 46, 57, (46, 57)), passage(7, 0, 9, (0, 9))], numbers)
    assert [item.number for item in found] == [3, 10]

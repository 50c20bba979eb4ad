"""The sentences that answer a question are chosen, in order, without repetition, with true spans."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from apps.conversations.kinds import expects, holds
from apps.conversations.quotes import choose
from apps.documents.passages import Passage
from tests.conversations.passages import passage

LIBRARY = (
    "The harbour library opened in 1931. It was rebuilt after the flood of 1974 by Ines Calder. Members may borrow up "
    "to six books for four weeks. The reading room stands in Oldwick. It is closed because the roof leaks. "
    "Was it always so?"
)
PUMP = "To reset the pump, close the red valve. Then hold the grey button for twelve seconds. The lamp turns green."


@pytest.mark.parametrize(
    ("question", "start"),
    [
        ("When did the harbour library open?", "The harbour library opened"),
        ("Who rebuilt the library after the flood?", "It was rebuilt"),
        ("How many books may a member borrow?", "Members may borrow"),
        ("Where is the reading room?", "The reading room"),
        ("Why is the reading room closed?", "It is closed because"),
        ("How long must the grey button be held?", "Then hold"),
    ],
)
def test_the_sentence_that_answers_comes_first(question: str, start: str) -> None:
    chosen = choose(question, None, {1: passage(LIBRARY), 2: passage(PUMP)}, {})
    assert chosen[0].text.startswith(start)


def test_spans_point_into_the_page_and_texts_are_folded() -> None:
    text = "Members may\nborrow up to six  books. Others read here."
    chosen = choose("How many books may members borrow?", None, {7: passage(text, start=100)}, {})
    assert (chosen[0].source, chosen[0].start, chosen[0].end) == (
        7,
        100,
        100 + len("Members may\nborrow up to six  books."),
    )
    assert chosen[0].text == "Members may borrow up to six books."


def test_the_same_sentence_is_quoted_once_and_neighbours_stay_apart() -> None:
    again = LIBRARY.replace("Members may", "Members  may")
    chosen = choose("How many books may a member borrow?", None, {1: passage(LIBRARY), 2: passage(again)}, {})
    assert len({quote.text for quote in chosen}) == len(chosen)
    neighbours = choose("red valve grey button pump lamp", None, {1: passage(PUMP)}, {})
    assert len(neighbours) > 1


def test_rare_words_weigh_more() -> None:
    text = "The annual report speaks of the year in general terms. The zeppelin flew over it."
    idf = {"annual": 0.2, "report": 0.2, "year": 0.2, "zeppelin": 6.0}
    assert choose("What does the annual report say of the zeppelin this year?", None, {1: passage(text)}, idf)[
        0
    ].text == ("The zeppelin flew over it.")


def test_at_most_three_and_none_without_passages() -> None:
    many: dict[int, Passage] = {
        n: passage(f"Fact {n} about the harbour library and its books, told anew {uuid4()}.") for n in range(1, 9)
    }
    assert len(choose("What about the harbour library and its books?", None, many, {})) == 3
    assert choose("Anything?", None, {}, {}) == []
    assert choose("Anything?", None, {1: passage("...")}, {}) == []


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("When did it open?", "time"),
        ("In what year did it open?", "time"),
        ("How many books?", "amount"),
        ("What percentage of sales?", "amount"),
        ("Who rebuilt it?", "person"),
        ("Where is it?", "place"),
        ("Why is it closed?", "reason"),
        ("What is the tower called?", "name"),
        ("Does it rain?", ""),
    ],
)
def test_the_kind_of_answer_is_known_from_the_question(question: str, kind: str) -> None:
    assert expects(question) == kind


def test_a_sentence_holds_a_kind_only_if_the_question_does_not_name_it() -> None:
    assert holds("time", "It opened in 1931.", "When did it open?") == 1
    assert holds("time", "It opened in 1931.", "When in 1931 did it open?") == 0
    assert holds("person", "It was built by Ines Calder.", "Who built it?") == 1
    assert holds("person", "It was built by Ines Calder.", "Who is Ines Calder?") == 0
    assert holds("place", "It stands in Oldwick.", "Where does it stand?") == 1
    assert holds("amount", "Six books may be borrowed.", "How many?") == 1


def test_choosing_among_six_passages_is_quick_apart_from_the_embedder() -> None:
    passages = {n: passage(f"{LIBRARY} {PUMP} Number {n} of them stands here and says more. " * 2) for n in range(1, 7)}
    choose("How many books may a member borrow?", None, passages, {})
    started = time.process_time()
    choose("How many books may a member borrow now?", None, passages, {})
    assert time.process_time() - started < 0.2

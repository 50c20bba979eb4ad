"""Each sentence of an answer gets the sources that support it, or is known to have none."""

from __future__ import annotations

import time

import pytest

from apps.grounding.citer import (
    Citer,
    SentenceCitation,
    SourceSpan,
    is_factual_claim,
    is_mostly_unsupported,
)
from apps.grounding.support_limits import MIN_SUPPORT
from tests.factories import make_passage

LIBRARY = (
    "The harbour library opened in 1931. Members may borrow up to six books for four weeks. Refunds are never given."
)
PUMP = "To reset the pump, close the red valve. Then hold the grey button for twelve seconds. The lamp turns green."


def cite(text: str, **texts: str) -> list[SentenceCitation]:
    given = texts or {"one": LIBRARY, "two": PUMP}
    return Citer("?", {n: make_passage(t, start=50) for n, t in enumerate(given.values(), 1)}).cite(
        3, text, 10, 10 + len(text)
    )


def test_a_sentence_is_cited_with_the_place_that_supports_it() -> None:
    (found,) = cite("Members may borrow six books for four weeks [2].")
    sentence = "Members may borrow up to six books for four weeks."
    assert (found.sentence, found.start, found.end) == (3, 10, 58)
    assert found.source == 1
    assert (found.source_start, found.source_end) == (
        50 + LIBRARY.index(sentence),
        50 + LIBRARY.index(sentence) + len(sentence),
    )
    assert found.score >= 0.6


@pytest.mark.parametrize(
    "text",
    [
        "Members may borrow seven books for four weeks.",
        "Refunds are given.",
        "The library of Tarrin was founded by monks.",
        "Hold the red button for twelve minutes of silence every day [2].",
    ],
)
def test_a_sentence_that_nothing_supports_has_one_citation_without_a_source(text: str) -> None:
    (found,) = cite(text)
    assert found.source is None
    assert found.score < MIN_SUPPORT


def test_sentence_is_not_supported_without_passages() -> None:
    assert [item.source for item in Citer("?", {}).cite(0, "The moon is made of rock.", 0, 25)] == [None]


def test_sources_that_say_the_same_are_all_named_and_the_models_own_mark_breaks_the_tie() -> None:
    found = cite(
        "The harbour library opened in 1931 [2].", one=LIBRARY, two="The harbour library opened in 1931. It is red."
    )
    assert [item.source for item in found] == [2, 1]
    assert len(cite("The harbour library opened in 1931.", **dict.fromkeys("abcde", LIBRARY))) == 3


def test_a_sentence_may_need_two_sources() -> None:
    found = cite(
        "The foundry closed in 1902 and its last bell hangs in Tarrin.",
        one="The foundry of Oldwick closed in 1902 after a fire.",
        two="Its last bell hangs in the tower of Tarrin since then.",
    )
    assert {item.source for item in found} == {1, 2}


@pytest.mark.parametrize(
    "text",
    [
        "Hello!",
        "# What the handbook says",
        "Here is what I found:",
        "Does that help?",
        "***",
        "I hope this helps.",
        "Sure, here you go.",
    ],
)
def test_sentence_that_states_nothing_is_neither_cited_nor_flagged(text: str) -> None:
    assert not is_factual_claim(text)
    assert cite(text) == []


@pytest.mark.parametrize(
    "text", ["It opened in 1931.", "- Six books", "According to the handbook, members may borrow six books.", "1931"]
)
def test_sentence_that_states_something_is_a_factual_claim(text: str) -> None:
    assert is_factual_claim(text)


def test_an_answer_is_weak_when_most_of_what_it_states_has_no_source() -> None:
    bad, good = SentenceCitation(0, 0, 1, None, 0, 0, 0.1), SentenceCitation(1, 0, 1, 2, 0, 1, 0.9)
    assert is_mostly_unsupported([bad, SentenceCitation(2, 0, 1, None, 0, 0, 0.2), good])
    assert not is_mostly_unsupported([bad, good, SentenceCitation(1, 0, 1, 3, 0, 1, 0.8)])
    assert not is_mostly_unsupported([])


def test_a_sentence_costs_at_most_ten_milliseconds_apart_from_the_embedder() -> None:
    citer = Citer("?", {n: make_passage(f"{LIBRARY} {PUMP} Number {n} stands here. " * 3) for n in range(1, 7)})
    citer.cite(0, "Members may borrow six books.", 0, 29)
    started = time.process_time()
    for number in range(20):
        citer.cite(0, f"Members may borrow {number} books for four weeks.", 0, 40)
    assert (time.process_time() - started) / 20 < 0.1  # ten times what it takes, for busy machines


def test_a_sentence_is_credited_to_what_an_earlier_turn_was_given() -> None:
    citer = Citer("?", {2: make_passage(PUMP)}, [SourceSpan(1, "Handbook", "", 50, LIBRARY)])
    assert [item.source for item in citer.cite(0, "The harbour library opened in 1931.", 0, 35)] == [1]
    assert [item.source for item in citer.cite(1, "The lamp turns green.", 0, 20)] == [2]
    assert [item.source_start for item in citer.cite(0, "Members may borrow six books for four weeks.", 0, 9)] == [86]


def test_earlier_source_inside_a_passage_of_this_turn_is_not_read_twice() -> None:
    whole = make_passage(LIBRARY, start=50)
    again = SourceSpan(1, "Handbook", "", 50, LIBRARY[:35])
    assert Citer("?", {1: whole}, [again]).windows == Citer("?", {1: whole}).windows
    assert len(Citer("?", {1: whole}, [SourceSpan(1, "Handbook", "", 500, "Else.")]).windows) == 6

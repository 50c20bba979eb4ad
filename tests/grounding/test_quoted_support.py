"""Tests of the check for models below the reading check: quotes and short answers have a source, all else has none."""

from __future__ import annotations

import pytest

from apps.grounding.citer import Citer
from apps.grounding.quoted_support import QuotedCiter, is_nearly_verbatim
from tests.factories import make_passage

KERNEL = (
    "The easiest way to build a custom kernel (with another configuration than the official one) is to use the package "
    "linux-source. The nconfig frontend requires the library libncurses-dev. Images are not signed by default. Builds "
    "must not run as root."
)
SHELL = "Using the enable builtin command to enable disabled shell builtins is not allowed in a restricted shell."
SKI = "In other words, a man 6 feet high will want a ski about 7 feet long. A pair of skis weighs 3 kilograms."
KEEPER = "The lighthouse keeper is Ines Halloran. The mayor is Rhoda Lind."
HOW = "How do I build a custom kernel?"


def found(question: str, answer: str, text: str) -> bool:
    return any(
        cite.is_verified for cite in QuotedCiter(question, {1: make_passage(text)}).cite(0, answer, 0, len(answer))
    )


@pytest.mark.parametrize(
    ("question", "answer", "text"),
    [
        (HOW, "The easiest way to build a custom kernel is to use the package linux-source.", KERNEL),
        (HOW, "The answer is: The easiest way to build a custom kernel is to use the package linux-source", KERNEL),
        ("How long should the skis of a man of six feet be?", "The answer is: 7 feet.", SKI),
        ("How long should the skis of a man of six feet be?", "A man 6 feet high will want a ski about 7 feet.", SKI),
        ("Who is the lighthouse keeper?", "The answer is Ines Halloran.", KEEPER),
        ("Who is the lighthouse keeper?", "The keeper of the lighthouse is Ines Halloran.", KEEPER),
    ],
)
def test_a_quote_and_a_short_answer_beside_what_is_asked_have_a_source(question: str, answer: str, text: str) -> None:
    assert found(question, answer, text)


@pytest.mark.parametrize(
    ("question", "answer", "text"),
    [
        (HOW, "Build the custom kernel by the package linux-source.", KERNEL),
        (HOW, "Create a custom kernel", KERNEL),
        (HOW, 'The source says: "The easiest way to build a kernel is the frontend."', KERNEL),
        ("Are images signed?", "Images are signed by default.", KERNEL),
        ("May builds run as root?", "Builds run as root.", KERNEL),
        ("What can't I do in a restricted shell?", "Using the disable builtin to disable a restricted shell.", SHELL),
        ("How long should the skis of a man of six feet be?", "The answer is: 3.", SKI),
        ("How long should the skis of a man of six feet be?", "The answer is: 8 feet.", SKI),
        ("Who is the lighthouse keeper?", "Rhoda Lind.", KEEPER),
        ("Who is the lighthouse keeper?", "The mayor is Rhoda Lind.", KEEPER),
        ("Which foods does the keeper like?", "The answer is Halloran.", KEEPER),
    ],
)
def test_sentences_beside_quotes_and_short_answers_have_no_source(question: str, answer: str, text: str) -> None:
    assert not found(question, answer, text)


def test_a_quote_of_every_word_is_marked_so_and_one_with_a_bracket_left_out_is_not() -> None:
    citer = QuotedCiter(HOW, {1: make_passage(KERNEL)})
    short = "The easiest way to build a custom kernel is to use the package linux-source."
    whole = KERNEL[: KERNEL.index(" The nconfig")]
    assert [cite.quoted for cite in citer.cite(0, short, 0, 10)] == [False]
    assert [cite.quoted for cite in citer.cite(1, whole, 0, 10)] == [True]


def test_a_quote_that_answers_another_question_has_no_source() -> None:
    text = f"{KERNEL} The cafeteria of the site opens at noon and serves soup."
    assert not found(HOW, "The cafeteria of the site opens at noon and serves soup.", text)
    assert found("When does the cafeteria open?", "The cafeteria of the site opens at noon and serves soup.", text)


@pytest.mark.parametrize(
    ("claim", "source", "language", "is_one"),
    [
        ("Members may borrow six books", "Members may borrow six books for four weeks.", "en", True),
        (
            "The old bridge there was built before 1732",
            "The old bridge there (by Reed) was built before 1732.",
            "en",
            True,
        ),
        (
            "The old bridge there was built before 1733",
            "The old bridge there (by Reed) was built before 1732.",
            "en",
            False,
        ),
        ("The gate of the north is open at night", "The gate of the north is not open at night.", "en", False),
        ("The gate of the north is open at night", "The gate of the north is, at most, open at night.", "en", False),
        ("Das Tor im Norden ist in der Nacht offen", "Das Tor im Norden ist nie in der Nacht offen.", "de", False),
        ("six books", "Members may borrow six books.", "en", False),
    ],
)
def test_a_quote_may_leave_out_a_part_but_changes_and_unsays_nothing(
    claim: str, source: str, language: str, *, is_one: bool
) -> None:
    assert is_nearly_verbatim(claim, source, language) is is_one


def test_a_model_that_reads_well_may_use_its_own_words() -> None:
    answer = "The package linux-source is the easiest way to build a custom kernel."
    assert Citer(HOW, {1: make_passage(KERNEL)}).cite(0, answer, 0, len(answer))[0].is_verified
    assert not found(HOW, answer, KERNEL)

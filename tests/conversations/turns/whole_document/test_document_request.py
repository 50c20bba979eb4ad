"""Requests that concern a whole document are recognised in three languages, and told from questions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apps.conversations.core.document_request import recognise_request
from tests.conversations.turns.small_talk.test_small_talk import open_questions

MESSAGES = json.loads(Path(__file__).with_name("requests.json").read_text())


def kind(text: str) -> str | None:
    request = recognise_request(text)
    return None if request is None else request.kind


def test_nine_of_ten_unseen_requests_are_recognised_in_every_language() -> None:
    missed = [text for wanted, texts in MESSAGES["unseen"].items() for text in texts if kind(text) != wanted]
    count = sum(map(len, MESSAGES["unseen"].values()))
    assert len(missed) <= 0.1 * count, missed


def test_similar_questions_are_taken_for_requests_only_with_a_subject() -> None:
    taken = {text: found.subject for text in MESSAGES["questions"] if (found := recognise_request(text))}
    assert len(taken) <= 2 and all(taken.values()), taken


def test_open_questions_are_taken_for_requests_at_most_eight_in_a_thousand(shared: Path) -> None:
    """Most of them do ask for a comparison. Those that name a subject are then searched like others."""
    texts = list(open_questions(shared / "data"))
    taken = [text for text in texts if kind(text)]
    assert len(texts) > 5000
    assert len(taken) <= 8 * len(texts) / 1000, taken


@pytest.mark.parametrize(
    ("text", "sides", "aspect"),
    [
        ("Compare the basic plan and the premium plan", ("basic plan", "premium plan"), ""),
        ("How does version 2 differ from version 3?", ("version 2", "version 3"), ""),
        ("How do the costs differ between plan M and plan L?", ("plan M", "plan L"), "costs"),
        ("Vergleiche bitte Tarif M und Tarif L", ("Tarif M", "Tarif L"), ""),
        ("¿Cuál es la diferencia entre TCP y UDP?", ("TCP", "UDP"), ""),
    ],
)  # fmt: skip
def test_the_sides_of_a_comparison_are_read(text: str, sides: tuple[str, str], aspect: str) -> None:
    request = recognise_request(text)
    assert request is not None and (request.kind, request.sides, request.aspect) == ("compare", sides, aspect)


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("List all safety rules", ("safety", "rules")), ("Summarise this document", ()),
        ("Summarise the Annual Report 2023", ("Annual", "2023")), ("Liste alle Fehlercodes auf", ("Fehlercodes",)),
        ("Dame una lista de todos los participantes", ("participantes",)), ("Sum it up in 5 sentences", ("5",)),
        ("Summarise limits.html", ("limits.html",)), ("Outline install.es.pdf", ("install.es.pdf",)),
    ],
)  # fmt: skip
def test_subject_of_a_request_is_the_words_beside_its_wording(text: str, subject: tuple[str, ...]) -> None:
    request = recognise_request(text)
    assert request is not None and request.subject == subject


@pytest.mark.parametrize("text", ["", " ", "/read Bees", "List all", "Compare it", "summarise " * 30])
def test_commands_and_requests_without_what_they_need_are_none(text: str) -> None:
    assert recognise_request(text) is None


@pytest.mark.parametrize(
    "text", ["What is Quorum Sluice?", "Explain Quorum Sluice", "Describe Quorum Sluice", "Who is Ida Lind?"]
)
def test_ordinary_questions_are_not_looked_up_among_the_titles(text: str) -> None:
    assert recognise_request(text, may_name=True) is None

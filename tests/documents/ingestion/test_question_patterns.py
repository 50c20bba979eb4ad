"""Questions that are made of headings and sentences, in three languages, and what none is made of."""

from __future__ import annotations

import pytest

from apps.documents.ingestion.question_patterns import Section, make_questions


def ask(language: str, text: str, heading: str = "") -> list[str]:
    return [made.text for made in make_questions(language, [Section(heading, text)])]


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("The facilities team is responsible for parking.", "Who is responsible for parking?"),
        ("The valve is responsible for the pressure.", "What is responsible for the pressure?"),
        ("The parking permit costs 20 euros a month.", "How much does the parking permit cost?"),
        ("The expense report must be submitted by 31 March.", "When must the expense report be submitted?"),
        ("The reading room is open from 9 to 17.", "When is the reading room open?"),
        ("The probation period lasts six months.", "How long does the probation period last?"),
        ("The Harbour Museum was founded in 1911.", "When was the Harbour Museum founded?"),
        ("The fire assembly point is located behind the canteen.", "Where is the fire assembly point located?"),
        ("The maximum daily allowance is 28 euros.", "What is the maximum daily allowance?"),
        ("To cancel a booking, call the front desk.", "How do I cancel a booking?"),
        ("DECnet is a suite of network protocols created by one company.", "What is DECnet?"),
    ],
)
def test_an_english_sentence_becomes_the_question_that_it_answers(sentence: str, question: str) -> None:
    assert ask("en", sentence) == [question]


@pytest.mark.parametrize(
    ("language", "sentence", "question"),
    [
        ("de", "Die Hausverwaltung ist für die Parkplätze zuständig.", "Wer ist für die Parkplätze zuständig?"),
        ("de", "Die Monatskarte kostet 49 Euro.", "Wie viel kostet die Monatskarte?"),
        ("de", "Der Antrag muss bis Ende März eingereicht werden.", "Bis wann muss der Antrag eingereicht werden?"),
        ("de", "Die Kündigungsfrist beträgt drei Monate.", "Wie lang ist die Kündigungsfrist?"),
        ("es", "El conserje es responsable de los aparcamientos.", "¿Quién es responsable de los aparcamientos?"),
        ("es", "El abono mensual cuesta 49 euros.", "¿Cuánto cuesta el abono mensual?"),
        ("es", "La solicitud debe presentarse antes del 31 de marzo.", "¿Cuándo debe presentarse la solicitud?"),
    ],
)
def test_german_and_spanish_sentences_do_too(language: str, sentence: str, question: str) -> None:
    assert ask(language, sentence) == [question]


@pytest.mark.parametrize(
    "sentence",
    [
        "It costs 20 euros a month.",
        "This team is responsible for parking.",
        "The board is responsible for their work.",
        "The file is located in a folder.",  # which file?
        "A town was founded there in 1822.",
        "The example is a longer text about nothing in particular.",
        "Waste is an important aspect of all that was said here.",
        "Marble falls in the garden, and Marble Falls is located near Austin.",
    ],
)
def test_sentences_that_need_the_one_before_give_no_question(sentence: str) -> None:
    assert ask("en", sentence) == []


def test_a_name_at_the_beginning_keeps_its_capital_and_a_word_does_not() -> None:
    text = "Parking costs 5 euros. We offer parking, and in Vienna it is free. Vienna was founded in 1155."
    assert ask("en", text) == ["How much does parking cost?", "When was Vienna founded?"]


@pytest.mark.parametrize(
    ("heading", "questions"),
    [
        ("3.1 Opening hours", ["What are the opening hours?"]),
        ("How to Renew a Pass", ["How do I renew a pass?"]),
        ("Installing from source", []),
        ("Deleting an entry", ["How do I delete an entry?"]),
        ("Who pays for trains?", ["Who pays for trains?"]),
        ("What is this?", []),
        ("Guest flat", []),
        ("Contents", []),
    ],
)
def test_headings_that_stand_for_a_question(heading: str, questions: list[str]) -> None:
    assert ask("en", "Words.", heading) == questions


def test_other_languages_have_no_patterns() -> None:
    assert ask("fr", "Le forfait coûte 20 euros.") == []

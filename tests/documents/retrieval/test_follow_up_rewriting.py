"""Questions that lean on the one before them are completed; questions that stand alone are left alone."""

from __future__ import annotations

import pytest

from apps.documents.retrieval.follow_up_rewriting import is_follow_up, list_query_variants


@pytest.mark.parametrize(
    ("question", "before", "added"),
    [
        ("and in winter?", "When does the museum of natural history open?", ["museum", "natural", "history", "open"]),
        ("Who wrote it?", "What is the novel Middlemarch about?", ["novel", "middlemarch"]),
        ("What about children?", "What does a day ticket cost?", ["day", "ticket", "cost"]),
        ("Why?", "Is the north gate closed on Mondays?", ["north", "gate", "closed", "mondays"]),
        ("Und was kostet das für die ganze Familie?", "Wie lang ist das Freibad geöffnet?", ["freibad", "geöffnet"]),
        ("¿Y qué cuesta eso para toda una familia?", "¿Cuándo abre la piscina municipal?", ["piscina", "municipal"]),
        ("What is the price?", "Is there a ticket for children at the zoo?", ["ticket", "children", "zoo"]),
        ("What does it do?", "Is there an option called pm3d?", ["option", "pm3d"]),
        ("How long does that take?", "How do I apply for parental leave?", ["apply", "parental", "leave"]),
    ],
)
def test_a_leaning_question_is_completed(question: str, before: str, added: list[str]) -> None:
    own, completed = list_query_variants(question, [before])

    assert own.text == question
    assert completed.text.startswith(question)
    assert all(word in completed.text.split() for word in added)


@pytest.mark.parametrize(
    "question",
    [
        "How many days of parental leave do employees get?",
        "What does the blue whale eat in winter?",
        "What is the capital of Mongolia?",
        "Who is Kafka's publisher?",
        "Wie heißt die Hauptstadt von Peru?",
        "¿Cuál es la capital de Perú?",
        "List the opening hours of the north gate ticket office",
        "Wie viele Tage Urlaub bekommen neue Mitarbeiter?",
        "¿Qué es el preseed?",
        "Was ist Preseeding?",
        "What is preseeding?",
        "What does pm3d do?",
        "Who was George Eliot?",
    ],
)
def test_a_question_that_stands_alone_is_searched_as_it_is(question: str) -> None:
    assert not is_follow_up(question)
    assert [query.text for query in list_query_variants(question, ["Who wrote Middlemarch?"])] == [question]


def test_first_question_of_a_conversation_is_not_rewritten() -> None:
    assert [query.text for query in list_query_variants("And then?", [])] == ["And then?"]


def test_a_chain_of_follow_ups_reaches_back_to_what_it_is_about() -> None:
    history = ["What is the novel Middlemarch about?", "Who wrote it?"]

    assert "middlemarch" in list_query_variants("And when?", history)[1].text


def test_an_older_topic_is_not_dragged_along() -> None:
    history = ["Where do foxes sleep in winter months?", "What is the novel Middlemarch about?"]

    assert "foxes" not in list_query_variants("Who wrote it?", history)[1].text


@pytest.mark.parametrize(
    ("question", "before", "kept", "dropped"),
    [
        ("And if it shows E7?", "The boiler shows E4. What should I do?", "boiler", "e4"),
        ("What about error 7?", "What does error 12 of the boiler mean?", "boiler", "12"),
        ("And in 2016?", "Who won the regatta in 2015?", "regatta", "2015"),
        ("And how wide is it?", "How high is gate 4 of 1931?", "4", "2015"),
    ],
)
def test_follow_up_does_not_take_over_words_that_it_replaces(
    question: str, before: str, kept: str, dropped: str
) -> None:
    completed = list_query_variants(question, [before])[1].text.split()
    assert kept in completed and dropped not in completed

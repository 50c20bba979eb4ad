"""A word that stands nowhere is searched as its neighbour in the index, and the page can say so."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from apps.documents.retrieval.spelling_correction import replace_words, respell
from apps.engines.index.scoring import compute_idf

TOTAL = 100
UNKNOWN = compute_idf(0, TOTAL)
INDEX = {
    "patient": 40,
    "patent": 3,
    "vaccin": 5,
    "hafen": 9,
    "öffnungszeiten": 2,
    "moos": 1,
    "cuent": 4,
    "cuenta": 4,
    "histsiz": 2,
    "dear": 3,
    "dare": 2,
}  # chunks by stem


class Pieces:
    """An embedder that knows some words whole."""

    whole = frozenset({"moose", "patient"})

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))] if text in self.whole else [(0, 1), (1, len(text))]


def corrected(question: str) -> dict[str, str]:
    async def look_up(words: str) -> Mapping[str, float]:
        from apps.lib.text.analyzer import extract_content_terms

        return {term: compute_idf(INDEX.get(term, 0), TOTAL) for term in extract_content_terms(words)}

    async def ask() -> dict[str, str]:
        embed: Any = Pieces()
        return await respell(question, await look_up(question), UNKNOWN, embed, look_up)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Was the pationt cured?", {"pationt": "patient"}),
        ("Was the patietn cured?", {"patietn": "patient"}),
        ("Are vaccinatoins safe?", {"vaccinatoins": "vaccinations"}),
        ("Wann sind die Öfnungszeiten?", {"Öfnungszeiten": "öffnungszeiten"}),
        ("Was the patient cured?", {}),
        ("What is HISTSIZ?", {}),
        ("What is HISTIZE?", {"HISTIZE": "histsize"}),
        ("What is said abuot it?", {"abuot": "about"}),
    ],
)
def test_spelling_correction_forgives_one_wrong_letter(question: str, found: dict[str, str]) -> None:
    assert corrected(question) == found


def test_a_word_that_the_embedder_knows_is_no_misspelling() -> None:
    assert corrected("Where does the moose live?") == {}


@pytest.mark.parametrize(
    "question",
    ["What is XPATIEN?", "Is a pat ok?", "E4 or 17?", "qqqqzzzz", "¿Cuánta fruta hay?", "¿Cuánto cuesta el tren?"],
)
def test_codes_short_words_and_what_is_near_nothing_stay(question: str) -> None:
    assert corrected(question) == {}


@pytest.mark.parametrize(
    "question", ["Which one is dearer?", "Is HISTSIRE there?", "Sind die Hafens da?", "Who is Dera?"]
)
def test_other_forms_of_known_words_and_other_names_stay(question: str) -> None:
    assert "deare" not in corrected(question).values()
    assert corrected(question) == ({"Dera": "dear"} if "Dera" in question else {})


def test_the_words_are_replaced_where_they_stand() -> None:
    assert replace_words("Was the pationt (pationt) cured?", {"pationt": "patient"}) == (
        "Was the patient (patient) cured?"
    )

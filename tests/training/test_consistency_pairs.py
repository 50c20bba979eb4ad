"""Pairs that the check of sentences is taught with: true ones stay true, false ones differ in what their kind says."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from apps.grounding.agreement import find_disagreement
from training.consistency.edits import FALSIFYING_EDITS, LIGHT_EDITS, SourceSentence
from training.consistency.pairs import cut_windows, make_pairs

ENGLISH = (
    "The new library of Oldwick opened its doors in 1931 and it must be closed on all Mondays for 3 hours. "
    "According to section 4.2 the old warehouse in Tarrin was never allowed to lend more than 12 books to members. "
    "However, several visitors of the museum can buy a large map of Seldon for 5 dollars."
)
GERMAN = (
    "Die neue Bibliothek in Altdorf wurde 1931 eröffnet und muss an allen Montagen für 3 Stunden geschlossen sein. "
    "Nach Abschnitt 4.2 war das alte Lagerhaus in Neustadt nicht verpflichtet, mehr als 12 Bücher auszuleihen. "
    "Einige Besucher des Museums können im Sommer eine große Karte von Seldon für 5 Euro kaufen."
)
SPANISH = (
    "La nueva biblioteca de Oldwick fue abierta en 1931 y debe estar cerrada todos los lunes durante 3 horas. "
    "Según la sección 4.2 el antiguo almacén de Tarrin no puede prestar más de 12 libros a sus socios. "
    "Algunos visitantes del museo pueden comprar en verano un mapa grande de Seldon por 5 dólares."
)
TEXTS = {"en": ENGLISH, "de": GERMAN, "es": SPANISH}


@pytest.mark.parametrize("language", TEXTS)
def test_sentences_of_each_language_are_changed_in_most_ways(language: str) -> None:
    (window,) = (found for found in cut_windows(TEXTS[language], language) if len(found) > 1)
    rng = random.Random(3)
    made = {kind for kind, edit in FALSIFYING_EDITS.items() for one in window if edit(one, rng)}
    assert made >= {"number", "reference", "negation", "modality", "quantifier", "antonym"}


@pytest.mark.parametrize("language", TEXTS)
def test_a_falsified_sentence_is_another_one(language: str) -> None:
    for window in cut_windows(TEXTS[language], language):
        for one in window:
            for edit in FALSIFYING_EDITS.values():
                assert edit(one, random.Random(5)) != one.text


def test_a_light_edit_leaves_numbers_names_and_denial_alone() -> None:
    rng, tried = random.Random(1), 0
    for window in cut_windows(ENGLISH, "en"):
        for one in window:
            for edit in LIGHT_EDITS:
                text = edit(one, rng)
                if text is not None and not text.startswith(("According", "The text", "As the", "In short")):
                    tried += 1
                    assert find_disagreement(text, one.text) == "", text
    assert tried >= 6


def test_pairs_are_half_true_and_their_sources_are_two_sentences_at_most() -> None:
    windows = [window for window in cut_windows(ENGLISH, "en") if len(window) > 1]
    pairs = make_pairs(windows, 100, random.Random(2))
    true = [pair for pair in pairs if pair.supported]
    assert len(true) * 2 == len(pairs) > 40
    assert {pair.kind for pair in true} <= {"true", "verbatim"}
    assert all(pair.source in ENGLISH for pair in pairs)
    assert not any(pair.source == ENGLISH for pair in pairs)


def test_a_recombined_claim_takes_its_subject_from_another_sentence() -> None:
    windows = [window for window in cut_windows(ENGLISH, "en") if len(window) > 1]
    pairs = [pair for pair in make_pairs(windows, 200, random.Random(4)) if pair.kind == "recombined"]
    assert pairs
    assert all(pair.claim not in ENGLISH for pair in pairs)


def test_a_sentence_knows_the_lexicon_of_its_language(tmp_path: Path) -> None:
    assert "nicht" in SourceSentence("Die Tür ist zu.", "de", "Die Tür ist zu.").lexicon.negations

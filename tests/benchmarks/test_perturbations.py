"""A perturbation changes what it says it changes, and nothing else."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from benchmarks.trust import perturbations
from benchmarks.trust.edits import drop_bracket, drop_clause, edit_lightly, open_sentence
from benchmarks.trust.perturbations import list_variants
from benchmarks.trust.searching import mistype

SENTENCES = {
    "number": [
        ("en", "The old bridge was built in 1732 with 12 arches.", "1732", "1720"),
        ("de", "Die Brücke hat drei Bögen und 40 Laternen.", "drei", "fünf"),
        ("es", "El puente tiene tres arcos y 40 faroles.", "tres", "cinco"),
    ],
    "negation": [
        ("en", "The old bridge was built in 1732.", "was built", "was not built"),
        ("en", "The bridge is not open at night.", "is not open", "is open"),
        ("de", "Die Brücke wurde 1732 gebaut.", "1732 gebaut", "1732 nicht gebaut"),
        ("de", "Die Brücke ist nachts nicht offen.", "nachts nicht", "nachts"),
        ("de", "Die Brücke hat keine Laternen.", "keine", "eine"),
        ("es", "El puente fue construido en 1732.", "fue", "no fue"),
        ("es", "El puente no tiene faroles.", "no tiene", "tiene"),
    ],
    "antonym": [
        ("en", "The number of visitors increased in summer.", "increased", "decreased"),
        ("de", "Die Zahl der Besucher stieg im Sommer.", "stieg", "sank"),
        ("es", "El número aumentó en verano.", "aumentó", "disminuyó"),
    ],
    "modality": [
        ("en", "Visitors may cross the bridge.", "may", "must"),
        ("de", "Besucher können die Brücke überqueren.", "können", "müssen"),
        ("es", "Los visitantes pueden cruzar el puente.", "pueden", "deben"),
    ],
    "quantifier": [
        ("en", "Some visitors cross the bridge.", "Some", "All"),
        ("de", "Einige Besucher überqueren die Brücke.", "Einige", "Alle"),
        ("es", "Algunos visitantes cruzan el puente.", "Algunos", "Todos los"),
    ],
    "order": [
        ("en", "The bridge closed after the flood.", "after", "before"),
        ("de", "Die Brücke schloss nach dem Hochwasser.", "nach", "vor"),
        ("es", "El puente cerró después de la riada.", "después de", "antes de"),
    ],
    "hedge": [
        ("en", "The bridge is often closed.", "often ", ""),
        ("de", "Die Brücke ist meist geschlossen.", "meist ", ""),
        ("es", "El puente generalmente está cerrado.", "generalmente ", ""),
    ],
    "unit": [
        ("en", "The bridge is 40 metres long.", "metres", "feet"),
        ("de", "Es sind 40 Meter.", "Meter", "Kilometer"),
    ],
    "currency": [("en", "The toll is $5 a day.", "$5", "€5"), ("de", "Der Zoll beträgt 5 Euro.", "Euro", "Dollar")],
}


@pytest.mark.parametrize(
    ("kind", "language", "sentence", "old", "new"),
    [(kind, *row) for kind, rows in SENTENCES.items() for row in rows],
)
def test_the_change_of_each_kind_is_made_in_each_language(
    kind: str, language: str, sentence: str, old: str, new: str
) -> None:
    assert sentence.replace(old, new) in list_variants(kind, sentence, language)


@pytest.mark.parametrize(("kind", "rows"), SENTENCES.items())
def test_a_variant_differs_in_one_place(kind: str, rows: list[tuple[str, ...]]) -> None:
    for language, sentence, *_ in rows:
        for variant in list_variants(kind, sentence, language):
            before, after = sentence.split(), variant.split()
            while before and after and before[0] == after[0]:
                before.pop(0), after.pop(0)
            while before and after and before[-1] == after[-1]:
                before.pop(), after.pop()
            assert max(len(before), len(after)) <= 3, (sentence, variant)


@given(st.integers(1, 99_999), st.sampled_from(["en", "de", "es"]))
def test_a_changed_number_is_another_number(number: int, language: str) -> None:
    sentence = f"Bridge with {number} stones."
    variants = list_variants("number", sentence, language)
    assert variants
    for variant in variants:
        changed = re.fullmatch(r"Bridge with (\d+) stones\.", variant)
        assert changed is not None
        assert int(changed.group(1)) != number


def test_a_bound_is_left_alone_for_another_number_may_follow_from_it() -> None:
    assert list_variants("number", "The bridge has more than 20 arches.", "en") == []


def test_negated_sentence_is_not_negated_again() -> None:
    assert all("not not" not in variant for variant in list_variants("negation", "It is not open, and was not.", "en"))
    assert list_variants("negation", "La ciudad nunca tuvo murallas.", "es") == ["La ciudad tuvo murallas."]


def test_names_are_changed_for_names_that_stand_in_such_a_place() -> None:
    sentence = "The market was opened by traders from Ipswich in 1815."
    others = [("from", "Norwich"), ("by", "Adam Reed"), ("from", "Bury Saint Edmunds"), ("from", "Ipswitch")]
    assert perturbations.swap_names(sentence, others) == [sentence.replace("Ipswich", "Norwich")]


def test_a_recombined_sentence_takes_name_number_or_subject_from_its_passage() -> None:
    sentence = "The old bridge was built in 1732 by workers from Norwich."
    other = "The large market was opened in 1815 by traders from Ipswich."
    names, numbers, subjects = perturbations.recombine(sentence, [other], "en")
    assert names == [sentence.replace("Norwich", "Ipswich")]
    assert numbers == [sentence.replace("1732", "1815")]
    assert subjects == [sentence.replace("The old bridge", "The large market")]


@given(st.integers(0, 500), st.sampled_from(["en", "de", "es"]))
def test_a_planted_reference_is_named_wrongly_by_one_number(at: int, language: str) -> None:
    sentence, others = "The bridge was built by Adam.", ["The market was opened.", "The gate was closed."]
    printed, claims = perturbations.plant_references(sentence, others, language, at)
    own = re.findall(r"\d+(?:\.\d+)?", printed[0])
    assert len(set(printed)) == 3
    assert claims
    for claim in claims:
        said = re.findall(r"\d+(?:\.\d+)?", claim)
        assert sum(one != other for one, other in zip(own, said, strict=True)) == 1


def test_light_edits_drop_or_swap_and_lead_to_the_sentence() -> None:
    sentence = "The bridge (a work of Adam Reed), which lies near Norwich, is large."
    assert drop_bracket(sentence) == "The bridge, which lies near Norwich, is large."
    assert drop_clause("The bridge, which lies near Norwich, is large.", "en") == "The bridge is large."
    assert edit_lightly("The bridge is large.", "en", Random(1)) == "The bridge is big."
    opened = {open_sentence("The bridge is large.", "en", Random(seed)) for seed in range(30)}
    assert "According to the document, the bridge is large." in opened


@given(st.integers(0, 10_000))
def test_a_typing_error_is_one_edit_in_one_word(seed: int) -> None:
    question = "who is the patient of the surgeon"
    typed = mistype(question, Random(seed))
    assert OSA.distance(question, typed) == 1
    assert mistype("who is he", Random(seed)) == "who is he"

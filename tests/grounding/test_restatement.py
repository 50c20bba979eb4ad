"""A claim in the words of its source that says something else is told apart from one that only moves them."""

from __future__ import annotations

import pytest

from apps.grounding.agreement import find_disagreement
from apps.grounding.quoted_support import is_nearly_verbatim
from apps.grounding.restatement import find_changed_meaning


@pytest.mark.parametrize(
    ("kind", "language", "source", "claim"),
    [
        ("exchanged", "en", "Anna Berger hired Tomas Lind.", "Tomas Lind hired Anna Berger."),
        (
            "exchanged", "en", "On Mercury a day lasts 1,408 hours, and on Venus 5,832.",
            "On Mercury a day lasts 5,832 hours, and on Venus 1,408.",
        ),
        (
            "exchanged", "en", "Lesions were more common in diabetic patients than in nondiabetic patients.",
            "Lesions were more common in nondiabetic patients than in diabetic patients.",
        ),
        ("exchanged", "es", "Quedó en el puesto 139 de 176 países.", "Quedó en el puesto 176 de 139 países."),
        (
            "exchanged", "de", "Die Brücke führt vom Markt in Bergen zum Hafen in Oslo.",
            "Die Brücke führt vom Hafen in Bergen zum Markt in Oslo.",
        ),
        ("turned", "en", "Pay the fee before you sign the lease.", "Pay the fee after you sign the lease."),
        ("turned", "de", "Die Halle wurde vor dem Umbau vermietet.", "Die Halle wurde nach dem Umbau vermietet."),
        ("turned", "es", "Cierre la válvula antes de la prueba.", "Cierre la válvula después de la prueba."),
        ("hedge", "en", "The repair usually takes three days.", "The repair takes three days."),
        ("hedge", "de", "Die Reparatur dauert meist drei Tage.", "Die Reparatur dauert drei Tage."),
        ("hedge", "es", "La reparación suele durar tres días.", "La reparación durar tres días."),
    ],
)  # fmt: skip
def test_a_turned_sentence_is_found(kind: str, language: str, source: str, claim: str) -> None:
    assert find_changed_meaning(claim, source, language) == kind
    assert find_disagreement(claim, source, hint=language)
    assert not is_nearly_verbatim(claim, source, language)


@pytest.mark.parametrize(
    ("language", "source", "claim"),
    [
        ("en", "In 1950 Noble named Kintner president.", "Noble named Kintner president in 1950."),
        ("en", "The bridge was designed by Ann Gray.", "Ann Gray designed the bridge."),
        ("en", "The prize went to Ann Gray and Bo Lind.", "The prize went to Bo Lind and Ann Gray."),
        ("en", "The repair usually takes three days.", "Usually the repair takes three days."),
        ("en", "The repair usually takes three days.", "The repair often takes three days."),
        ("en", "The repair usually takes three days, and the part is often in stock.", "The part is often in stock."),
        ("de", "Der Preis ging an Anna Berger und Bo Lind.", "Der Preis ging an Bo Lind und Anna Berger."),
        ("es", "El premio fue para Ana Gil y Luis Paz.", "El premio fue para Luis Paz y Ana Gil."),
    ],
)
def test_a_sentence_that_only_moves_words_keeps_its_meaning(language: str, source: str, claim: str) -> None:
    assert find_changed_meaning(claim, source, language) == ""


def test_a_claim_in_other_words_is_left_to_the_model() -> None:
    assert find_changed_meaning("He owes Lind his job.", "Anna Berger usually hired Tomas Lind.") == ""


@pytest.mark.parametrize(("source", "claim"), [("$5 million", "€5 million"), ("40 %", "40 €"), ("£30m", "$30m")])
def test_a_quote_has_the_currency_of_its_source(source: str, claim: str) -> None:
    text = "The firm paid {} to the owners of the hall."
    assert not is_nearly_verbatim(text.format(claim), text.format(source))
    assert is_nearly_verbatim(text.format(source), text.format(source))

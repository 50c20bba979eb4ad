"""Words that a line end split are joined, and nothing else but white space is changed."""

from __future__ import annotations

from gettext import translation
from pathlib import Path

import django
import pytest

from apps.lib.text.text_normalization import normalize_text


def catalogue(language: str) -> dict[str, str]:
    """Return the texts of Django's administration in a language."""
    folder = Path(django.__file__).parent / "contrib" / "admin" / "locale"
    texts = translation("django", folder, [language])._catalog  # type: ignore[attr-defined]
    return {str(key): text for key, text in texts.items() if isinstance(text, str)}


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("the wooden stair-\ncase", "the wooden staircase"),
        ("the wooden stair- \t\r\n  case", "the wooden staircase"),
        ("the wooden stair\u00ad\n case", "the wooden staircase"),
        ("the wooden stair\u00adcase", "the wooden staircase"),
        ("Anna-\nLena and 1998-\n2001", "Anna- Lena and 1998- 2001"),
        ("Anna\u00ad Lena, \u00adand", "Anna Lena, and"),
        ("a\u00ad-\nb", "a- b"),  # the hyphen stands behind no letter
        ("a well-\nknown house", "a wellknown house"),  # as a printer splits a word; compounds cannot be told apart
        ("grö\u00ad\nßer, schö-\nnen und Stra-\r\n ße", "größer, schönen und Straße"),
        ("příliš žlu\u00ad\nťoučký kůň a kří-\nžem", "příliš žluťoučký kůň a křížem"),
        ("доку\u00ad\nмент и дого-\nвор", "документ и договор"),
        ("έγγρα\u00ad\nφο και συμφω-\nνία", "έγγραφο και συμφωνία"),
        ("déjà cré-\népar l'élè\u00ad\nve", "déjà créépar l'élève"),
        ("scho\u0308\u00ad\nnen, scho\u0308-\nne", "scho\u0308nen, scho\u0308ne"),  # accents by themselves
        ("Öl-\nÄnderung, Совет-\nСССР, ΑΒ-\nγ", "Öl- Änderung, Совет- СССР, ΑΒ- γ"),
        ("x²-\n5, שלום\u00ad\nעולם", "x²- 5, שלום עולם"),  # letters without case are left alone
    ],
)
def test_a_word_that_was_split_is_joined(text: str, folded: str) -> None:
    assert normalize_text(text) == folded


def test_white_space_is_one_space() -> None:
    assert normalize_text(" a well-known\n\n\tthing - it - is\u00a0here ") == "a well-known thing - it - is here"


@pytest.mark.parametrize("language", ["de", "cs", "ru", "el", "fr", "pl", "es"])
def test_words_of_a_language_are_whole_again_wherever_they_were_split(language: str) -> None:
    """Words are those of Django's own translations."""
    text = " ".join(catalogue(language).values())
    words = {word for word in text.split() if len(word) > 6 and word.isalpha() and word.islower()}
    assert len(words) > 60
    for word in words:
        for at in range(2, len(word) - 1):
            assert (
                normalize_text(f"{word[:at]}\u00ad\n{word[at:]}")
                == normalize_text(f"{word[:at]}-\n {word[at:]}")
                == word
            )

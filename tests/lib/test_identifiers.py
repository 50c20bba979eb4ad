"""Tests that names which differ only by a number are told apart, and that amounts and years are no names."""

from __future__ import annotations

import pytest

from apps.lib.text.identifiers import extract_identifiers, is_about_rivals


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("What does E7 mean?", "E4 means that the pressure is low."),
        ("What does error 7 mean?", "Error 4: the pressure is low."),
        ("Who wrote RFC-2616?", "RFC-9110 was written later."),
        ("Was bedeutet Fehler 7?", "Fehler 12: kein Wasser."),
    ],
)
def test_rivals_are_told_apart(asked: str, said: str) -> None:
    assert is_about_rivals(extract_identifiers(asked), extract_identifiers(said))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("What does E7 mean?", "E7 means that the exhaust is blocked, E4 that the pressure is low."),
        ("Does a night cost 45 euros?", "A night costs 60 euros."),
        ("Who won in 2015?", "In 2016 the others won."),
        ("What does E7 mean?", "Vitamin B12 is a vitamin."),
        ("What does the boiler do?", "E4 means that the pressure is low."),
    ],
)
def test_identifiers_of_another_kind_are_no_rivals(asked: str, said: str) -> None:
    assert not is_about_rivals(extract_identifiers(asked), extract_identifiers(said))

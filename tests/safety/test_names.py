"""Masking: forms and what only reading tells, together; where nobody could read, nothing is shown."""

from __future__ import annotations

import pytest

from apps.engines import registry
from apps.engines.base import EngineBroken
from apps.engines.classify.base import Tagged
from apps.safety.check import CheckUnavailable
from apps.safety.names import CHARACTERS, UNMASKED, everything, masked, merged
from apps.safety.personal import Found


def test_names_and_forms_are_masked_and_everything_else_stays() -> None:
    assert masked("Ask <Ann Lee> at a@example.org!") == "Ask <[person]> at [email_address]!"
    assert masked("Nothing here.") == "Nothing here."
    assert masked("") == ""


def test_what_a_form_proves_wins_and_what_it_suggests_gives_way() -> None:
    forms = [Found(0, 10, "IBAN_CODE"), Found(20, 30, "PHONE_NUMBER"), Found(40, 50, "PHONE_NUMBER")]
    told = [Tagged(5, 12, "PERSON"), Tagged(18, 30, "US_DRIVER_LICENSE")]
    assert [(one.start, one.kind) for one in merged(forms, told)] == [
        (0, "IBAN_CODE"), (18, "US_DRIVER_LICENSE"), (40, "PHONE_NUMBER"),
    ]  # fmt: skip


@pytest.mark.parametrize("gap", [" ", ". ", "\n", "x"])
def test_a_long_text_is_read_in_parts_to_its_end(gap: str) -> None:
    text = f"word{gap}" * (3 * CHARACTERS // 4) + " and <Ann Lee> here."
    found = everything(text)
    assert [(text[one.start : one.end], one.kind) for one in found if one.kind == "PERSON"] == [("Ann Lee", "PERSON")]


def test_without_the_tagger_the_text_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> object:
        raise EngineBroken("away")

    monkeypatch.setattr(type(registry.tagger()), "spans", broken)
    assert masked("Ask <Ann Lee>.") == UNMASKED
    with pytest.raises(CheckUnavailable):
        everything("Ask <Ann Lee>.")

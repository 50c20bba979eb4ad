"""Masking: forms and what only reading tells, together; where nobody could read, nothing is shown."""

from __future__ import annotations

import pytest

from apps.engines import registry
from apps.engines.classify.protocol import TaggedSpan
from apps.engines.types import EngineBroken
from apps.safety.detectors.pii import PiiMatch
from apps.safety.detectors.pii_ner import CHARACTERS, UNAVAILABLE_NOTICE, find_all_pii, mask_all_pii, merge_findings
from apps.safety.policy.verdicts import CheckUnavailable


def test_names_and_forms_are_masked_and_everything_else_stays() -> None:
    assert mask_all_pii("Ask <Ann Lee> at a@example.org!") == "Ask <[person]> at [email_address]!"
    assert mask_all_pii("Nothing here.") == "Nothing here."
    assert mask_all_pii("") == ""


def test_pii_proved_by_its_form_wins_and_a_suggested_one_gives_way() -> None:
    forms = [PiiMatch(0, 10, "IBAN_CODE"), PiiMatch(20, 30, "PHONE_NUMBER"), PiiMatch(40, 50, "PHONE_NUMBER")]
    told = [TaggedSpan(5, 12, "PERSON"), TaggedSpan(18, 30, "US_DRIVER_LICENSE")]
    assert [(one.start, one.kind) for one in merge_findings(forms, told)] == [
        (0, "IBAN_CODE"), (18, "US_DRIVER_LICENSE"), (40, "PHONE_NUMBER"),
    ]  # fmt: skip


@pytest.mark.parametrize("gap", [" ", ". ", "\n", "x"])
def test_a_long_text_is_read_in_parts_to_its_end(gap: str) -> None:
    text = f"word{gap}" * (3 * CHARACTERS // 4) + " and <Ann Lee> here."
    found = find_all_pii(text)
    assert [(text[one.start : one.end], one.kind) for one in found if one.kind == "PERSON"] == [("Ann Lee", "PERSON")]


def test_text_is_not_shown_without_the_pii_tagger(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> object:
        raise EngineBroken("away")

    monkeypatch.setattr(type(registry.get_pii_tagger()), "spans", broken)
    assert mask_all_pii("Ask <Ann Lee>.") == UNAVAILABLE_NOTICE
    with pytest.raises(CheckUnavailable):
        find_all_pii("Ask <Ann Lee>.")

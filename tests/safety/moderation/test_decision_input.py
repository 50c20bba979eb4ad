"""The form of a decision: malformed numbers never become a choice that the reviewer did not make."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from apps.safety.errors import ActionRefused
from apps.safety.moderation.decision_input import UNCHOSEN, parse_form, validate_input


@pytest.mark.parametrize("suspended", ["", "-1", "soon", "9999999999"])
def test_a_suspension_without_a_valid_duration_is_refused(suspended: str) -> None:
    parsed = parse_form(QueryDict(f"outcome=suspend&reason=clear&suspended={suspended}"))
    assert parsed.suspension_days == UNCHOSEN
    with pytest.raises(ActionRefused, match="how long the account is suspended"):
        validate_input(parsed)


def test_a_suspension_of_zero_days_lasts_until_an_administrator_lifts_it() -> None:
    parsed = parse_form(QueryDict("outcome=suspend&reason=clear&suspended=0"))
    validate_input(parsed)
    assert parsed.until is None

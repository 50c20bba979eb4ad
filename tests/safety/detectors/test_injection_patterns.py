"""Orders planted in documents, in English, German and Spanish, are marked by the rules; what looks like them is not.

The held-out half was measured once, after the rules were written (`docs/review/classifiers.md`).
"""

from __future__ import annotations

import pytest

from apps.safety.detectors.rules.engine import RuleCheck
from tests.safety.injection_samples import DEVELOPMENT, HARMLESS, HELD_OUT, Case

CHECK = RuleCheck()


@pytest.mark.parametrize("case", DEVELOPMENT[0], ids=lambda case: f"{case.language} {case.carrier}")
def test_an_open_order_to_the_assistant_is_marked(case: Case) -> None:
    assert CHECK.passage(case.text).code == "prompt_attack"


@pytest.mark.parametrize("case", HARMLESS, ids=lambda case: f"{case.language} {case.carrier}")
def test_instructions_for_people_are_not_marked_as_injection(case: Case) -> None:
    assert CHECK.passage(case.text).allowed


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_held_out_injections_are_mostly_marked(language: str) -> None:
    cases = [case for case in HELD_OUT[0] if case.language == language]
    assert sum(not CHECK.passage(case.text).allowed for case in cases) >= 0.7 * len(cases)

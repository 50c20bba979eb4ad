"""The bench of judges on a few sentences."""

from __future__ import annotations

import pytest

from apps.engines import registry
from apps.engines.judge.fake import FakeJudge
from benchmarks.trust import judges
from benchmarks.trust.judged_claims import JudgedClaim

PASSAGE = "The bridge was built in 1732 by workers from Norwich. It was closed in 1990."


def claim(sentence: str, *, is_supported: bool) -> JudgedClaim:
    return JudgedClaim("attr_hagrid", "answer", "", (PASSAGE,), sentence, is_supported, True)


CLAIMS = [
    claim("In 1732 the bridge was erected by workers from Norwich.", is_supported=True),
    claim("The bridge was built in 1733 by workers from Norwich.", is_supported=False),
    claim("The bridge was closed.", is_supported=False),
    claim("It was closed in 1990.", is_supported=True),
]


def test_vetoes_take_from_a_judge_that_is_always_wrong_what_the_places_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judges, "ACCURACY", 0.0)
    numbers = judges.measure_judges(CLAIMS, [False, False, False, True])
    assert (numbers["standin.claims_true_pass"], numbers["standin.claims_true_pass.n"]) == (0.5, 2)  # by the check
    assert numbers["standin.claims_false_pass.no_veto"] == 1.0
    assert numbers["standin.claims_false_pass"] == 0.5, "the wrong year is vetoed"
    assert (numbers["veto_false.number"], numbers.get("veto_true.number")) == (0.5, None)


def test_stand_in_that_is_always_right_shows_what_the_vetoes_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judges, "ACCURACY", 1.0)
    numbers = judges.measure_judges(CLAIMS, [False] * 4)
    assert numbers["standin.claims_true_pass.no_veto"] == numbers["standin.claims_true_pass"] == 1.0
    assert numbers["standin.claims_false_pass"] == 0.0
    assert not any(name.startswith("judge.") for name in numbers)


def test_judge_of_the_settings_is_asked_about_what_the_check_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = FakeJudge()
    monkeypatch.setattr(registry, "get_judge_engine", lambda: judge)
    numbers = judges.measure_judges(CLAIMS, [True, False, False, False])
    assert judge.asked == [(one.sentence,) for one in CLAIMS[1:]]
    assert (numbers["judge.claims_true_pass"], numbers["judge.claims_false_pass"]) == (1.0, 0.0)

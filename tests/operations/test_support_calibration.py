"""`./run calibrate support`: a judge or model is measured on the shipped pairs, and the system check says the rates."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import AsyncClient
from pytest_django import Settings

from apps.engines import registry
from apps.engines.judge.fake import FakeJudge
from apps.engines.judge.openai import OpenAIJudge
from apps.engines.judge.protocol import Evidence, JudgedSource, Judgement, SentenceJudgement
from apps.engines.types import EngineBroken, EngineBusy, EngineUnavailable
from apps.grounding.calibration import store
from apps.grounding.calibration.pairs import CalibrationPair, load_pairs
from apps.operations import support_calibration
from apps.operations.doctor import engine_checks
from apps.operations.doctor.system_checks import CheckState
from apps.users.models import User
from tests.engines.chat.scripted_server import answer, serving

PAIRS = load_pairs()
TRUE = {pair.sentence for pair in PAIRS if pair.is_true}
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def calibrations(settings: Settings, tmp_path: Path) -> None:
    settings.SUPPORT_CALIBRATION = tmp_path / "calibration.json"


class Judge(FakeJudge):
    """Judge that finds the whole of the sources where `says` is True of a sentence, once it was `busy` that often."""

    def __init__(self, says: Any, busy: int = 0) -> None:
        super().__init__()
        self.busy = busy
        self.says = says

    async def judge(self, sources: Sequence[JudgedSource], sentences: Sequence[str]) -> Mapping[int, SentenceJudgement]:
        if self.error is not None:
            raise self.error
        if self.busy:
            self.busy -= 1
            raise EngineBusy("busy", 0.0)
        if not self.says(sentences[0]):
            return {0: SentenceJudgement(Judgement.NOT_THERE, ())}
        words = tuple(Evidence(one.number, one.text) for one in sources)
        return {0: SentenceJudgement(Judgement.SUPPORTED, words)}


def use(judge: Any, monkeypatch: pytest.MonkeyPatch, pairs: list[CalibrationPair] = PAIRS) -> None:
    """Set up a judge; the check beside it reads two pairs only."""
    monkeypatch.setattr(registry, "get_judge_engine", lambda: judge)
    monkeypatch.setattr(support_calibration, "load_pairs", lambda: pairs)
    cite = support_calibration._cite_pairs
    monkeypatch.setattr(support_calibration, "_cite_pairs", lambda given: cite(given[:2]))


def calibrate() -> str:
    out = StringIO()
    call_command("calibrate", "support", stdout=out)
    return out.getvalue()


async def test_a_judge_that_knows_is_accepted_and_the_system_check_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.engines.busy_retries._FIRST_WAIT_S", 0.01)
    use(Judge(TRUE.__contains__, busy=5), monkeypatch)
    found = [one async for one in support_calibration.calibrate_support()]
    assert [one.key for one in found] == ["judge fake", "packaged"]
    assert all(one.is_accepted and one.false.part == 0 for one in found[0].rates.values())
    assert {"en", "de", "es"} == set(store.find_rates("judge fake") or {})
    check = await engine_checks.check_support()
    assert check.state == CheckState.GOOD and "true sentences pass" in check.message


def test_a_judge_that_agrees_with_everything_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    use(Judge(lambda _: True), monkeypatch)
    text = calibrate()
    assert "It is not used for de, en, es" in text and "threshold none" in text
    assert not any(one.is_accepted for one in (store.find_rates("judge fake") or {}).values())


def test_a_judge_that_writes_garbage_supports_nothing_and_one_that_is_away_is_not_calibrated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge = Judge(lambda _: True)
    use(judge, monkeypatch)
    judge.error = EngineBroken("garbage")
    assert "0 of" in calibrate()
    store.forget_rates("judge fake")
    judge.error = EngineUnavailable("away")
    with pytest.raises(CommandError, match="away"):
        calibrate()
    assert store.find_rates("judge fake") is None


async def test_a_judge_behind_a_server_is_asked_about_each_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [next(pair for pair in PAIRS if pair.is_true), next(pair for pair in PAIRS if not pair.is_true)]
    said = {"sentences": [{"sentence": 1, "evidence": [], "verdict": "not_there"}]}
    body = {"choices": [{"message": {"content": json.dumps(said)}, "finish_reason": "stop"}]}
    async with serving(answer(200, body), answer(200, body)) as server:
        use(OpenAIJudge(server.url, "big", "chat"), monkeypatch, pairs)
        found = [one async for one in support_calibration.calibrate_support()]
        assert len(server.requests) == 2
    assert found[0].key == "judge chat big" and found[0].total(true=True).part == 0


async def test_a_check_that_is_not_calibrated_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await engine_checks.check_support()).state == CheckState.GOOD, "the packaged one needs no calibration"
    use(Judge(TRUE.__contains__), monkeypatch)
    check = await engine_checks.check_support()
    assert check.state == CheckState.WARN and "calibrate support" in check.advice


async def test_a_refused_model_is_named_with_what_to_do(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SUPPORT_CLASSIFIER = "some-model"
    monkeypatch.setattr(support_calibration, "load_pairs", lambda: PAIRS[:30])
    found = [one async for one in support_calibration.calibrate_support()]
    assert [one.key for one in found] == ["classifier some-model"], "30 pairs show no bound"
    check = await engine_checks.check_support()
    assert check.state == CheckState.WARN and "packaged check stands in" in check.message


async def test_the_models_page_starts_a_calibration_and_shows_what_came_of_it(
    async_client: AsyncClient, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Judge(TRUE.__contains__)
    use(judge, monkeypatch)
    await async_client.aforce_login(ada)
    page = "/administration/models/"
    assert "It was not calibrated on this site." in (await async_client.get(page)).content.decode()
    outcomes = ((EngineUnavailable("The judge is away."), "The judge is away."), (None, "true sentences pass"))
    for error, words in outcomes:
        judge.error = error
        assert (await async_client.post(f"{page}calibrate/")).status_code == 302
        task = support_calibration.get_progress().task
        assert task is not None
        await task
        assert words in (await async_client.get(page)).content.decode()


async def test_only_administrators_start_a_calibration(async_client: AsyncClient, alice: User) -> None:
    await async_client.aforce_login(alice)
    assert (await async_client.post("/administration/models/calibrate/")).status_code == 404

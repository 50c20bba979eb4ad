"""A check that is away, late or slow is counted by the minute, and staff sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.safety.analytics import charts
from apps.safety.analytics.metrics import ClauseMetrics
from apps.safety.gate import gate
from apps.safety.models import DetectorOutage, detector_outages
from apps.safety.policy.verdicts import ALLOWED, CheckUnavailable, Verdict
from apps.users.models import User
from tests.support.pages import strip_layout


class Broken:
    """A check that fails, or takes its time."""

    wait_s, fails = 0.0, True

    async def question(self, text: str, vector: object = None) -> Verdict:
        await asyncio.sleep(self.wait_s)
        if self.fails:
            raise CheckUnavailable
        return ALLOWED

    def passages(self, texts: list[str], vectors: object, suspects: object = None) -> list[Verdict]:
        raise CheckUnavailable


@pytest.fixture
def check(settings: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Broken]]:
    settings.SAFETY_CHECK = f"{__name__}.Broken"  # type: ignore[attr-defined]
    detector_outages._noted.clear()
    monkeypatch.setattr(Broken, "wait_s", 0.0)
    monkeypatch.setattr(Broken, "fails", True)
    yield Broken
    gate._built.pop(f"{__name__}.Broken", None)
    detector_outages._noted.clear()


async def asked() -> Verdict:
    verdict = await gate.check_question("How is a lamp trimmed?")
    while gate._refreshing:
        await asyncio.gather(*gate._refreshing)
    return verdict


@pytest.mark.django_db(transaction=True)
async def test_a_check_that_fails_lets_nothing_through_and_counts(check: type[Broken]) -> None:
    for _ in range(3):
        assert not (await asked()).allowed
    assert await found() == {("text", "error")}


@pytest.mark.django_db(transaction=True)
async def test_late_detector_counts_as_away(check: type[Broken], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "DEADLINE_S", 0.05)
    monkeypatch.setattr(check, "wait_s", 30.0)
    assert (await asked()).code == "check_unavailable"
    assert await found() == {("text", "timeout")}


@pytest.mark.django_db(transaction=True)
async def test_slow_detector_is_heeded_and_counted(check: type[Broken], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector_outages, "SLOW_S", 0.0)
    monkeypatch.setattr(check, "fails", False)
    assert (await asked()).allowed
    assert await found() == {("text", "slow")}


async def found() -> set[tuple[str, str]]:
    return {(row.detector, row.status) async for row in DetectorOutage.objects.all()}


@pytest.mark.django_db
def test_documents_count_too_and_staff_sees_it(check: type[Broken], client: Client, morgan: User) -> None:
    gate.check_passages(["a", "b"], None)  # type: ignore[arg-type]
    assert list(DetectorOutage.objects.values_list("detector", "status")) == [("text", "error")]
    client.force_login(morgan)
    assert "a check was unavailable or slow for 1 minute" in client.get("/review/").content.decode()
    page = strip_layout(client.get("/review/figures/").content.decode())
    assert "Text classifiers: failed" in page and '<rect class="bar"' in page
    assert "highest bar: 1 minute" in page and f"<span>{timezone.now():%-d %B}</span>" in page


@pytest.mark.django_db
def test_a_minute_is_one_row_and_days_without_are_there() -> None:
    now = timezone.now().replace(second=0, microsecond=0)
    for minute in (now, now, now - timedelta(days=2), now - timedelta(days=400)):
        detector_outages._noted.add((minute, "text", "error"))
        detector_outages.write_outages()
    detector_outages._noted.clear()
    assert detector_outages.count_minutes(28) == {("text", "error"): 2}
    days = detector_outages.count_by_day(7)
    assert len(days) == 7 and [count for _, count in days if count] == [1, 1]


def test_drawings_follow_the_numbers() -> None:
    row = ClauseMetrics("hate", "question", cases=4, decided=4, correct=4)
    values = charts.known_shares([("Hate", row.precision), ("Crimes", ClauseMetrics("crime", "answer").precision)])
    drawn = charts.make_whisker_chart("Right", "", values)
    [whisker] = drawn.whiskers
    assert whisker.low < whisker.dot == whisker.high == charts.WIDTH - charts.EDGE and whisker.value_text == "4 of 4"
    beyond = charts.make_whisker_chart("Hours", "", [charts.ChartValue("Hate", "9", 9, 1, 50)], axis_end=10)
    assert beyond.whiskers[0].high == charts.WIDTH - charts.EDGE
    assert [charts.round_axis_hours(high) for high in (0.2, 1, 5, 300, 9000)] == [1, 1, 6, 720, 9000]
    today = timezone.now()
    [low, high] = charts.make_day_bars([(today, 5), (today, 0), (today, 10)])
    assert (low.height, high.height, high.y) == (charts.HEIGHT / 2, charts.HEIGHT, 0)
    assert charts.make_day_bars([]) == []

"""What is judged is watched for change, also what was let through; few texts say nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.safety import drift
from apps.safety.folding import Signal, Status
from apps.safety.models import Recorded
from apps.users.models import User


def kept(scores: list[float], days: float, stage: str = "question", status: Status = Status.OK) -> None:
    hour = timezone.now() - timedelta(days=days)
    rows = [Signal("text", "v", status, {"hate": score} if status is Status.OK else {}).row() for score in scores]
    Recorded.objects.bulk_create([Recorded(stage=stage, signals=[row], policy=1, hour=hour) for row in rows])


@pytest.mark.django_db
@pytest.mark.parametrize("later", [0.95, 0.02], ids=["far", "near, where most scores lie and the bins are narrow"])
def test_the_index_is_large_of_others(later: float) -> None:
    kept([0.005] * drift.LEAST, 20)
    kept([later] * drift.LEAST, 1)
    assert [row.value > 1 for row in drift.rows()] == [True]


@pytest.mark.django_db
def test_scores_that_have_moved_say_so_with_an_interval() -> None:
    low, high = [number / 1000 for number in range(100)], [0.5 + number / 1000 for number in range(100)]
    kept(low, 20)
    kept(high, 1)
    kept(low, 20, "answer")
    kept(low, 1, "answer")
    moved, still = drift.rows()
    assert (moved.clause, moved.stage, moved.texts, moved.moved) == ("hate", "question", 100, True)
    assert moved.low <= moved.value <= moved.high and moved.low > drift.MOVED
    assert (still.stage, still.moved) == ("answer", False) and still.value == pytest.approx(0, abs=1e-9)


@pytest.mark.django_db
def test_few_texts_and_checks_that_were_away_say_nothing(client: Client, morgan: User) -> None:
    kept([0.1] * (drift.LEAST - 1), 20)
    kept([0.9] * drift.LEAST, 1)
    kept([0.1] * drift.LEAST, 20, status=Status.ERROR)
    assert drift.rows() == []
    client.force_login(morgan)
    assert f"once there are {drift.LEAST} on each side" in client.get("/review/figures/").content.decode()


@pytest.mark.django_db
def test_of_very_many_an_even_sample_is_read(monkeypatch: pytest.MonkeyPatch, client: Client, morgan: User) -> None:
    monkeypatch.setattr(drift, "_MOST", 60)
    kept([0.02] * 300, 20)
    kept([0.02] * 150 + [0.6] * 150, 1)
    [row] = drift.rows()
    assert 50 <= row.texts <= 60 and row.moved
    client.force_login(morgan)
    page = client.get("/review/figures/").content.decode()
    assert "The scores have moved" in page and "How far the scores of the last week have moved" in page

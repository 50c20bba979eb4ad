"""The figures of review follow from what people decided, and say how sure they are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.safety import appeals, figures, review
from apps.safety.figures import Share, psi
from apps.safety.models import Decision, Notice, Snapshot
from apps.safety.review import Ruling
from apps.users.models import User
from tests.people import person
from tests.safety.cases import Notes, case, notes

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf(ada: User) -> Notes:
    found = notes()
    found.state = {str(number): "as it was" for number in range(9)}
    return found


def decided(owner: User, reviewer: User, subject: str, outcome: str) -> Decision:
    held = review.claim(reviewer, case(owner, subject).pk)
    return review.decide(reviewer, held.pk, Ruling(held.lease_token, held.version, outcome, "clear"))


def test_what_was_right_and_what_was_overturned(alice: User, morgan: User, shelf: Notes) -> None:
    robin = person("robin", User.Role.REVIEWER)
    for number, outcome in enumerate(["block", "block", "warn", "allow"]):
        decided(alice, morgan, str(number), outcome)
    last = decided(alice, morgan, "4", "block")
    appeals.appeal(alice, Notice.objects.get(decision=last), "It was a quotation.")
    held = review.claim(robin, last.case_id)
    appeals.rule(robin, held.pk, Ruling(held.lease_token, held.version, "overturn", "mistake"))
    case(alice, "5")
    [row] = figures.rows()
    assert (row.clause, row.stage, row.cases, row.waiting) == ("hate", "question", 6, 1)
    assert row.precision == Share(3, 5) and row.overturn == Share(1, 1)
    assert row.median_h is not None and row.median_h < 1


def test_undone_decisions_do_not_count(alice: User, morgan: User, shelf: Notes) -> None:
    found = decided(alice, morgan, "1", "block")
    review.undo(morgan, found.case_id)
    [row] = figures.rows()
    assert (row.decided, row.waiting) == (0, 1)


@pytest.mark.parametrize(("part", "whole", "low", "high"), [(8, 10, 0.49, 0.943), (0, 10, 0.0, 0.278), (0, 0, 0, 1)])
def test_intervals_are_those_of_wilson(part: int, whole: int, low: float, high: float) -> None:
    assert Share(part, whole).interval == pytest.approx((low, high), abs=0.001)


def test_drift_is_seen_and_needs_enough_texts(alice: User, shelf: Notes) -> None:
    same = [number / 100 for number in range(100)]
    assert psi(same, same) == pytest.approx(0, abs=1e-9) and psi([0.1] * 50, [0.9] * 50) > 1
    for days, score in ((40, 0.1), (1, 0.9)):
        made = [Snapshot(stage="question", text="x", sha256="x", code="hate", score=score) for _ in range(20)]
        Snapshot.objects.bulk_create(made)
        rows = [row.pk for row in made]
        aged = Snapshot.objects.filter(pk__in=rows)
        assert aged.count() == 20
        _age(rows, days)
    assert list(figures.drift()) == ["hate"] and figures.drift()["hate"] > 0.2


def _age(rows: list[object], days: int) -> None:
    """A snapshot never changes, so it is put there anew, as it would have been then."""
    then = timezone.now() - timedelta(days=days)
    found = list(Snapshot.objects.filter(pk__in=rows))
    Snapshot.objects.filter(pk__in=rows).delete()
    field = Snapshot._meta.get_field("created")
    field.auto_now_add = False
    try:
        for row in found:
            row.created = then
        Snapshot.objects.bulk_create(found)
    finally:
        field.auto_now_add = True


def test_the_page_is_for_staff(client: Client, alice: User, morgan: User, shelf: Notes) -> None:
    decided(alice, morgan, "1", "block")
    client.force_login(morgan)
    page = client.get("/review/figures/").content.decode()
    assert "100 %" in page and "21 % to 100 %" in page and "/review/thresholds/" in page
    client.force_login(alice)
    assert client.get("/review/figures/").status_code == 404

"""The figures of review follow from what people decided, and say how sure they are."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from apps.lib.proportions import Proportion
from apps.safety.analytics import metrics
from apps.safety.analytics.metrics import median_with_interval
from apps.safety.models import Notice, SecondReview
from apps.safety.moderation import appeals, cases
from apps.safety.moderation.cases import FlaggedContent
from apps.safety.policy.evaluation import PolicyResult
from apps.safety.policy.schema import Action
from apps.users.models import User
from tests.factories import (
    NOTE_KIND,
    Notes,
    decide_case,
    decide_note,
    make_decision_input,
    make_note_case,
    make_user,
)

pytestmark = pytest.mark.django_db


def test_metrics_count_confirmed_and_overturned_decisions(alice: User, morgan: User, notes: Notes) -> None:
    robin = make_user("robin", User.Role.REVIEWER)
    for number, outcome in enumerate(["block", "block", "warn", "allow"]):
        decide_note(alice, morgan, str(number), outcome)
    last = decide_note(alice, morgan, "4", "block")
    appeals.submit_appeal(alice, Notice.objects.get(decision=last), "It was a quotation.")
    claimed = cases.claim_case(robin, last.case_id)
    appeals.decide_appeal(robin, claimed.pk, make_decision_input(claimed, "overturn", "mistake"))
    make_note_case(alice, "5")
    [row] = metrics.measure_clauses()
    assert (row.clause, row.stage, row.cases, row.waiting) == ("hate", "question", 6, 1)
    assert row.precision == Proportion(3, 5) and row.overturn_rate == Proportion(1, 1)
    assert row.decision_time is not None and row.decision_time.value < 1


def test_undone_decisions_do_not_count(alice: User, morgan: User, notes: Notes) -> None:
    found = decide_note(alice, morgan, "1", "block")
    cases.undo_decision(morgan, found.case_id)
    [row] = metrics.measure_clauses()
    assert (row.hours, row.waiting) == ([], 1)


@pytest.mark.parametrize(("part", "whole", "low", "high"), [(8, 10, 0.49, 0.943), (0, 10, 0.0, 0.278), (0, 0, 0, 1)])
def test_intervals_are_those_of_wilson(part: int, whole: int, low: float, high: float) -> None:
    assert Proportion(part, whole).interval == pytest.approx((low, high), abs=0.001)


def test_the_middle_of_hours_has_the_interval_of_the_order_statistics() -> None:
    assert median_with_interval([]) is None
    few = median_with_interval([3.0, 1.0, 2.0])
    assert few is not None and (few.value, few.interval) == (2.0, None)
    many = median_with_interval([float(number) for number in range(100)])
    assert many is not None and many.value == 49.5 and many.interval == (40.0, 60.0)
    assert many.p95 == pytest.approx(94.05)


def test_metrics_leave_user_reports_out_of_the_precision_of_checks(alice: User, morgan: User, notes: Notes) -> None:
    decide_note(alice, morgan, "1", "block")
    outcome = PolicyResult(Action.REVIEW, "hate", 2)
    decide_case(
        morgan, cases.flag_content(FlaggedContent(NOTE_KIND, "2", "question", "Reported", alice.pk, outcome)), "allow"
    )
    [row] = metrics.measure_clauses()
    assert (len(row.hours), row.precision) == (2, Proportion(1, 1))


def test_agreement_is_known_by_clause_and_stage(alice: User, morgan: User, notes: Notes, settings: object) -> None:
    settings.REVIEW_SECOND_PERCENT = 100  # type: ignore[attr-defined]
    robin = make_user("robin", User.Role.REVIEWER)
    for number, harmful in enumerate((True, True, False)):
        decide_note(alice, morgan, str(number), "block")
        row = SecondReview.objects.get(submitted=None)
        SecondReview.objects.filter(pk=row.pk).update(submitted=timezone.now(), harmful=harmful, reviewer=robin)
    assert metrics.measure_agreement() == metrics.ReviewerAgreement(
        Proportion(2, 3), {("hate", "question"): Proportion(2, 3)}
    )


def test_the_page_is_for_staff(client: Client, alice: User, morgan: User, notes: Notes) -> None:
    decide_note(alice, morgan, "1", "block")
    client.force_login(morgan)
    page = client.get("/review/figures/").content.decode()
    assert "100%" in page and "21% to 100%" in page and "95 in 100 within 0.0 h" in page
    assert "How often the check was right" in page and "Median hours to a decision" in page
    assert "How often appeals were successful" not in page  # nobody appealed
    client.force_login(alice)
    assert client.get("/review/figures/").status_code == 404

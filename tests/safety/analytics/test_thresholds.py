"""The page of a version of the policy says how often its thresholds were right, among texts that people decided."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.lib.proportions import Proportion
from apps.safety.analytics import thresholds
from apps.safety.models import Decision, PolicyVersion
from apps.safety.policy import versions
from apps.safety.policy.schema import Action, parse_policy
from apps.users.models import User
from tests.factories import Notes, decide_note
from tests.safety.policy_drafts import make_policy_body
from tests.support.pages import strip_layout

pytestmark = pytest.mark.django_db


def test_thresholds_show_precision_and_recall_on_decided_texts(alice: User, morgan: User, notes: Notes) -> None:
    decide_note(alice, morgan, "1", "block")
    decide_note(alice, morgan, "2", "allow")
    found = thresholds.measure_thresholds(parse_policy(make_policy_body(note=0.5, withhold=0.99)))
    low, high = [one for one in found if (one.clause, one.stage) == ("hate", "question")]
    assert (low.action, low.min_score, high.min_score) == (Action.NOTE, 0.5, 0.99)
    assert (low.texts, low.above, low.precision, low.recall) == (2, 2, Proportion(1, 2), Proportion(1, 1))
    assert (high.above, high.precision.value, high.recall) == (0, None, Proportion(0, 1))
    Decision.objects.filter(outcome="block").update(clause="violence")  # against something else: says nothing of hate
    assert thresholds.collect_scores()["hate", "question"] == [(0.97, False)]


def test_staff_sees_them_on_the_page_of_a_version(
    client: Client, ada: User, alice: User, morgan: User, notes: Notes
) -> None:
    row = versions.create_draft(ada, make_policy_body(withhold=0.5))
    address = f"/review/policy/{row.pk}/changes/"
    client.force_login(morgan)
    assert "When reviewers have decided" in client.get(address).content.decode()
    decide_note(alice, morgan, "1", "block")
    decide_note(alice, morgan, "2", "allow")
    page = strip_layout(client.get(address).content.decode())
    assert "2 of 2, 1 rightly" in page
    assert "0.50" in page and "50%<span" in page and "(9% to 91%)" in page and "With fewer than 30 texts" in page
    PolicyVersion.objects.filter(pk=row.pk).update(body={"format": "of long ago"})
    assert client.get(address).status_code == 200
    client.force_login(alice)
    assert client.get(address).status_code == 404

"""The threshold page: counts with intervals by clause and stage, and a draft of the policy made from a level."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.safety import policies, thresholds
from apps.safety.figures import Share
from apps.safety.models import Decision, PolicyVersion
from apps.safety.policy import PolicyError, Stage, read
from apps.users.models import User
from tests.safety.cases import Notes, notes
from tests.safety.test_figures import decided

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf(ada: User) -> Notes:
    found = notes()
    found.state = {str(number): "as it was" for number in range(9)}
    return found


def test_each_level_says_what_it_finds_of_what_was_decided(alice: User, morgan: User, shelf: Notes) -> None:
    decided(alice, morgan, "1", "block")
    decided(alice, morgan, "2", "allow")
    texts = thresholds.scored()
    assert ("hate", "question") in texts
    low, high = thresholds.cuts(texts["hate", "question"])[0], thresholds.cuts(texts["hate", "question"])[-1]
    assert (low.least, low.held, low.precision, low.recall) == (0.05, 2, Share(1, 2), Share(1, 1))
    assert (high.least, high.held, high.precision.value, high.recall) == (1.0, 0, None, Share(0, 1))
    Decision.objects.filter(outcome="block").update(clause="violence")  # against something else: says nothing of hate
    assert thresholds.scored()["hate", "question"] == [(0.97, False)]


def test_staff_sees_the_chart_and_any_level_without_a_script(
    client: Client, alice: User, morgan: User, shelf: Notes
) -> None:
    client.force_login(morgan)
    assert "Once people have decided" in client.get("/review/thresholds/").content.decode()
    decided(alice, morgan, "1", "block")
    decided(alice, morgan, "2", "allow")
    page = client.get("/review/thresholds/?of=hate:question&at=0.5").content.decode()
    assert "At 0.50: 2 of 2 texts, 1 of them rightly. Precision 50 % (9 % to 91 %), recall 100 %" in page
    assert '<polyline class="precision"' in page and "Only 2 texts were decided" in page
    assert "Open a draft" not in page and client.post("/review/thresholds/draft/").status_code == 404
    for nonsense in ("of=x", "of=hate:dream", "at=nan", "at=-7", "at=1e99", "at=%00", "of=%00&at=x"):
        assert client.get(f"/review/thresholds/?{nonsense}").status_code == 200
    client.force_login(alice)
    assert client.get("/review/thresholds/").status_code == 404


def test_an_administrator_opens_a_draft_and_nothing_changes_by_itself(
    client: Client, ada: User, alice: User, morgan: User, shelf: Notes
) -> None:
    decided(alice, morgan, "1", "block")
    before = policies.live().sha256
    client.force_login(ada)
    sent = {"of": "hate:question", "at": "0.4", "action": "withhold_and_review"}
    assert client.post("/review/thresholds/draft/", sent)["Location"] == "/review/policy/"
    draft = PolicyVersion.objects.get(status="draft")
    assert [step.least for step in read(draft.body).clauses["hate"].steps[Stage.QUESTION]][-1] == 0.4
    assert "Hate, Question: Withheld, and people look at it from 0.40 on" in draft.note
    assert policies.live().sha256 == before and draft.author == ada
    for wrong in ({"at": "2.5x"}, {"of": "astrology:question"}, {"of": "hate:dream"}, {"action": "explode"}):
        page = client.post("/review/thresholds/draft/", {**sent, **wrong}, follow=True).content.decode()
        assert "Choose a clause" in page or "between 0 and 1" in page
    assert PolicyVersion.objects.count() == 2
    with pytest.raises(PolicyError, match="do not grow harder"):
        thresholds.draft(ada, "hate", "question", 0.99, "note")

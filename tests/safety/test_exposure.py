"""Reviewers are spared: hard texts are covered and counted, and after enough of them there are milder ones only."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.safety import bulk, exposure, opinions, review
from apps.safety.models import Case, Exposure, Opinion
from apps.safety.review import Ruling
from apps.safety.transitions import Move, Refused
from apps.users.models import User
from tests.people import person
from tests.safety.cases import Notes, case, notes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shelf(ada: User) -> Notes:
    found = notes()
    found.state = {str(number): "as it was" for number in range(9)}
    return found


def seen(user: User, minutes: float, ago: timedelta = timedelta(0), texts: int = 1) -> None:
    began = timezone.now() - ago - timedelta(minutes=minutes)
    Exposure.objects.create(
        reviewer=user, subject="x", clause="hate", texts=texts, began=began, ended=began + timedelta(minutes=minutes)
    )


def looked(user: User, owner: User, subject: str = "1", severity: int = 3) -> Case:
    held = review.claim(user, case(owner, subject, severity=severity).pk)
    return review.look(user, held.pk)


def test_a_hard_text_counts_from_opening_to_decision(alice: User, morgan: User) -> None:
    held = looked(morgan, alice)
    review.look(morgan, held.pk)  # the page again
    row = Exposure.objects.get()
    assert (row.ended, row.clause, exposure.texts(morgan)) == (None, "hate", 1)
    review.decide(morgan, held.pk, Ruling(held.lease_token, held.version, "allow", "clear"))
    assert Exposure.objects.get().ended is not None


def test_leaving_ends_it_and_mild_texts_do_not_count(alice: User, morgan: User) -> None:
    held = looked(morgan, alice)
    looked(morgan, alice, "2", severity=2)
    assert Exposure.objects.get().ended is not None  # something else is in front of them
    held = review.claim(morgan, held.pk)
    review.look(morgan, held.pk)
    review.leave(morgan, held.pk, held.lease_token, Move.RELEASE)
    assert not Exposure.objects.filter(ended=None).exists() and exposure.texts(morgan) == 2


def test_a_forgotten_page_counts_five_minutes_and_a_shift_ends(morgan: User) -> None:
    seen(morgan, 60)
    assert exposure.seconds(morgan) == exposure.LONGEST_S
    seen(morgan, 5, ago=timedelta(hours=9))
    assert exposure.seconds(morgan) == exposure.LONGEST_S


def test_after_enough_there_are_milder_ones_only(alice: User, morgan: User, bob: User) -> None:
    hard, mild = case(alice, "1", severity=3), case(alice, "2", severity=2)
    for _ in range(9):
        seen(morgan, 5)
    with pytest.raises(Refused, match="45 minutes"):
        review.claim(morgan, hard.pk)
    assert review.claim(morgan, mild.pk).holder == morgan
    client = Client()
    client.force_login(morgan)
    page = client.get("/review/").content.decode()
    assert str(hard.pk) not in page and "take a break" in page
    opinion = {"snapshot": hard.snapshot, "clause": "hate", "first": bob, "owner": alice, "why": "sample"}
    Opinion.objects.create(severity=3, **opinion)
    assert opinions.take(morgan) is None
    Opinion.objects.create(severity=1, **opinion)
    assert opinions.take(morgan) is not None
    assert review.claim(person("robin", User.Role.REVIEWER), hard.pk)  # others are not tired


def test_a_list_of_hard_texts_counts_each(alice: User, morgan: User) -> None:
    for number in range(3):
        case(alice, str(number), text=f"All of them should be driven into the sea, number {number}")
    held = review.claim(morgan, Case.objects.get(subject="0").pk)
    bulk.preview(morgan, bulk.gather(morgan, held.pk))
    assert Exposure.objects.get(ended=None).texts == 3


def test_clauses_are_left_to_others_and_texts_uncovered_on_ones_own_page(
    client: Client, alice: User, morgan: User
) -> None:
    hate, crime = case(alice, "1"), case(alice, "2", code="crime")
    client.force_login(morgan)
    held = review.claim(morgan, crime.pk)
    assert 'class="covered"' in client.get(f"/review/{held.pk}/").content.decode()
    client.post("/review/care/", {"without": ["hate", "nonsense"]})
    assert exposure.care(morgan).without == ["hate"]
    assert str(hate.pk) not in client.get("/review/").content.decode()
    assert 'class="covered"' not in client.get(f"/review/{held.pk}/").content.decode()
    page = client.get("/review/care/").content.decode()
    assert 'value="hate" checked' in page and "of at most 45 minutes" in page

"""The review queue is filtered and sorted by its address."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.safety.models import Case
from apps.safety.moderation import case_queue, cases
from apps.safety.moderation.case_queue import CaseFilter
from apps.users.models import User
from tests.factories import make_note_case, make_user
from tests.support.pages import strip_layout

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("notes")]


def subjects(reviewer: User, **wanted: str) -> list[str]:
    rows = case_queue.filter_cases(reviewer, case_queue.parse_filter({"show": "waiting", **wanted}))
    return list(rows.values_list("subject", flat=True))


def aged(found: Case, days: int) -> Case:
    Case.objects.filter(pk=found.pk).update(created=timezone.now() - timedelta(days=days))
    return found


def test_queue_filters_each_narrow_the_list(alice: User, bob: User, morgan: User) -> None:
    robin = make_user("robin", User.Role.REVIEWER)
    aged(make_note_case(alice, "1"), 4)
    make_note_case(bob, "2", code="crime")
    cases.claim_case(robin, make_note_case(bob, "3", code="drugs").pk)
    cases.claim_case(morgan, make_note_case(alice, "4", code="violence").pk)
    assert subjects(morgan, clause="crime") == ["2"]
    assert subjects(morgan, age="3") == ["1"]
    assert set(subjects(morgan, user=f"Person {alice.pk:04}")) == {"1", "4"}, "as the page writes it"
    assert (subjects(morgan, claim="others"), subjects(morgan, claim="mine")) == (["3"], ["4"])
    assert subjects(morgan, show="others") == ["3"]  # an address of former releases
    assert set(subjects(morgan, claim="free")) == {"1", "2"}
    assert subjects(morgan, kind="document") == []
    assert subjects(morgan, user="0") == []


def test_cases_are_sorted_as_asked(alice: User, morgan: User) -> None:
    aged(make_note_case(alice, "1", severity=1), 9)
    aged(make_note_case(alice, "2", severity=4, code="weapons"), 3)
    aged(make_note_case(alice, "3", severity=2, code="crime"), 1)
    assert subjects(morgan) == ["2", "3", "1"]
    assert subjects(morgan, sort="oldest") == ["1", "2", "3"]
    assert subjects(morgan, sort="newest") == ["3", "2", "1"]
    Case.objects.filter(subject="1").update(due_at=timezone.now())
    assert subjects(morgan, sort="due")[0] == "1"


def test_unknown_values_of_an_address_filter_nothing(alice: User, morgan: User) -> None:
    make_note_case(alice, "1")
    wanted = {"show": "x", "age": "2", "claim": "robin", "sort": "user", "user": "alice"}
    assert case_queue.parse_filter(wanted) == CaseFilter()
    assert case_queue.parse_filter({"show": "decided", "sort": "newest"}) == CaseFilter("decided"), "as usual there"
    assert case_queue.parse_filter({"user": "9" * 99}).user == "9" * 12


def test_a_filter_finds_no_case_that_the_reviewer_may_not_see(alice: User, morgan: User) -> None:
    make_user("robin", User.Role.REVIEWER)
    make_note_case(morgan, "1")
    make_note_case(alice, "2", code="child_exploitation", severity=4)
    assert subjects(morgan, user=str(morgan.pk)) == []
    assert subjects(morgan, user=str(alice.pk)) == [], "sealed"
    assert case_queue.list_choices(morgan) == ([], [])
    assert subjects(alice) == []


def test_the_page_shows_due_times_and_keeps_the_filter(client: Client, alice: User, bob: User, morgan: User) -> None:
    late, other = make_note_case(alice, "1"), make_note_case(bob, "2", code="crime")
    Case.objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(hours=3, minutes=1))
    Case.objects.filter(pk=other.pk).update(due_at=timezone.now() + timedelta(days=2, minutes=1))
    client.force_login(morgan)
    page = strip_layout(client.get("/review/?show=new&sort=due").content.decode())
    assert "Overdue by 3 hours" in page.replace("\xa0", " ") and "Due in 2 days" in page.replace("\xa0", " ")
    assert page.index(str(late.pk)) < page.index(str(other.pk))
    page = client.get(f"/review/?show=new&user={bob.pk}").content.decode()
    assert str(late.pk) not in page and f"/review/{other.pk}/?show=new&amp;user={bob.pk}" in page
    assert 'New<span class="count">1</span>' in strip_layout(page), "counts are of what the filter shows"
    assert "Bob" not in page and "bob@" not in page
    sent = client.post(f"/review/{other.pk}/claim/", {"filter": f"show=new&user={bob.pk}"})
    assert sent["Location"] == f"/review/{other.pk}/?show=new&user={bob.pk}"


def test_next_case_after_a_decision_is_one_of_the_filtered_list(
    client: Client, alice: User, bob: User, morgan: User
) -> None:
    first, severe = make_note_case(alice, "1"), make_note_case(bob, "2", severity=4, code="weapons")
    second = make_note_case(alice, "3", code="crime", severity=1)
    claimed = cases.claim_case(morgan, first.pk)
    client.force_login(morgan)
    data = {"token": claimed.lease_token, "version": claimed.version, "outcome": "allow", "reason": "clear"}
    response = client.post(f"/review/{first.pk}/decide/", data | {"filter": f"show=new&user={alice.pk}"})
    assert response["Location"].startswith(f"/review/{second.pk}/")
    assert Case.objects.get(pk=severe.pk).holder is None


def test_a_case_of_another_reviewer_is_offered_to_nobody_else(client: Client, alice: User, morgan: User) -> None:
    robin = make_user("robin", User.Role.REVIEWER)
    own = cases.claim_case(morgan, make_note_case(alice, "1").pk)
    other = cases.claim_case(robin, make_note_case(alice, "2", code="crime").pk)
    client.force_login(morgan)
    page = client.get("/review/?show=waiting").content.decode()
    assert f"/review/{own.pk}/claim/" in page and f"/review/{other.pk}/claim/" not in page
    assert str(other.pk) in page and "robin" not in page.lower()


def test_a_list_has_pages(client: Client, alice: User, morgan: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.safety.views import case_pages as views

    monkeypatch.setattr(views, "PAGE", 2)
    for number in range(1, 6):
        make_note_case(alice, str(number), code=["hate", "crime", "drugs", "weapons", "violence"][number - 1])
    client.force_login(morgan)
    page = client.get("/review/?show=new&page=2").content.decode()
    assert "3 to 4 of 5" in page and page.count("data-case") == 2
    assert "?show=new&amp;page=3" in page and "?show=new&amp;page=1" in page
    assert client.get("/review/?page=x").status_code == 200

"""Navigation of the administration: who sees which entries, which page is marked, and what waits."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from apps.administration.navigation import build_navigation
from apps.safety.models import Case
from apps.safety.models.case_states import CaseMove
from apps.safety.moderation import cases
from apps.safety.policy import versions
from apps.users import special_permissions
from apps.users.models import User
from tests.factories import flag_text, make_user

REVIEW = ["To do", "Queue", "Statistics", "Feedback"]


def labels(user: User, path: str = "/review/") -> list[str]:
    return [str(entry.label) for section in build_navigation(user, path).sections for entry in section.entries]


def test_an_administrator_is_offered_every_page(ada: User) -> None:
    found = labels(ada)
    assert found[:7] == ["To do", "Queue", "Statistics", "Policy", "Blocklists", "Audit log", "Emergency access"]
    assert {
        "Users",
        "Groups",
        "Limits",
        "Feedback",
        "Models",
        "Tools",
        "Settings",
        "Server settings",
        "System check",
    } < {*found}


def test_a_reviewer_is_offered_the_part_of_review(morgan: User, ada: User) -> None:
    assert labels(morgan) == REVIEW
    special_permissions.BREAK_GLASS.assign(morgan, True, ada)
    morgan.refresh_from_db()
    assert labels(morgan) == ["To do", "Queue", "Statistics", "Emergency access", "Feedback"]


@pytest.mark.parametrize("name", ["ada", "morgan"])
def test_navigation_entries_that_are_offered_all_open(
    request: pytest.FixtureRequest, client: Client, name: str
) -> None:
    user = request.getfixturevalue(name)
    client.force_login(user)
    for section in build_navigation(user, "/").sections:
        for entry in section.entries:
            assert client.get(entry.url).status_code in (200, 302), entry.url


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/administration/", "To do"),
        ("/review/", "Queue"),
        ("/review/0197b1d8-0000-7000-8000-000000000000/", "Queue"),
        ("/review/policy/3/changes/", "Policy"),
        ("/review/break-glass/", "Emergency access"),
        ("/people/", "Users"),
        ("/people/7/suspend/", "Users"),
        ("/people/groups/7/", "Groups"),
        ("/people/limits/", "Limits"),
        ("/people/usage/", "Usage"),
        ("/doctor/", "System check"),
    ],
)
def test_the_open_page_is_marked(ada: User, path: str, label: str) -> None:
    current = build_navigation(ada, path).current
    assert current is not None and current.label == label


def test_navigation_entries_are_not_marked_outside_the_administration(ada: User) -> None:
    assert all(
        build_navigation(ada, path).current is None
        for path in ("/", "/collections/", "/privacy/", "/administration/mail/")
    )


def test_drafts_of_the_policy_wait_for_those_who_may_approve_them(ada: User, morgan: User) -> None:
    def waiting(user: User) -> list[int]:
        navigation = build_navigation(user, "/")
        return [
            navigation.waiting,
            *(entry.count for entry in navigation.sections[1].entries if entry.label == "Policy"),
        ]

    assert waiting(ada) == [0, 0]
    versions.create_draft(ada, versions.get_live_version().body)
    assert waiting(ada) == [1, 1], "nobody else could approve it"
    otto = make_user("otto", User.Role.ADMINISTRATOR)
    assert (waiting(ada), waiting(otto), waiting(morgan)) == ([0, 0], [1, 1], [0])


def test_the_number_of_waiting_cases_does_not_change_by_claims(alice: User, ada: User, morgan: User) -> None:
    def waiting() -> list[int]:
        return [build_navigation(user, "/").waiting for user in (ada, morgan)]

    first, second = (flag_text(alice, "question", uuid4()) for _ in range(2))
    assert waiting() == [2, 2]
    claimed = cases.claim_case(morgan, first.pk)
    assert waiting() == [1, 2], "what another reviewer holds does not wait for the administrator"
    Case.objects.filter(pk=first.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert waiting() == [2, 2], "an expired claim waits again, before the queue is opened"
    claimed = cases.claim_case(morgan, second.pk)
    cases.release_case(morgan, second.pk, claimed.lease_token, CaseMove.ESCALATE, "Look at this")
    assert waiting() == [2, 1], "an escalated case waits for administrators"


def test_the_sidebar_has_one_entry_for_staff_and_none_for_members(
    client: Client, ada: User, morgan: User, alice: User
) -> None:
    for user, times in ((ada, 1), (morgan, 1), (alice, 0)):
        client.force_login(user)
        page = client.get("/collections/").content.decode()
        assert len(re.findall(r">\s*Administration", page.split('id="sidebar"')[1].split("</nav>")[0])) == times


def test_a_page_of_the_administration_marks_its_entry(client: Client, ada: User) -> None:
    client.force_login(ada)
    page = client.get("/people/groups/").content.decode()
    navigation = page.split('class="sections"')[1].split("</nav>")[0]
    assert re.findall(r'aria-current="page"\s*>\s*([\w ]+?)\s*<', navigation) == ["Groups"]
    assert 'class="sections"' not in client.get("/collections/").content.decode()

"""First page of the administration: what waits for whom, problems of the site, and one sentence if there is nothing."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.administration import to_do
from apps.documents.models import Document
from apps.operations.doctor.system_checks import CheckResult, NamedCheck, bad, good, warn
from apps.safety.models import Case
from apps.safety.policy import versions
from apps.users.models import JoinRequest, User
from tests.factories import flag_text, make_collection, make_document

NOTHING = "Nothing waits for you."


def titles(user: User) -> list[str]:
    return [str(item.title) for item in to_do.list_waiting(user)]


def make_check(name: str, result: CheckResult) -> NamedCheck:
    async def run() -> CheckResult:
        return result

    return NamedCheck(name, name.title(), run)


def test_the_page_says_in_one_sentence_that_nothing_waits(client: Client, morgan: User) -> None:
    client.force_login(morgan)
    page = client.get("/administration/").content.decode()
    assert NOTHING in page and 'hx-get="/administration/checks/' not in page
    assert 'class="rows"' not in page.split('id="to-do"')[1]


def test_waiting_cases_come_with_their_longest_wait_and_how_many_are_overdue(alice: User, morgan: User) -> None:
    first, _second = (flag_text(alice, "question", uuid4()) for _ in range(2))
    long_ago = timezone.now() - timedelta(days=3, hours=2)
    Case.objects.filter(pk=first.pk).update(created=long_ago, due_at=long_ago)
    (item,) = to_do.list_waiting(morgan)
    assert (item.title, item.detail) == ("2 cases wait for review", "Longest wait: 3 days. 1 is overdue.")


def test_administrators_are_told_of_drafts_askers_and_failed_files_and_reviewers_are_not(
    alice: User, ada: User, morgan: User
) -> None:
    versions.create_draft(ada, versions.get_live_version().body)
    JoinRequest.objects.create(email="new@example.org")
    document = make_document(make_collection(alice), "Rota", ["Monday"])
    Document.objects.filter(pk=document.pk).update(status=Document.Status.FAILED, reason="It is empty.")
    assert titles(ada) == [
        "1 draft of the policy waits for approval", "1 request for an account", "1 file failed in the last 7 days",
    ]  # fmt: skip
    assert "It is empty." in to_do.list_waiting(ada)[2].detail
    assert titles(morgan) == []
    Document.objects.filter(pk=document.pk).update(changed=timezone.now() - timedelta(days=8))
    assert len(titles(ada)) == 2, "files that failed long ago are left to their owners"


def test_every_title_on_the_page_is_a_link_that_opens(as_ada: Client, ada: User, alice: User) -> None:
    flag_text(alice, "question", uuid4())
    versions.create_draft(ada, versions.get_live_version().body)
    JoinRequest.objects.create(email="new@example.org")
    page = as_ada.get("/administration/").content.decode()
    links = re.findall(r'class="title"\s+href="([^"]+)"', page)
    assert len(links) == 3
    assert [as_ada.get(link).status_code for link in links] == [200, 200, 200]


def test_list_of_what_waits_takes_few_queries(ada: User) -> None:
    with CaptureQueriesContext(connection) as queries:
        to_do.list_waiting(ada)
    assert len(queries) <= 6


def test_problems_are_failures_and_for_disk_and_backup_also_warnings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checks = [
        make_check("model", bad("No answer.", "Start it.")),
        make_check("model-2", warn("Slow.", "Wait.")),
        make_check("disk", warn("3 GiB are free.", "Free some space.")),
        make_check("backup", good("Fine.")),
        make_check("mail", bad("Not sent.", "Set one up.")),
    ]
    monkeypatch.setattr(to_do, "list_checks", lambda: checks)
    found = asyncio.run(to_do.find_problems())
    assert [(item.title, item.detail, item.url) for item in found] == [
        ("Model", "No answer. Start it.", "/doctor/#check-model"),
        ("Disk", "3 GiB are free. Free some space.", "/doctor/#check-disk"),
    ]


def test_a_check_that_does_not_end_is_a_problem_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait() -> Any:
        await asyncio.sleep(60)

    monkeypatch.setattr(to_do, "_CHECK_S", 0.01)
    monkeypatch.setattr(to_do, "list_checks", lambda: [NamedCheck("worker", "Worker", wait)])
    (found,) = asyncio.run(to_do.find_problems())
    assert found.title == "Worker" and "did not end" in found.detail


@pytest.mark.django_db(transaction=True)
def test_the_checks_of_the_page_return_what_waits_and_what_is_wrong(
    as_ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(to_do, "list_checks", lambda: [make_check("disk", good("Fine."))])
    assert NOTHING in as_ada.get("/administration/checks/").content.decode()
    JoinRequest.objects.create(email="new@example.org")
    monkeypatch.setattr(to_do, "list_checks", lambda: [make_check("disk", bad("Full.", "Free some space."))])
    page = as_ada.get("/administration/checks/").content.decode()
    assert page.index("1 request for an account") < page.index("Full. Free some space.")
    assert NOTHING not in page and "hx-get" not in page


def test_the_checks_of_the_page_are_for_administrators(client: Client, morgan: User, alice: User) -> None:
    for user, expected in ((morgan, (200, 404)), (alice, (404, 404))):
        client.force_login(user)
        found = tuple(client.get(f"/administration/{part}").status_code for part in ("", "checks/"))
        assert found == expected, user

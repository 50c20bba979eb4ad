"""The page that says what a version of the policy would change, for staff."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.engines import registry
from apps.lib.concurrency.threads import in_db
from apps.lib.proportions import Proportion
from apps.safety.analytics import policy_changes
from apps.safety.gate import gate
from apps.safety.models import PolicyVersion
from apps.safety.policy import versions
from apps.safety.policy_admin import backtest
from apps.users.models import User
from tests.factories import make_client, make_note_case, register_notes
from tests.safety.policy_drafts import MAYBE, PLAIN, SURE, make_policy_body, make_shadow_version, write_queued_verdicts
from tests.support.pages import strip_layout

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("verdicts_recorded")]


async def shadow(ada: User) -> PolicyVersion:
    row = await in_db(lambda: make_shadow_version(ada, make_policy_body(withhold=0.5), "Hate is not for discussion"))
    for text in (PLAIN, PLAIN, MAYBE, SURE):
        await gate.check_question(text)
    await write_queued_verdicts()
    return row


def seen(user: User, row: PolicyVersion, path: str = "changes/") -> str:
    answer = make_client(user).get(f"/review/policy/{row.pk}/{path}")
    return answer.content.decode() if answer.status_code == 200 else str(answer.status_code)


async def test_changes_are_counted_by_clause_and_stage_with_their_intervals(ada: User, morgan: User) -> None:
    row = await shadow(ada)
    table = await in_db(policy_changes.count_shadow_changes, row)
    assert [(one.clause, one.stage, one.before, one.after, one.share) for one in table.rows] == [
        ("hate", "question", "note", "withhold", Proportion(1, 4)),
        ("hate", "question", "withhold_and_review", "withhold", Proportion(1, 4)),
    ]
    assert table.changed == Proportion(2, 4)
    page = strip_layout(await in_db(seen, morgan, row))
    assert "<strong>2 of 4</strong>verdicts would be different: 50% (15% to 85%)" in page
    assert "Withheld and sent to review → Withheld" in page and "25%" in page
    assert "Allowed and counted → Withheld · 0.60" in page
    assert "Not tested yet." in page and "safety:policy" not in page
    await in_db(backtest.run_backtest, ada, row)
    page = strip_layout(await in_db(seen, morgan, row))
    assert "4 verdicts, 4 of them stored without their text" in page and "Not tested yet." not in page


def test_a_backtest_of_a_former_release_says_the_kind_of_each_change(ada: User) -> None:
    row = versions.create_draft(ada, make_policy_body(withhold=0.5))
    row.backtest = {"stages": {"question": 4}, "counts": [["question", "hate", "held", 1]], "judged": 4, "recorded": 4,
                    "changed": 1, "lists": [], "listed": []}  # fmt: skip
    row.save()
    assert "Allowed now, would be withheld" in seen(ada, row)


async def test_a_changed_verdict_leads_to_its_case_for_those_who_may_open_it(
    ada: User, morgan: User, alice: User
) -> None:
    register_notes().state["1"] = "x"
    row = await shadow(ada)
    assert all(one.case_id is None for one in await in_db(policy_changes.list_shadow_changes, morgan, row))
    found = await in_db(lambda: make_note_case(alice, text=SURE))
    ones = await in_db(policy_changes.list_shadow_changes, morgan, row)
    assert [one.case_id for one in ones] == [found.pk, None]
    assert f"/review/{found.pk}/" in await in_db(seen, morgan, row)
    await in_db(User.objects.filter(pk=alice.pk).update, role=User.Role.REVIEWER)
    her = await in_db(User.objects.get, pk=alice.pk)
    # It is about herself.
    assert all(one.case_id is None for one in await in_db(policy_changes.list_shadow_changes, her, row))


async def test_the_page_says_where_there_is_nothing_yet(ada: User, alice: User, client: Client) -> None:
    row = await in_db(lambda: versions.create_draft(ada, make_policy_body(withhold=0.5)))
    assert "This version was not in shadow mode" in await in_db(seen, ada, row)
    await in_db(versions.start_shadow, ada, row)
    assert "No verdicts since shadow mode" in await in_db(seen, ada, row)
    await gate.check_question(PLAIN)
    await write_queued_verdicts()
    assert "1 verdict, no change." in await in_db(seen, ada, row)
    assert await in_db(seen, alice, row) == "404"


async def test_thresholds_of_another_detector_are_named(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    row = await shadow(ada)
    monkeypatch.setattr(type(registry.get_text_classifier()), "fingerprint", "text-of-another-training")
    await gate.check_question(PLAIN)
    await write_queued_verdicts()
    words = "“Text classifiers” has had a new version since"
    assert words in await in_db(seen, ada, row)
    client = Client()
    await in_db(client.force_login, ada)
    page = (await in_db(client.get, "/review/policy/")).content.decode()
    assert page.count(words) == 2  # the live version and the one in the shadow
    assert f"/review/policy/{row.pk}/changes/" in page and "Stop shadow mode" in page


async def test_an_administrator_lets_it_run_and_ends_it_on_the_page(ada: User) -> None:
    row = await in_db(lambda: versions.create_draft(ada, make_policy_body(withhold=0.5)))
    client = Client()
    await in_db(client.force_login, ada)
    for verb, status in (("shadow", "shadow"), ("unshadow", "draft"), ("unshadow", "draft")):
        await in_db(client.post, f"/review/policy/{row.pk}/", {"do": verb})
        await in_db(row.refresh_from_db)
        assert row.status == status
    page = (await in_db(client.get, "/review/policy/")).content.decode()
    assert "This version is not in shadow mode." in page


async def test_a_page_asks_as_often_for_many_changes_as_for_few(ada: User, morgan: User) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert "verdicts would be different" in seen(morgan, row)
        return len(queries)

    row = await shadow(ada)
    few = await in_db(asked)
    for number in range(20):
        await gate.check_question(f"{MAYBE} {number}")
    await write_queued_verdicts()
    assert await in_db(asked) == few

"""A replay goes over everything that was judged, allowed or not; without one of exactly this draft none goes live."""

from __future__ import annotations

import copy
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.lib.concurrency.threads import in_db
from apps.privacy.tombstones import replace_with_tombstone
from apps.safety.errors import ActionRefused
from apps.safety.gate import gate
from apps.safety.models import AuditEntry, PolicyVersion, RecordedVerdict
from apps.safety.moderation import account_suspensions, cases
from apps.safety.moderation.cases import FlaggedContent
from apps.safety.policy import blocklist_matcher, versions
from apps.safety.policy.evaluation import evaluate_policy
from apps.safety.policy.schema import Stage
from apps.safety.policy_admin import backtest, blocklist_drafts
from apps.safety.verdict_log import recorder
from apps.users.models import User
from tests.factories import NOTE_KIND, make_note_case, register_notes
from tests.safety.policy_drafts import MAYBE, PLAIN, SURE, check_questions, make_policy_body

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("verdicts_recorded")]


async def test_backtest_replays_allowed_verdicts_without_their_words(ada: User) -> None:
    await check_questions(PLAIN, MAYBE, SURE)
    row = await in_db(lambda: versions.create_draft(ada, make_policy_body(withhold=0.5)))
    found = await in_db(backtest.run_backtest, ada, row)
    assert (found["judged"], found["recorded"], found["changed"]) == (3, 3, 2)
    assert found["counts"] == [
        ["question", "hate", "held", "note", "withhold", 1],
        ["question", "hate", "people", "withhold_and_review", "withhold", 1],
    ]
    first = found["listed"][0]
    assert (first["change"], first["before"], first["after"], first["score"]) == ("held", "note", "withhold", 0.6)


async def test_the_same_policy_changes_nothing_whatever_was_judged(ada: User) -> None:
    texts = (PLAIN, MAYBE, SURE, "Give me step by step instructions to build a pipe bomb", "It is [self_harm] again.")
    await check_questions(*texts)
    row = await in_db(lambda: versions.create_draft(ada, copy.deepcopy(versions.get_live_version().body)))
    found = await in_db(backtest.run_backtest, ada, row)
    assert (found["judged"], found["changed"]) == (5, 0)


async def test_a_text_that_became_a_case_counts_once_by_its_words(ada: User, alice: User) -> None:
    register_notes().state["1"] = "x"
    await in_db(lambda: make_note_case(alice, text=SURE))
    await check_questions(SURE, PLAIN)
    row = await in_db(lambda: versions.create_draft(ada, make_policy_body(note=0.5)))
    found = await in_db(backtest.run_backtest, ada, row)
    assert (found["judged"], found["recorded"]) == (2, 1)
    assert found["counts"] == [["question", "hate", "freed", "withhold_and_review", "note", 1]]


async def test_verdicts_of_an_earlier_version_are_judged_by_the_live_one(ada: User, grace: User) -> None:
    await check_questions(MAYBE)
    strict = await in_db(lambda: versions.create_draft(ada, make_policy_body(withhold=0.5)))
    await in_db(backtest.run_backtest, ada, strict)
    await in_db(versions.approve_version, grace, strict)
    again = await in_db(lambda: versions.create_draft(ada, copy.deepcopy(versions.get_live_version().body), "As it is"))
    assert (await in_db(backtest.run_backtest, ada, again))["changed"] == 0
    assert not (await gate.check_question(MAYBE)).allowed


async def test_a_new_list_cannot_be_tried_without_words_and_that_is_said(ada: User) -> None:
    row = {
        "key": "list-falcon", "name": "Falcon", "owner": ada.pk, "code": "crime", "kind": "words", "note": "",
        "entries": ["blue falcon"], "action": "withhold", "stages": ["question"], "expires": None,
    }  # fmt: skip
    await check_questions("Who owns the blue falcon?")
    draft = await in_db(blocklist_drafts.save_blocklist, ada, row)
    found = await in_db(backtest.run_backtest, ada, draft)
    assert (found["changed"], found["lists"]) == (0, ["Falcon"])


def test_backtest_does_not_count_a_list_match_in_a_deleted_text_as_freed(ada: User, grace: User, alice: User) -> None:
    row = {
        "key": "list-falcon", "name": "Falcon", "owner": ada.pk, "code": "hate", "kind": "words", "note": "",
        "entries": ["blue falcon"], "action": "withhold_and_review", "stages": ["question"], "expires": None,
    }  # fmt: skip
    live = blocklist_drafts.save_blocklist(ada, row)
    backtest.run_backtest(ada, live)
    versions.approve_version(grace, live)
    text, own = "Who owns the blue falcon?", versions.parse_policy(live.body)
    signals = tuple(blocklist_matcher.match_blocklists(own, Stage.QUESTION, text))
    register_notes()
    found = cases.flag_content(
        FlaggedContent(
            NOTE_KIND, "1", "question", text, alice.pk, evaluate_policy(Stage.QUESTION, signals, own), signals
        )
    )
    again = versions.create_draft(ada, copy.deepcopy(live.body), "As it is")
    assert backtest.run_backtest(ada, again)["changed"] == 0
    replace_with_tombstone(found.snapshot)
    assert backtest.run_backtest(ada, again)["changed"] == 0


def test_a_suspended_account_is_no_verdict_and_stops_no_test(ada: User, grace: User, alice: User) -> None:
    account_suspensions.suspend_account(ada, alice, "Sold accounts to strangers.", 7)
    draft = versions.create_draft(ada, copy.deepcopy(versions.get_live_version().body), "As it is")
    assert backtest.run_backtest(ada, draft)["judged"] == 0
    versions.approve_version(grace, draft)


async def test_older_history_is_left_out_where_that_is_asked(ada: User) -> None:
    await check_questions(MAYBE, PLAIN)
    first = await in_db(RecordedVerdict.objects.order_by("pk").first)
    assert first is not None
    await in_db(RecordedVerdict.objects.filter(pk=first.pk).update, hour=timezone.now() - timedelta(days=3))
    row = await in_db(lambda: versions.create_draft(ada, make_policy_body(withhold=0.5)))
    assert (await in_db(backtest.run_backtest, ada, row, timezone.now() - timedelta(days=1)))["judged"] == 1
    assert (await in_db(backtest.run_backtest, ada, row))["judged"] == 2


def test_policy_goes_live_only_after_a_backtest_against_the_live_one(ada: User, grace: User) -> None:
    first, other = (
        versions.create_draft(ada, make_policy_body(withhold=0.5)),
        versions.create_draft(ada, make_policy_body(withhold=0.6)),
    )
    with pytest.raises(ActionRefused, match="Test this draft on past verdicts"):
        versions.approve_version(grace, first)
    for row in (first, other):
        backtest.run_backtest(ada, row)
    PolicyVersion.objects.filter(pk=first.pk).update(body=make_policy_body(withhold=0.7))  # as no code of ours does
    with pytest.raises(ActionRefused, match="Test this draft on past verdicts"):
        versions.approve_version(grace, first)
    versions.approve_version(grace, other)
    last = versions.create_draft(ada, make_policy_body(withhold=0.8))
    backtest.run_backtest(ada, last)
    newer = versions.create_draft(ada, make_policy_body(withhold=0.9))
    backtest.run_backtest(ada, newer)
    versions.approve_version(grace, newer)
    with pytest.raises(ActionRefused, match="Another version has gone live"):
        versions.approve_version(grace, last)
    backtest.run_backtest(ada, last)
    versions.approve_version(grace, last)
    assert versions.get_live_version().pk == last.pk


def command(**options: Any) -> str:
    out = StringIO()
    call_command("safety_replay", stdout=out, **options)
    return out.getvalue()


async def test_the_command_prints_each_changed_verdict_and_its_replay_counts(ada: User, grace: User) -> None:
    await check_questions(PLAIN, MAYBE, SURE)
    row = await in_db(lambda: versions.create_draft(ada, make_policy_body(withhold=0.5)))
    said = await in_db(lambda: command(policy="draft", since="30d"))
    assert "question hate held: note -> withhold (0.60)" in said
    assert "held (note -> withhold): hate at question: 1 of 3 (6.15% to 79.23%)" in said
    assert "Policy 2: 2 of 3 verdicts" in said and "3 of them were recorded without text" in said
    assert not any(word in said for word in ("Some", "lamp"))
    await in_db(versions.approve_version, grace, row)
    assert not (await gate.check_question(MAYBE)).allowed
    entry = await in_db(AuditEntry.objects.filter(kind="policy.replayed").get)
    assert (entry.actor, entry.payload["judged"]) == (None, 3)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"policy": "99"}, "no policy “99”. Drafts: 2"),
        ({"policy": "²"}, "no policy"),
        ({"policy": "draft", "since": "yesterday"}, "is not a period"),
        ({"policy": "draft", "since": "30"}, "is not a period"),
    ],
)
def test_the_command_says_what_is_wrong(ada: User, given: dict[str, str], words: str) -> None:
    versions.create_draft(ada, make_policy_body(withhold=0.5))
    with pytest.raises(CommandError, match=words):
        command(**given)


def test_a_version_that_cannot_be_read_is_told(ada: User) -> None:
    row = versions.create_draft(ada, make_policy_body(withhold=0.5))
    PolicyVersion.objects.filter(pk=row.pk).update(body={"clauses": []})
    with pytest.raises(CommandError, match="cannot be read"):
        command(policy=str(row.number))


def test_history_is_read_whole_beyond_a_page(monkeypatch: pytest.MonkeyPatch, ada: User) -> None:
    given = {"stage": "question", "surface": "chat", "signals": [], "policy": 1, "hour": timezone.now()}
    RecordedVerdict.objects.bulk_create(
        RecordedVerdict(content_hmac=recorder.keyed_hash(str(number)), **given) for number in range(30)
    )
    row = versions.create_draft(ada, make_policy_body(withhold=0.5))
    assert backtest.run_backtest(ada, row, max_records=20)["judged"] == 20
    monkeypatch.setattr(recorder, "MAX_RECORDS", 40)
    assert "of 30 verdicts" in command(policy=str(row.number))

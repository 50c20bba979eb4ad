"""Frozen texts of cases are deleted after their retention time, never under a legal hold."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from apps.documents.ingestion import worker
from apps.privacy import case_retention, retention, tasks
from apps.safety.audit_log import audit
from apps.safety.models import AuditEntry, Case, Decision, Notice
from apps.safety.moderation import appeals, cases, second_reviews
from apps.safety.moderation.decision_input import DecisionInput
from apps.users.models import User
from tests.factories import make_note_case, make_user, register_notes

pytestmark = pytest.mark.django_db
TEXT = "some [hate] text"


@pytest.fixture
def morgan(settings: LazySettings, db: None) -> User:
    settings.CASE_TEXT_DAYS = 90
    make_user("ada", User.Role.ADMINISTRATOR)
    register_notes().state["1"] = "as it was"
    return make_user("morgan", User.Role.REVIEWER)


def decided(by: User, found: Case, days_ago: int) -> Decision:
    claimed = cases.claim_case(by, found.pk)
    made = cases.decide_case(by, claimed.pk, DecisionInput(claimed.lease_token, claimed.version, "block", "clear"))
    Decision.objects.filter(pk=made.pk).update(created=timezone.now() - timedelta(days=days_ago))
    return made


def text(found: Case) -> str:
    return Case.objects.get(pk=found.pk).snapshot.text


def test_case_text_is_deleted_after_its_days_and_the_time_for_appeals(alice: User, morgan: User) -> None:
    found = make_note_case(alice)
    before = found.snapshot
    made = decided(morgan, found, 90 + appeals.APPEAL_DAYS - 1)
    assert case_retention.delete_due_texts() == 0 and text(found) == TEXT
    Decision.objects.filter(pk=made.pk).update(created=timezone.now() - timedelta(days=90 + appeals.APPEAL_DAYS + 1))
    assert case_retention.delete_due_texts() == 1 and case_retention.delete_due_texts() == 0
    left = Case.objects.get(pk=found.pk).snapshot
    assert (left.text, left.context) == ("", [])
    assert (left.sha256, left.score, left.code) == (before.sha256, before.score, before.code)
    entry = AuditEntry.objects.get(kind="case.emptied")
    assert (entry.user, entry.payload) == (alice.pk, {"days": 90}) and audit.verify_chain() == []


def test_case_text_is_kept_while_open_or_appealed(alice: User, morgan: User) -> None:
    found = make_note_case(alice)
    Case.objects.update(created=timezone.now() - timedelta(days=900))
    assert case_retention.delete_due_texts() == 0
    made = decided(morgan, found, 1)
    appeals.submit_appeal(alice, Notice.objects.get(decision=made), "It was a quotation.")
    Decision.objects.update(created=timezone.now() - timedelta(days=900))
    assert case_retention.delete_due_texts() == 0 and text(found) == TEXT


def test_a_hold_of_the_person_or_the_case_stops_it(alice: User, morgan: User) -> None:
    ada = User.objects.get(name="Ada")
    found = make_note_case(alice)
    decided(morgan, found, 900)
    retention.hold_user(ada, alice, "A court asked for it")
    assert case_retention.delete_due_texts() == 0
    retention.lift_user_hold(ada, alice, "The case is over")
    Case.objects.update(legal_hold=True)
    assert case_retention.delete_due_texts() == 0 and text(found) == TEXT
    Case.objects.update(legal_hold=False)
    assert case_retention.delete_due_texts() == 1


def test_a_second_look_that_waits_keeps_it(alice: User, morgan: User) -> None:
    found = make_note_case(alice)
    decided(morgan, found, 900)
    second_reviews.request_review(morgan, Case.objects.get(pk=found.pk))
    assert case_retention.delete_due_texts() == 0 and text(found) == TEXT


def test_case_texts_are_kept_without_a_setting(alice: User, morgan: User, settings: LazySettings) -> None:
    settings.CASE_TEXT_DAYS = 0
    found = make_note_case(alice)
    decided(morgan, found, 900)
    assert case_retention.delete_due_texts() == 0 and text(found) == TEXT
    assert case_retention.delete_due_texts in worker.periodic_jobs and tasks.do.name


def test_the_privacy_page_says_that_a_server_is_sent_what_is_attached(
    client: Client, settings: LazySettings, db: None
) -> None:
    words = "server that describes pictures"
    assert words not in client.get("/privacy/").content.decode()
    caption = {"BACKEND": "apps.engines.caption.openai.OpenAICaption", "OPTIONS": {"url": "http://127.0.0.1:1/v1"}}
    settings.ENGINES = {**settings.ENGINES, "caption": caption}
    assert words in client.get("/privacy/").content.decode()


def test_the_privacy_page_says_after_how_long(client: Client, settings: LazySettings, db: None) -> None:
    assert "can no longer be appealed" not in client.get("/privacy/").content.decode()
    settings.CASE_TEXT_DAYS = 90
    assert "or 90 days after the time to appeal ends" in client.get("/privacy/").content.decode()

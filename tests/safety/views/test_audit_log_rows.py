"""Rows of the audit log in words of the page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from apps.conversations.models import ShownSentences
from apps.safety.audit_log import audit
from apps.safety.models import AuditEntry
from apps.safety.moderation import account_suspensions, cases
from apps.safety.policy import versions
from apps.safety.policy_admin import backtest
from apps.safety.views import audit_log_rows
from apps.users import accounts
from apps.users.models import Invitation, User
from tests.factories import Notes, make_decision_input, make_note_case
from tests.safety.policy_drafts import make_policy_body


def last_row(kind: str) -> audit_log_rows.AuditLogRow:
    (row,) = audit_log_rows.make_rows([AuditEntry.objects.filter(kind=kind).latest("seq")])
    return row


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("after", "shown"),
    [
        ("1000000 / 5000", "1,000,000 at once, 5,000 per hour"),
        ("2026-11-30", "2026-11-30"),
        ("qwen-2507", "qwen-2507"),
        (30, "30"),
        ("reviewer", "Reviewer"),
    ],
)
def test_values_after_a_change_are_shown_in_words(after: object, shown: str) -> None:
    entry = AuditEntry(
        seq=1, created=timezone.now(), kind="limit.changed", subject="limit tokens", payload={"after": after}
    )
    (row,) = audit_log_rows.make_rows([entry])
    assert row.details == [("After", shown)]


def test_settings_limits_groups_and_invitations_are_named_as_on_their_pages(ada: User) -> None:
    group = Group.objects.create(name="Caretakers")
    invitation = Invitation.objects.create(email="new@example.org", invited_by=ada, expires=timezone.now())
    for subject, facts, shown in (
        ("settings Openbook", {"name": "shown_sentences", "before": "automatic", "after": "all"},
         ("Settings Openbook", [("Name", "Sentences shown"), ("Before", str(ShownSentences.AUTOMATIC.label)),
                                ("After", "All sentences")])),
        ("settings", {"name": "signup", "before": "open", "after": "closed"},
         ("Settings", [("Name", "Who can sign up"), ("Before", "Open: anyone can sign up"), ("After", "Closed")])),
        (f"limit group {group.pk} pictures", {"before": "", "after": "5 / 3"},
         ("Pictures, group Caretakers", [("After", "5 at once, 3 per hour")])),
        ("limit address sign_ins", {"after": ""}, ("Failed sign-ins, each network address", [])),
        (f"group {group.pk}", {}, ("Group Caretakers", [])),
        ("group 999", {}, ("Group 999", [])),
        (f"invitation {invitation.pk}", {}, ("Invitation new@example.org", [])),
    ):  # fmt: skip
        kind = {"s": "settings.changed", "l": "limit.changed", "g": "group.renamed", "i": "person.invited"}[subject[0]]
        audit.record_event(kind, actor=ada, subject=subject, **facts)
        row = last_row(kind)
        assert (row.subject, row.details) == shown


def test_users_are_named_and_erased_ones_keep_their_number(ada: User, alice: User) -> None:
    audit.record_event("person.role", actor=ada, user=alice.pk, subject=f"person {alice.pk}")
    row = last_row("person.role")
    assert (row.actor, row.user, row.subject) == ("Ada", "Alice", "")
    audit.record_event("hold.lifted", actor=ada, user=999, subject="person 999")
    assert last_row("hold.lifted").user == "User 0999"


def test_the_account_that_is_closed_for_erasure_is_not_called_suspended(ada: User, bob: User, alice: User) -> None:
    accounts.suspend_user(alice, by=alice)
    assert last_row("person.suspended").event == "Account closed for erasure"
    accounts.suspend_user(bob)
    assert last_row("person.suspended").event == "User suspended"


def test_a_suspension_shows_the_reason_that_was_written(notes: Notes, ada: User, alice: User) -> None:
    account_suspensions.suspend_account(ada, alice, "Sold her account to others.", 7)
    assert ("Reason", "Sold her account to others.") in last_row("case.decided").details


@pytest.mark.parametrize("kind", ["break_glass.reviewed", "glass.judged"])
def test_entries_of_former_releases_are_named_and_found_like_those_of_today(ada: User, kind: str) -> None:
    audit.record_event(kind, actor=ada, subject="glass 1")
    assert last_row(kind).event == "Emergency reviewed"
    assert AuditEntry.objects.filter(audit_log_rows.FILTERS["glass"][1]).get().kind == kind


def test_a_break_glass_reading_shows_its_reason_once(ada: User) -> None:
    audit.record_event("read", actor=ada, why="break_glass", ground="incident", reason="A strange sign-in", texts=3)
    assert last_row("read").details == [
        ("Reason", "A strange sign-in"),
        ("Texts", "3"),
        ("Ground", "A security incident"),
    ]


def test_a_decision_names_the_policies_of_the_check_and_of_the_decision(
    notes: Notes, ada: User, grace: User, alice: User, morgan: User
) -> None:
    flagged = [make_note_case(alice, number) for number in ("1", "2")]
    for case in flagged:
        claimed = cases.claim_case(morgan, case.pk)
        cases.decide_case(morgan, claimed.pk, make_decision_input(claimed))
        if case == flagged[0]:
            assert last_row("case.decided").details[-1] == ("Policy", "Policy 1")
            draft = versions.create_draft(ada, make_policy_body(withhold=0.5))
            backtest.run_backtest(grace, draft)
            versions.approve_version(grace, draft)
    assert last_row("case.decided").details[-2:] == [("Flagged under", "Policy 1"), ("Decided under", "Policy 2")]

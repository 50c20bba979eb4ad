"""Who may do what in review: each verb asks itself, and nobody decides their own while somebody else could."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from apps.conversations.models import Conversation
from apps.privacy import case_legal_holds, retention
from apps.privacy.models import RetentionRule
from apps.safety.analytics import bias_audit
from apps.safety.audit_log import audit, export
from apps.safety.break_glass import access_requests
from apps.safety.errors import ActionRefused
from apps.safety.models import (
    AppliedEffect,
    AuditEntry,
    BreakGlass,
    BulkDecision,
    Case,
    Decision,
    Notice,
    PolicyVersion,
)
from apps.safety.models.case_states import CaseMove, CaseState
from apps.safety.moderation import account_suspensions, appeals, bulk_decisions, cases, second_reviews
from apps.safety.moderation.decision_input import DecisionInput
from apps.safety.policy import versions
from apps.safety.policy.schema import PolicyError
from apps.safety.policy_admin import backtest, blocklist_drafts
from apps.users import accounts
from apps.users.models import User
from apps.users.special_permissions import BREAK_GLASS
from tests.factories import Notes, decide_case, make_decision_input, make_note_case, make_user
from tests.safety.policy_drafts import make_policy_body

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("verdicts_recorded")]


@dataclass
class Site:
    """What is there for a verb to be tried on."""

    owner: User
    draft: PolicyVersion
    case: Case
    decided: Decision
    notice: Notice
    glass: BreakGlass
    batch: BulkDecision


@pytest.fixture
def site(notes: Notes, ada: User, alice: User, morgan: User) -> Site:
    robin = make_user("robin", User.Role.REVIEWER)
    made = decide_case(morgan, make_note_case(alice, "1"))
    for one in (morgan, robin):
        BREAK_GLASS.assign(one, True)
        one.refresh_from_db()
    conversation = Conversation.objects.create(owner=alice)
    glass = access_requests.request_access(
        morgan, alice, conversation.pk, BreakGlass.Ground.LIFE, "Somebody may be in danger here."
    )
    return Site(
        alice,
        versions.create_draft(ada, make_policy_body(withhold=0.5)),
        make_note_case(alice, "2"),
        made,
        Notice.objects.get(decision=made),
        glass,
        BulkDecision.objects.create(reviewer=morgan),
    )


RULING = DecisionInput("0" * 32, 1, "block", "clear")
VERBS: dict[str, Callable[[Site, User], Any]] = {
    "policies.draft": lambda site, user: versions.create_draft(user, site.draft.body),
    "policies.shadow": lambda site, user: versions.start_shadow(user, site.draft),
    "policies.unshadow": lambda site, user: versions.stop_shadow(user, site.draft),
    "policies.approve": lambda site, user: versions.approve_version(user, site.draft),
    "policies.discard": lambda site, user: versions.discard_draft(user, site.draft),
    "replaying.replay": lambda site, user: backtest.run_backtest(user, site.draft),
    "lists.keep": lambda site, user: blocklist_drafts.save_blocklist(user, {"key": "list-1"}),
    "lists.remove": lambda site, user: blocklist_drafts.remove_blocklist(user, "list-1"),
    "appeals.appeal": lambda site, user: appeals.submit_appeal(user, site.notice, "No."),
    "appeals.rule": lambda site, user: appeals.decide_appeal(user, site.case.pk, RULING),
    "review.claim": lambda site, user: cases.claim_case(user, site.case.pk),
    "review.look": lambda site, user: cases.read_case(user, site.case.pk),
    "review.leave": lambda site, user: cases.release_case(user, site.case.pk, "", CaseMove.RELEASE),
    "review.decide": lambda site, user: cases.decide_case(user, site.case.pk, RULING),
    "review.undo": lambda site, user: cases.undo_decision(user, site.decided.case_id),
    "review.reopen": lambda site, user: cases.reopen_case(user, site.decided.case_id),
    "review.second": lambda site, user: cases.request_second_review(user, site.case.pk, ""),
    "cases.renew_claim": lambda site, user: cases.renew_claim(user, site.case.pk, ""),
    "bulk.gather": lambda site, user: bulk_decisions.gather_batch(user, site.case.pk),
    "bulk.mine": lambda site, user: bulk_decisions.get_own_batch(user, site.batch.pk),
    "bulk.decide": lambda site, user: bulk_decisions.decide_batch(
        user, site.batch, [bulk_decisions.BatchItem(str(site.case.pk), "", 1)], RULING
    ),
    "bulk.undo": lambda site, user: bulk_decisions.undo_batch(user, site.batch),
    "bias.measure": lambda site, user: bias_audit.run_bias_audit(user),
    "keeping.change": lambda site, user: retention.change_rule(user, RetentionRule.Scope.SITE, 30),
    "keeping.hold": lambda site, user: retention.hold_user(user, site.owner, "A court asked for it."),
    "keeping.lift": lambda site, user: retention.lift_user_hold(user, site.owner, "It is over."),
    "case_holds.lift": lambda site, user: case_legal_holds.lift_case_hold(user, site.case.pk, "It is over."),
    "opinions.give": lambda site, user: second_reviews.submit_review(user, site.case.pk, "", harmful=False),
    "breakglass.ask": lambda site, user: access_requests.request_access(
        user, site.owner, None, BreakGlass.Ground.LIFE, "Somebody may be in danger here."
    ),
    "breakglass.approve": lambda site, user: access_requests.approve_request(user, site.glass.pk),
    "breakglass.refuse": lambda site, user: access_requests.refuse_request(user, site.glass.pk, "no"),
    "breakglass.review": lambda site, user: access_requests.review_emergency(user, site.glass.pk, True, "yes"),
    "breakglass.end": lambda site, user: access_requests.end_access(user, site.glass.pk),
    "breakglass.reading": lambda site, user: access_requests.get_open_access(user, site.glass.pk),
    "breakglass.read": lambda site, user: access_requests.record_reading(site.glass, user, 1),
    "suspensions.suspend": lambda site, user: account_suspensions.suspend_account(
        user, site.owner, "For no reason at all.", 1
    ),
    "people.suspend": lambda site, user: accounts.suspend_user(site.owner, user),
    "people.reinstate": lambda site, user: accounts.reinstate_user(site.owner, user),
    "log_export.begin_export": lambda site, user: export.begin_export(user),
}


def list_refused(site: Site, user: User, verbs: Iterable[str], *errors: type[Exception]) -> list[str]:
    """Return those of the verbs that refuse the user with one of the errors."""
    refused = []
    for verb in verbs:
        with contextlib.suppress(*errors):
            VERBS[verb](site, user)
            continue
        refused.append(verb)
    return refused


def test_review_actions_are_all_refused_to_a_plain_member(site: Site, bob: User) -> None:
    before = (AuditEntry.objects.count(), PolicyVersion.objects.count(), Case.objects.filter(holder=bob).count())
    assert list_refused(site, bob, VERBS, ActionRefused, PermissionDenied) == list(VERBS)
    assert before == (
        AuditEntry.objects.count(),
        PolicyVersion.objects.count(),
        Case.objects.filter(holder=bob).count(),
    )
    site.owner.refresh_from_db()
    assert site.owner.is_active


def test_a_reviewer_is_no_administrator(site: Site, morgan: User) -> None:
    areas = ("policies", "replaying", "lists", "suspensions", "log", "keeping", "case_holds")
    verbs = [name for name in VERBS if name.startswith(areas)]
    assert list_refused(site, morgan, verbs, ActionRefused) == verbs


@pytest.mark.parametrize(
    "verb", ["policies.draft", "policies.approve", "policies.discard", "replaying.replay", "lists"]
)
def test_policy_does_not_change_without_its_audit_entry(
    site: Site, ada: User, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {
        "key": "list-1", "name": "Codes", "owner": ada.pk, "code": "secrets", "kind": "words", "entries": ["falcon"],
        "action": "withhold", "stages": ["question"],
    }  # fmt: skip
    if verb == "policies.approve":
        backtest.run_backtest(ada, site.draft)
    before = (AuditEntry.objects.count(), list(PolicyVersion.objects.values_list("pk", "status", "backtest")))
    write_queued_verdicts = audit.record_event

    def fails(kind: str, **facts: Any) -> AuditEntry:
        if kind in ("policy.drafted", "policy.live", "policy.discarded", "policy.replayed") and verb != "lists":
            raise OperationalError
        if kind == "list.changed":
            raise OperationalError
        return write_queued_verdicts(kind, **facts)

    monkeypatch.setattr(audit, "record_event", fails)
    with pytest.raises(OperationalError):
        blocklist_drafts.save_blocklist(ada, row) if verb == "lists" else VERBS[verb](site, ada)
    assert before == (AuditEntry.objects.count(), list(PolicyVersion.objects.values_list("pk", "status", "backtest")))


def test_sole_administrator_approves_their_policy_and_it_is_shown(notes: Notes, ada: User, client: Client) -> None:
    row = versions.create_draft(ada, make_policy_body(withhold=0.5))
    backtest.run_backtest(ada, row)
    client.force_login(ada)
    assert "disabled" not in client.get("/review/policy/").content.decode().split('value="approve"')[1][:120]
    client.post(f"/review/policy/{row.pk}/", {"do": "approve"})
    row.refresh_from_db()
    assert (row.status, row.self_approved, row.approver) == ("live", True, ada)
    assert AuditEntry.objects.filter(kind="policy.live").latest("seq").payload["self_approved"] is True
    assert "self-approved" in client.get("/review/policy/").content.decode()


def test_own_policy_is_not_approved_when_there_is_a_second_administrator(
    notes: Notes, ada: User, client: Client
) -> None:
    other = make_user("otto", User.Role.ADMINISTRATOR)
    row = versions.create_draft(ada, make_policy_body(withhold=0.5))
    backtest.run_backtest(ada, row)
    client.force_login(ada)
    assert "An administrator other than the author has to approve" in client.get("/review/policy/").content.decode()
    with pytest.raises(ActionRefused, match="An administrator other than"):
        versions.approve_version(ada, row)
    accounts.suspend_user(other, ada)  # who cannot sign in cannot approve
    versions.approve_version(ada, row)
    assert PolicyVersion.objects.get(pk=row.pk).self_approved is True


def test_a_draft_can_be_approved_after_its_test_and_a_dialog(notes: Notes, ada: User, client: Client) -> None:
    row = versions.create_draft(make_user("otto", User.Role.ADMINISTRATOR), make_policy_body(withhold=0.5))
    client.force_login(ada)
    page = " ".join(client.get("/review/policy/").content.decode().split())
    assert f'disabled aria-describedby="obstacle-{row.pk}"' in page and "Test this draft on past verdicts first" in page
    backtest.run_backtest(ada, row)
    page = client.get("/review/policy/").content.decode()
    assert f'data-opens="approve-{row.pk}"' in page and "obstacle-" not in page
    assert f"Approve Policy {row.number}?" in page and "It takes the place of Policy 1 at once" in page


def test_a_draft_older_than_the_live_version_says_that_it_reverts_it(notes: Notes, ada: User, client: Client) -> None:
    old = versions.create_draft(ada, make_policy_body(withhold=0.5))
    client.force_login(ada)
    assert "Approving this version also reverts" not in client.get("/review/policy/").content.decode()
    newer = versions.create_draft(ada, make_policy_body(withhold=0.6))
    backtest.run_backtest(ada, newer)
    versions.approve_version(ada, newer)
    page = client.get("/review/policy/").content.decode()
    assert f"Based on Policy 1, but Policy {newer.number} is live." in page and old.number < newer.number


def test_sole_reviewer_decides_their_own_case_and_the_appeal_against_it(
    notes: Notes, ada: User, client: Client
) -> None:
    client.force_login(ada)
    found = make_note_case(ada, "1")
    assert "no other reviewer can decide it" in client.get("/review/").content.decode()
    claimed = cases.claim_case(ada, found.pk)
    assert "self-approved" in client.get(f"/review/{found.pk}/").content.decode()
    made = cases.decide_case(ada, claimed.pk, make_decision_input(claimed))
    assert made.self_approved and notes.state["1"].startswith("withheld")
    appeals.submit_appeal(ada, Notice.objects.get(decision=made), "It was a quotation.")
    claimed = cases.claim_case(ada, found.pk)
    ruled = appeals.decide_appeal(ada, claimed.pk, make_decision_input(claimed, "overturn", "mistake"))
    assert ruled.self_approved and notes.state["1"] == "as it was"
    said = AuditEntry.objects.filter(kind="case.decided").order_by("seq")
    assert [row.payload.get("self_approved") for row in said] == [True, True]
    told = Notice.objects.filter(case=found).latest("pk")
    assert "The reviewer who had decided" in told.text and "nother reviewer" not in told.text
    assert client.get(f"/review/{found.pk}/").content.decode().count("self-approved") >= 2


def test_own_case_is_hidden_when_there_is_a_second_reviewer(notes: Notes, ada: User, morgan: User) -> None:
    found = make_note_case(ada, "1")
    assert not cases.visible_cases(ada).exists()
    with pytest.raises(ActionRefused):
        cases.claim_case(ada, found.pk)
    claimed = cases.claim_case(morgan, found.pk)
    cases.release_case(morgan, claimed.pk, claimed.lease_token, CaseMove.ESCALATE, "not for me")
    assert cases.visible_cases(ada).get().pk == found.pk, "only administrators take escalated cases, and there is one"


def test_an_appeal_goes_to_the_other_reviewer_and_the_first_one_is_offered_no_claim(
    site: Site, morgan: User, client: Client
) -> None:
    appeals.submit_appeal(site.owner, site.notice, "It was a quotation.")
    client.force_login(morgan)
    claim = f"/review/{site.decided.case_id}/claim/"
    assert claim not in client.get("/review/?show=appeals").content.decode()
    page = client.get(f"/review/{site.decided.case_id}/").content.decode()
    assert claim not in page and "Another reviewer has to decide an appeal against your decision." in page
    client.force_login(User.objects.get(name="Robin"))
    assert claim in client.get("/review/?show=appeals").content.decode()
    User.objects.exclude(pk__in=[morgan.pk, site.owner.pk]).update(is_active=False)
    claimed = cases.claim_case(morgan, site.decided.case_id)
    assert claimed.state == CaseState.APPEAL_CLAIMED


@pytest.mark.parametrize("emergency", [False, True])
def test_sole_break_glass_approver_answers_their_own_request(
    ada: User, alice: User, client: Client, emergency: bool
) -> None:
    BREAK_GLASS.assign(ada, True)
    ada.refresh_from_db()
    conversation = Conversation.objects.create(owner=alice)
    row = access_requests.request_access(
        ada, alice, conversation.pk, BreakGlass.Ground.LIFE, "Somebody may be in danger here.", emergency=emergency
    )
    assert access_requests.pending_requests(ada).get() == row
    if emergency:
        access_requests.review_emergency(ada, row.pk, True, "It was one.")
    else:
        access_requests.approve_request(ada, row.pk)
    row.refresh_from_db()
    assert row.self_approved and access_requests.get_open_access(ada, row.pk).pk == row.pk
    assert AuditEntry.objects.filter(kind__startswith="break_glass.").latest("seq").payload["self_approved"] is True
    client.force_login(ada)
    assert "self-approved" in client.get("/review/break-glass/").content.decode()


def test_own_break_glass_request_needs_another_approver_where_there_is_one(site: Site, morgan: User) -> None:
    assert not access_requests.pending_requests(morgan).exists()
    with pytest.raises(ActionRefused):
        access_requests.approve_request(morgan, site.glass.pk)
    BREAK_GLASS.assign(User.objects.get(name="Robin"), False)
    access_requests.approve_request(morgan, site.glass.pk)
    assert BreakGlass.objects.get(pk=site.glass.pk).self_approved


def test_a_discarded_draft_is_built_on_by_nothing(notes: Notes, ada: User, client: Client) -> None:
    live, row = versions.get_live_version(), versions.create_draft(ada, make_policy_body(withhold=0.5))
    assert versions.get_draft_base(ada) == row
    client.force_login(ada)
    assert 'value="discard"' in client.get("/review/policy/").content.decode()
    client.post(f"/review/policy/{row.pk}/", {"do": "discard"})
    row.refresh_from_db()
    assert row.status == "dropped" and versions.get_draft_base(ada) == live
    for step in (versions.start_shadow, versions.approve_version):
        with pytest.raises((ActionRefused, PolicyError)):
            step(ada, row)
    assert AuditEntry.objects.filter(kind="policy.discarded", actor=ada.pk).exists()


def suspended_by(client: Client, who: User, **sent: str) -> Any:
    return client.post(f"/people/{who.pk}/suspend/", sent)


def test_an_administrator_suspends_with_reason_and_duration_and_the_person_can_appeal(
    notes: Notes, ada: User, morgan: User, alice: User, client: Client
) -> None:
    client.force_login(ada)
    for sent in ({}, {"reason": "Sold her account to others."}, {"days": "7"}, {"reason": "x", "days": "7"}):
        assert suspended_by(client, alice, **sent).status_code == 422
    assert User.objects.get(pk=alice.pk).is_active
    suspended_by(client, alice, reason="Sold her account to others.", days="7")
    notice = Notice.objects.get(user=alice)
    assert not User.objects.get(pk=alice.pk).is_active and notice.mail_due is not None
    assert "“Sold her account to others”." in notice.text and "ends by itself" in notice.text
    assert appeals.can_appeal(notice)
    appeals.submit_appeal(alice, notice, "That was my sister.")
    claimed = cases.claim_case(morgan, notice.case_id)
    client.force_login(morgan)
    assert "Sold her account to others." in client.get(f"/review/{claimed.pk}/").content.decode()
    appeals.decide_appeal(morgan, claimed.pk, make_decision_input(claimed, "overturn", "mistake"))
    assert User.objects.get(pk=alice.pk).is_active


def test_suspending_oneself_or_the_last_administrator_is_refused(notes: Notes, ada: User) -> None:
    with pytest.raises(ActionRefused):
        account_suspensions.suspend_account(ada, ada, "I leave the company now.", 7)
    assert not Case.objects.exists()


def later(decision: Decision) -> None:
    Decision.objects.filter(pk=decision.pk).update(until=timezone.now() - timedelta(seconds=1))


def test_a_suspension_ends_by_itself(notes: Notes, ada: User, alice: User) -> None:
    made = account_suspensions.suspend_account(ada, alice, "Sold her account to others.", 1)
    assert account_suspensions.end_expired_suspensions() == 0 and not User.objects.get(pk=alice.pk).is_active
    later(made)
    assert account_suspensions.end_expired_suspensions() == 1 and User.objects.get(pk=alice.pk).is_active
    assert account_suspensions.end_expired_suspensions() == 0
    assert AuditEntry.objects.filter(kind="suspension.ended", user=alice.pk).count() == 1


def test_the_longer_one_of_two_suspensions_counts(notes: Notes, ada: User, morgan: User, alice: User) -> None:
    claimed = cases.claim_case(morgan, make_note_case(alice, "1").pk)
    short = account_suspensions.suspend_account(ada, alice, "Sold her account to others.", 1)
    long = cases.decide_case(morgan, claimed.pk, make_decision_input(claimed, "suspend", suspension_days=30))
    later(short)
    account_suspensions.end_expired_suspensions()
    assert not User.objects.get(pk=alice.pk).is_active
    later(long)
    account_suspensions.end_expired_suspensions()
    assert User.objects.get(pk=alice.pk).is_active
    assert not AppliedEffect.objects.filter(name="suspend", state=AppliedEffect.State.APPLIED).exists()


def test_a_reviewer_is_asked_for_how_long(notes: Notes, ada: User, morgan: User, alice: User, client: Client) -> None:
    claimed = cases.claim_case(morgan, make_note_case(alice, "1").pk)
    client.force_login(morgan)
    assert 'name="suspended"' in client.get(f"/review/{claimed.pk}/").content.decode()
    sent = {"token": claimed.lease_token, "version": claimed.version, "outcome": "suspend", "reason": "clear"}
    for suspended in ("", "5", "x"):
        client.post(f"/review/{claimed.pk}/decide/", {**sent, "suspended": suspended})
        assert User.objects.get(pk=alice.pk).is_active
    client.post(f"/review/{claimed.pk}/decide/", {**sent, "suspended": "7"})
    assert not User.objects.get(pk=alice.pk).is_active
    assert "The suspension ends by itself" in Notice.objects.filter(user=alice).latest("pk").text


def test_erasure_and_suspension_show_different_pages_at_sign_in(alice: User, bob: User, ada: User) -> None:
    from apps.privacy import data_requests
    from apps.safety.moderation import suspended_sign_in

    data_requests.request_erasure(alice)
    account_suspensions.suspend_account(ada, bob, "Sold his account to others.", 7)
    pages = []
    for one in (alice, bob):
        one.refresh_from_db()
        client = Client()
        client.cookies[suspended_sign_in.COOKIE] = suspended_sign_in.make_token(one)
        pages.append(client.get("/suspended/").content.decode())
    assert (
        "This account is being erased" in pages[0]
        and "suspended" not in pages[0].lower().split("<h1>")[1].split("</main>")[0]
    )
    assert "Your account is suspended" in pages[1] and "“Sold his account to others”." in pages[1]


@pytest.mark.parametrize(("backend", "words"), [("console", "This site sends no e-mail"), ("smtp", "told by e-mail")])
def test_break_glass_promises_no_mail_that_is_not_sent(
    site: Site, morgan: User, client: Client, settings: Any, backend: str, words: str
) -> None:
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"
    client.force_login(morgan)
    sent = {"wanted": site.owner.email, "ground": "life", "reason": "Somebody may be in danger here."}
    page = client.post("/review/break-glass/", sent, follow=True).content.decode()
    assert words in page
    with contextlib.suppress(IndexError):
        about = page.replace("\u2060", "").split('name="emergency"')[1][:300]
        assert ("told by e-mail" in about) == (backend == "smtp")

"""A suspended person: signs in, sees why and until when, appeals there, is told by mail, and reaches nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from apps.privacy import data_requests
from apps.safety.models import Appeal, AuditEntry, Case, Notice
from apps.safety.models.case_states import CaseState
from apps.safety.moderation import appeals, cases, notice_emails, suspended_sign_in
from apps.safety.moderation.account_suspensions import suspend_account
from apps.users import rate_limits
from apps.users.accounts import reinstate_user, suspend_user
from apps.users.models import User
from tests.factories import Notes, decide_case, decide_note, make_decision_input, make_user
from tests.support.password import PASSWORD

pytestmark = pytest.mark.django_db
PAGE = "/suspended/"


@pytest.fixture(autouse=True)
def fresh_rate_limits(notes: Notes) -> Iterator[None]:
    rate_limits.clear_rate_cache()
    yield
    rate_limits.clear_rate_cache()


def banned(owner: User, reviewer: User, subject: str = "1") -> Case:
    return decide_note(owner, reviewer, subject, "suspend").case


def signed_in(user: User, password: str = PASSWORD) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": password})
    return client


def page(client: Client) -> str:
    return client.get(PAGE).content.decode()


def test_suspended_user_signs_in_appeals_and_gets_the_account_back(alice: User, morgan: User) -> None:
    found = banned(alice, morgan)
    client = Client()
    said = client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD}, follow=True)
    text = said.content.decode()
    assert said.redirect_chain[-1][0] == PAGE
    assert "until an appeal overturns it or an administrator lifts it" in text and "You can appeal until" in text
    assert Notice.objects.filter(user=alice).latest("created").clause[:4] == "Hate" and "Hate" in text
    answer = client.post(PAGE, {"text": "It was a quotation."}, follow=True).content.decode()
    assert "A reviewer will decide by" in answer and "You appealed" in answer and "Send appeal" not in answer
    assert Case.objects.get().state == CaseState.APPEALED
    robin = make_user("robin", User.Role.REVIEWER)
    claimed = cases.claim_case(robin, found.pk)
    appeals.decide_appeal(robin, claimed.pk, make_decision_input(claimed, "overturn", "mistake"))
    assert "you see here why" in page(client)  # there is nothing to show any more: the account is open
    assert signed_in(alice).get("/collections/").status_code == 200


def test_the_title_stands_once_and_the_end_in_a_sentence_of_its_own(alice: User, ada: User) -> None:
    decision = suspend_account(ada, alice, "Sold accounts to strangers.", 3)
    text = page(signed_in(alice))
    assert decision.until is not None
    assert strip_tags(text.split("<main")[1]).count("account is suspended") == 1
    assert re.search(r"<p>\s*In force until <time[^>]*>[^<]+</time>\.\s*</p>", text)


def test_the_page_of_the_user_tells_administrators_until_when_why_and_by_whom(
    as_ada: Client, ada: User, alice: User, bob: User, charlie: User, morgan: User
) -> None:
    def show(user: User) -> str:
        return " ".join(strip_tags(as_ada.get(f"/people/{user.pk}/").content.decode()).split())

    assert "Suspension" not in show(alice)
    suspend_account(ada, alice, "Sold accounts to strangers.", 3)
    assert re.search(r"Suspension Until .* UTC “Sold accounts to strangers\.” .* by Ada", show(alice))
    case = banned(bob, morgan)
    assert "Suspension Until an administrator lifts it Hate in" in show(bob) and "by Morgan" in show(bob)
    assert f"/review/{case.pk}/" in as_ada.get(f"/people/{bob.pk}/").content.decode()
    suspend_user(charlie)
    assert "Closed without a case" in show(charlie)
    reinstate_user(charlie)
    data_requests.request_erasure(charlie)
    assert "data of this user is being deleted" in show(charlie)


def test_the_log_says_who_brought_it_back(alice: User, morgan: User) -> None:
    cases.undo_decision(morgan, banned(alice, morgan).pk)
    found, robin = banned(alice, morgan, "2"), make_user("robin", User.Role.REVIEWER)
    signed_in(alice).post(PAGE, {"text": "It was a quotation."})
    claimed = cases.claim_case(robin, found.pk)
    appeals.decide_appeal(robin, claimed.pk, make_decision_input(claimed, "overturn", "mistake"))
    rows = AuditEntry.objects.filter(kind="person.reinstated", user=alice.pk).order_by("seq")
    assert [row.actor for row in rows] == [morgan.pk, robin.pk]


def test_an_appeal_that_is_turned_down_is_told_there_too(alice: User, morgan: User) -> None:
    found = banned(alice, morgan)
    client = signed_in(alice)
    client.post(PAGE, {"text": "It was a quotation."})
    robin = make_user("robin", User.Role.REVIEWER)
    claimed = cases.claim_case(robin, found.pk)
    appeals.decide_appeal(robin, claimed.pk, make_decision_input(claimed, "uphold"))
    assert "Your appeal was not successful" in page(client)
    client.post(PAGE, {"text": "Again."})
    assert Appeal.objects.count() == 1


def test_suspension_page_shows_nothing_without_the_right_password(alice: User, bob: User, morgan: User) -> None:
    banned(alice, morgan)
    for client in (Client(), signed_in(alice, "not this one")):
        assert suspended_sign_in.COOKIE not in client.cookies
        assert "Hate" not in page(client)
        client.post(PAGE, {"text": "It was a quotation."})
    assert not Appeal.objects.exists()
    assert Client().get("/accounts/inactive/").status_code == 200


def test_suspended_user_opens_no_other_page(alice: User, morgan: User) -> None:
    banned(alice, morgan)
    client = signed_in(alice)
    notice = Notice.objects.filter(user=alice, decision__isnull=False).get()
    for address in ("/", "/notices/", "/collections/", "/privacy/keeping/", "/tokens/"):
        assert client.get(address)["Location"].startswith("/accounts/login/")
    assert client.post(f"/notices/{notice.pk}/appeal/", {"text": "x"})["Location"].startswith("/accounts/login/")
    assert not Appeal.objects.exists()


def test_the_proof_is_short_lived_and_of_one_person_password_and_notice(
    alice: User, bob: User, morgan: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    banned(alice, morgan)
    banned(bob, morgan, "2")
    client, other = signed_in(alice), signed_in(bob)
    mine = client.cookies[suspended_sign_in.COOKIE].value
    body = suspended_sign_in.make_token(bob).rpartition(":")[0]
    touched = mine[:-2] + ("aa" if mine[-2:] != "aa" else "bb")
    for wrong in (touched, f"{body}:{mine.rpartition(':')[2]}", "x" * 5000, "{}"):
        other.cookies[suspended_sign_in.COOKIE] = wrong
        assert "Hate" not in page(other)
    assert "Hate" in page(client)
    with monkeypatch.context() as patched:
        patched.setattr(suspended_sign_in, "COOKIE_LIFETIME_S", -1)
        assert "Hate" not in page(client)
    alice.refresh_from_db()
    alice.set_password("another long passphrase")
    alice.save()
    assert "Hate" not in page(client)


def test_a_second_suspension_is_not_shown_to_who_saw_the_first(alice: User, morgan: User) -> None:
    first = banned(alice, morgan)
    client = signed_in(alice)
    cases.undo_decision(morgan, first.pk)
    reinstate_user(alice)
    banned(alice, morgan, "2")
    assert "Hate" not in page(client)
    assert "Hate" in page(signed_in(alice))


def test_suspended_user_who_appeals_too_often_is_told_to_wait(alice: User, morgan: User) -> None:
    banned(alice, morgan)
    client = signed_in(alice)
    codes = [client.post(PAGE, {"text": " "}).status_code for _ in range(12)]
    assert codes[:9] == [302] * 9 and codes[-1] == 429
    assert int(client.post(PAGE, {"text": " "})["Retry-After"]) > 0
    assert not Appeal.objects.exists()


def test_suspension_without_a_decision_says_so(alice: User, ada: User) -> None:
    suspend_user(alice)
    client = signed_in(alice)
    assert "closed it, so you cannot appeal here" in page(client)
    client.post(PAGE, {"text": "Why?"})
    assert not Appeal.objects.exists()


@pytest.mark.parametrize("then", ["suspended", "erasure"])
def test_a_reviewers_suspension_that_was_lifted_says_nothing_of_the_next(
    alice: User, ada: User, morgan: User, then: str
) -> None:
    """Neither its notice nor its appeal, which was sent while they could sign in, opens what was closed since."""
    found = banned(alice, morgan)
    reinstate_user(alice, ada)
    appeals.submit_appeal(alice, Notice.objects.get(decision__isnull=False), "It was a quotation.")
    if then == "suspended":
        suspend_user(alice, ada)
    else:
        data_requests.request_erasure(alice)
    text = page(signed_in(alice))
    said = "closed it, so you cannot appeal here" if then == "suspended" else "This account is being erased"
    assert said in text and "Hate" not in text and "Send appeal" not in text
    robin = make_user("robin", User.Role.REVIEWER)
    claimed = cases.claim_case(robin, found.pk)
    appeals.decide_appeal(robin, claimed.pk, make_decision_input(claimed, "overturn", "mistake"))
    alice.refresh_from_db()
    assert not alice.is_active


def sent() -> list[str]:
    Notice.objects.filter(mail_due__isnull=False).update(mail_due=timezone.now() - timedelta(seconds=1))
    notice_emails.send_due_emails()
    texts = [f"{message.subject}\n{message.body}" for message in mail.outbox]
    mail.outbox.clear()
    return texts


def test_a_suspension_and_what_became_of_the_appeal_are_told_by_mail(alice: User, morgan: User) -> None:
    found = banned(alice, morgan)
    assert notice_emails.send_due_emails() == 0  # not before it can no longer be taken back
    text = sent()[0]
    assert "Your account is suspended" in text and "Hate" in text and "http://localhost:8000/suspended/" in text
    assert "some [hate] text" not in text
    assert sent() == []
    signed_in(alice).post(PAGE, {"text": "It was a quotation."})
    robin = make_user("robin", User.Role.REVIEWER)
    claimed = cases.claim_case(robin, found.pk)
    appeals.decide_appeal(robin, claimed.pk, make_decision_input(claimed, "overturn", "mistake"))
    assert "Your appeal was successful" in (text := sent()[0]) and "You can sign in again" in text


def test_a_suspension_that_was_taken_back_sends_no_mail_and_others_send_none(alice: User, morgan: User) -> None:
    cases.undo_decision(morgan, banned(alice, morgan).pk)
    assert sent() == []
    decide_case(morgan, Case.objects.get())
    assert sent() == []


def test_a_mail_server_that_is_away_is_asked_again(alice: User, morgan: User, monkeypatch: pytest.MonkeyPatch) -> None:
    banned(alice, morgan)

    def away(*_: object) -> None:
        raise SMTPServerDisconnected("away")

    with monkeypatch.context() as patched:
        patched.setattr(notice_emails, "send_mail", away)
        with pytest.raises(OSError):
            sent()
    assert notice_emails.send_due_emails() == 0  # not at once
    assert len(sent()) == 1
    banned(alice, morgan, "2")
    Notice.objects.update(created=timezone.now() - timedelta(days=notice_emails.GIVE_UP_DAYS + 1))
    assert sent() == []

"""The console and the people's side, over HTTP: from a held question to an appeal that is overturned."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from apps.safety.models import AuditEntry, Case, Decision, Notice
from apps.safety.models.case_states import CaseState
from apps.safety.moderation import cases
from apps.safety.policy import versions
from apps.users.models import User
from tests.factories import Notes, make_client, make_note_case, make_user
from tests.support.pages import strip_layout

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(morgan: User, robin: User) -> tuple[Client, Client]:
    """Return the clients of Morgan and Robin, who review."""
    return make_client(morgan), make_client(robin)


def sent(client: Client, pk: UUID, outcome: str, reason: str = "clear") -> str:
    held = Case.objects.get(pk=pk)
    data = {"token": held.lease_token, "version": held.version, "outcome": outcome, "reason": reason, "show": "new"}
    return str(client.post(f"/review/{pk}/decide/", data)["Location"])


def test_case_goes_from_the_queue_to_an_overturned_appeal(
    alice: User, staff: tuple[Client, Client], notes: Notes
) -> None:
    morgan, robin = staff
    first, second = make_note_case(alice, "1"), make_note_case(alice, "2")
    page = strip_layout(morgan.get("/review/").content.decode())
    assert 'New<span class="count">2</span>' in page
    assert "alice" not in page.lower()
    assert "<dd>Choose a reason</dd>" in page and "<dd>Choose a reason</dd>" not in morgan.get("/c/").content.decode()
    assert "[hate]" not in morgan.get(f"/review/{first.pk}/").content.decode()  # nobody reads what nobody has claimed
    assert not AuditEntry.objects.filter(kind="read").exists()
    morgan.post(f"/review/{first.pk}/claim/")
    page = morgan.get(f"/review/{first.pk}/").content.decode()
    assert "some [hate] text" not in page and "What was said before" not in page and 'name="spans"' not in page
    assert not AuditEntry.objects.filter(kind="read").exists(), "a claim is no reading"
    page = morgan.get(f"/review/{first.pk}/?open=1").content.decode()
    assert AuditEntry.objects.filter(kind="read").count() == 1
    assert "some [hate] text" in page
    assert "What was said before" in page
    assert "Text classifiers: score 0.970, threshold" in page
    following = sent(morgan, first.pk, "block")
    assert following.startswith(f"/review/{second.pk}/")  # the next one opens by itself, and the page says so
    assert "You have claimed the next case." in morgan.get(following).content.decode()
    own = make_client(alice)
    told = own.get("/notices/").content.decode()
    assert "A note is withheld" in told
    assert "Reason: review" in told
    assert "morgan" not in told.lower()
    notice = Notice.objects.get(decision__isnull=False)
    _appeal_and_overturn(robin, own, first, notice)
    assert notes.state["1"] == "as it was"
    assert "Your appeal was successful" in own.get("/notices/").content.decode()


def _appeal_and_overturn(robin: Client, own: Client, first: Case, notice: Notice) -> None:
    """The user appeals; another reviewer sees the first decision once a reason is chosen, and overturns it."""
    own.post(f"/notices/{notice.pk}/appeal/", {"text": "It was a quotation."})
    assert 'Appeals<span class="count">1</span>' in strip_layout(robin.get("/review/").content.decode())
    robin.post(f"/review/{first.pk}/claim/")
    page = robin.get(f"/review/{first.pk}/").content.decode()
    assert "It was a quotation." in page
    first_decision = page.partition("First decision</h2>")[2].partition("</section>")[0]
    assert "Withheld: Clear violation of the clause" in strip_layout(first_decision)
    assert '<section class="around after">' in page, "hidden until the reviewer has chosen a reason"
    assert (
        "Reject the appeal: the decision is upheld" in page and "Grant the appeal: the decision is overturned" in page
    )
    assert "Decided</h2>" not in page
    assert 'name="spans"' not in page and 'name="feature"' not in page  # no outcome here uses them
    assert "A decision on an appeal is final" in page and "You can undo" not in page
    assert "Text classifiers" not in page.partition("First decision</h2>")[0]
    page = strip_layout(robin.get(sent(robin, first.pk, "overturn", "mistake")).content.decode())
    assert "Decision overturned; the user has been told." in page and "data-undo" not in page


def test_decided_cases_are_listed_newest_first_with_their_outcome(
    alice: User, staff: tuple[Client, Client], notes: Notes
) -> None:
    morgan, _ = staff
    severe, mild = make_note_case(alice, "1", severity=4), make_note_case(alice, "2", code="crime", severity=2)
    for one, outcome in ((severe, "block"), (mild, "allow")):
        morgan.post(f"/review/{one.pk}/claim/")
        sent(morgan, one.pk, outcome)
    page = strip_layout(morgan.get("/review/?show=decided").content.decode())
    assert page.index(f'href="/review/{mild.pk}/') < page.index(f'href="/review/{severe.pk}/'), "decided last"
    assert "Allowed<time" in page and "Withheld<time" in page
    page = strip_layout(morgan.get("/review/?show=decided&sort=severity").content.decode())
    assert page.index(f'href="/review/{severe.pk}/') < page.index(f'href="/review/{mild.pk}/')
    page = morgan.get(f"/review/{mild.pk}/").content.decode()
    assert "Claim the case" not in page and "Due in" not in page
    Decision.objects.filter(case=severe).update(outcome="suspend", until=timezone.now() + timedelta(days=7))
    page = morgan.get(f"/review/{severe.pk}/").content.decode()
    assert re.search(r"until <time [^>]*data-local>", page), "in the reader's time zone"


def test_a_decision_can_be_taken_back_from_the_next_page(
    alice: User, staff: tuple[Client, Client], notes: Notes
) -> None:
    morgan, robin = staff
    case = make_note_case(alice)
    morgan.post(f"/review/{case.pk}/claim/")
    sent(morgan, case.pk, "block")
    page = strip_layout(morgan.get("/review/").content.decode())
    assert f"/review/{case.pk}/undo/" in page and "10 seconds left" in page and "claimed the next case" not in page
    assert "can be undone for ten seconds" in morgan.get(f"/review/{case.pk}/").content.decode()
    Decision.objects.update(created=timezone.now() - timedelta(seconds=7))
    assert "3 seconds left" in strip_layout(morgan.get("/review/").content.decode())
    assert "undo" not in robin.get("/review/").content.decode()
    morgan.post(f"/review/{case.pk}/undo/")
    assert (Case.objects.get().state, notes.state["1"]) == (CaseState.CLAIMED, "as it was")


def test_decision_made_meanwhile_is_not_overwritten(alice: User, staff: tuple[Client, Client], notes: Notes) -> None:
    morgan, robin = staff
    case = make_note_case(alice)
    morgan.post(f"/review/{case.pk}/claim/")
    data = {"token": "guessed", "version": 1, "outcome": "allow", "reason": "clear"}
    for version in ("1", "x", "", "99999999999"):
        robin.post(f"/review/{case.pk}/decide/", data | {"version": version})
    assert not Decision.objects.exists()


def test_notices_and_appeals_of_others_do_not_exist(
    alice: User, charlie: User, staff: tuple[Client, Client], notes: Notes
) -> None:
    case = make_note_case(alice)
    staff[0].post(f"/review/{case.pk}/claim/")
    sent(staff[0], case.pk, "block")
    notice = Notice.objects.get(decision__isnull=False)
    assert make_client(charlie).post(f"/notices/{notice.pk}/appeal/", {"text": "Mine."}).status_code == 404
    assert "withheld" not in make_client(charlie).get("/notices/").content.decode().replace("is ever withheld", "")
    assert make_client(charlie).get(f"/review/{case.pk}/").status_code == 404


def test_text_is_shown_as_text(alice: User, staff: tuple[Client, Client], notes: Notes) -> None:
    from apps.safety.moderation.cases import FlaggedContent
    from apps.safety.policy.evaluation import PolicyResult
    from apps.safety.policy.schema import Action

    bad = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    case = cases.flag_content(
        FlaggedContent("note", "1", "question", bad, alice.pk, PolicyResult(Action.SEND, "hate", 3, 1.0))
    )
    staff[0].post(f"/review/{case.pk}/claim/")
    page = staff[0].get(f"/review/{case.pk}/?open=1").content.decode()
    assert "&lt;img src=x" in page
    assert "<img src=x" not in page


def test_skipping_says_why_and_opens_the_next(alice: User, staff: tuple[Client, Client], notes: Notes) -> None:
    first, second = make_note_case(alice, "1"), make_note_case(alice, "2")
    staff[0].post(f"/review/{first.pk}/claim/")
    token = Case.objects.get(pk=first.pk).lease_token
    away = f"/review/{first.pk}/release/"
    staff[0].post(away, {"token": token, "move": "skip", "note": ""})
    assert Case.objects.get(pk=first.pk).state == CaseState.CLAIMED
    response = staff[0].post(away, {"token": token, "move": "skip", "note": "not my language"})
    assert response["Location"].startswith(f"/review/{second.pk}/")
    assert "Case skipped. You have claimed the next case." in staff[0].get(response["Location"]).content.decode()
    assert Case.objects.get(pk=first.pk).state == CaseState.OPEN


def test_policy_pages_refuse_what_has_a_hole(notes: Notes) -> None:
    ada = make_client(User.objects.get(name="Ada"))
    assert ada.get("/review/policy/").status_code == 200
    for body in ("{", "[]", '{"clauses": []}', "[" * 5000):
        assert ada.post("/review/policy/", {"body": body, "note": "Shorter"}).status_code == 422
    body = json.dumps(versions.get_live_version().body)
    page = ada.post("/review/policy/", {"body": body, "note": " "})
    assert page.status_code == 422 and "Enter what changes, and why." in page.content.decode()


def test_self_harm_case_offers_a_reviewer_no_punishment(
    alice: User, staff: tuple[Client, Client], notes: Notes
) -> None:
    for code, offered in (("self_harm", ["allow", "block"]), ("hate", ["allow", "block", "warn", "suspend"])):
        found = make_note_case(alice, "1", code=code)
        staff[0].post(f"/review/{found.pk}/claim/")
        page = staff[0].get(f"/review/{found.pk}/").content.decode()
        assert [one for one in ("allow", "block", "warn", "suspend") if f'value="{one}"' in page] == offered


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("audits/", "figures/"), ("thresholds/", "policy/"), ("care/?from=mail", "?from=mail"), ("preferences/", ""),
        ("lists/", "blocklists/"), ("lists/list-codes/", "blocklists/list-codes/"),
        (f"looks/{UUID(int=1)}/", f"second-reviews/{UUID(int=1)}/"),
    ],
)  # fmt: skip
def test_a_former_address_leads_to_the_page_that_took_its_place(client: Client, old: str, new: str) -> None:
    client.force_login(make_user("olga", role="administrator"))
    found = client.get(f"/review/{old}")
    assert (found.status_code, found["Location"]) == (301, f"/review/{new}")
    client.force_login(make_user("otto"))
    assert client.get(f"/review/{old}").status_code == 404

"""Legal hold of a case: set with ground and reason, respected by retention and erasure, lifted by another person."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from apps.privacy import case_legal_holds, case_retention, data_requests
from apps.privacy.models import CaseLegalHold, DataRequest
from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models import Appeal, AuditEntry, Case, Decision
from apps.users.models import User
from tests.factories import make_user
from tests.privacy.conftest import MARK, Life
from tests.privacy.test_erasure import everywhere
from tests.support.password import PASSWORD

pytestmark = pytest.mark.django_db
TEXT = "some [hate] text"


def erased(user: User) -> DataRequest:
    data_request = data_requests.request_erasure(user)
    data_requests.process_request(str(data_request.pk))
    data_request.refresh_from_db()
    return data_request


def test_an_administrator_sets_one_and_the_log_has_it(client: Client, ada: User, life: Life) -> None:
    client.force_login(ada)
    assert "Set legal hold" in client.get(f"/review/{life.case.pk}/").content.decode()
    page = client.get(f"/privacy/holds/?case={life.case.pk}").content.decode()
    assert "a court order" in page.lower() and TEXT not in page
    sent = {"ground": "order", "reason": "File 12 Js 7"}
    response = client.post(f"/privacy/holds/{life.case.pk}/", sent)
    assert response["Location"] == f"/privacy/holds/?case={life.case.pk}"
    row = CaseLegalHold.objects.get(case=life.case)
    assert Case.objects.get(pk=life.case.pk).legal_hold and row.set_by == ada
    entry = AuditEntry.objects.get(seq=row.audit_seq)
    assert (entry.kind, entry.payload["why"], entry.actor) == ("case.hold_set", "File 12 Js 7", ada.pk)
    assert "File 12 Js 7" in client.get("/privacy/holds/").content.decode() and audit.verify_chain() == []
    assert "Under a legal hold" in client.get(f"/review/{life.case.pk}/").content.decode()


@pytest.mark.parametrize(("ground", "reason"), [("", "why"), ("order", "  "), ("whim", "why")])
def test_case_hold_needs_a_ground_and_a_reason(ada: User, life: Life, ground: str, reason: str) -> None:
    with pytest.raises(ActionRefused):
        case_legal_holds.hold_case(ada, life.case.pk, ground, reason)
    assert not Case.objects.get(pk=life.case.pk).legal_hold and not CaseLegalHold.objects.exists()


def test_reviewers_cannot_and_nobody_holds_a_case_about_themselves(
    client: Client, morgan: User, alice: User, life: Life
) -> None:
    client.force_login(morgan)
    assert client.post(f"/privacy/holds/{life.case.pk}/", {"ground": "order", "reason": "x"}).status_code == 404
    User.objects.filter(pk=alice.pk).update(role=User.Role.ADMINISTRATOR)
    client.force_login(User.objects.get(pk=alice.pk))
    assert client.post(f"/privacy/holds/{life.case.pk}/", {"ground": "order", "reason": "x"}).status_code == 404
    assert "case-hold" not in client.get(f"/privacy/holds/?case={life.case.pk}").content.decode()
    assert not CaseLegalHold.objects.exists()


def test_age_takes_nothing_away_until_it_is_lifted(ada: User, life: Life, settings: LazySettings) -> None:
    settings.CASE_TEXT_DAYS = 1
    case_legal_holds.hold_case(ada, life.case.pk, "duty", "Article 6")
    Decision.objects.update(created=timezone.now().replace(year=2020))
    assert case_retention.delete_due_texts() == 0
    case_legal_holds.lift_case_hold(ada, life.case.pk, "It is over")  # there is no other administrator
    assert case_retention.delete_due_texts() == 1 and Case.objects.get(pk=life.case.pk).snapshot.text == ""


def test_case_hold_is_lifted_by_another_administrator_where_there_is_one(ada: User, life: Life) -> None:
    other = make_user("otto", User.Role.ADMINISTRATOR)
    case_legal_holds.hold_case(ada, life.case.pk, "order", "File 7")
    with pytest.raises(ActionRefused, match="An administrator other than the one who set the hold"):
        case_legal_holds.lift_case_hold(ada, life.case.pk, "It is over")
    with pytest.raises(ActionRefused, match="why"):
        case_legal_holds.lift_case_hold(other, life.case.pk, " ")
    case_legal_holds.lift_case_hold(other, life.case.pk, "It is over")
    assert not Case.objects.get(pk=life.case.pk).legal_hold
    assert AuditEntry.objects.get(kind="case.hold_lifted").payload == {"ground": "order", "why": "It is over"}


def test_case_hold_is_lifted_by_its_setter_where_nobody_else_may_see_the_case(
    ada: User, alice: User, life: Life
) -> None:
    User.objects.filter(pk=alice.pk).update(role=User.Role.ADMINISTRATOR)  # whom the case is about
    case_legal_holds.hold_case(ada, life.case.pk, "order", "File 7")
    case_legal_holds.lift_case_hold(ada, life.case.pk, "It is over")
    assert not Case.objects.get(pk=life.case.pk).legal_hold


def test_erasure_keeps_the_held_case_alone_and_says_so(client: Client, alice: User, ada: User, life: Life) -> None:
    decision = Decision.objects.get(case=life.case)
    Appeal.objects.create(decision=decision, text="I object")
    case_legal_holds.hold_case(ada, life.case.pk, "claims", "Against the firm")
    client.force_login(alice)
    for page in ("/privacy/", "/privacy/erase/"):
        said = client.get(page).content.decode()
        assert "legal claims" in said and "Against the firm" not in said
    name = f"{alice} <{alice.email}>"
    data_request = erased(alice)
    assert data_request.status == "done" and everywhere(MARK) == set()
    assert data_request.counts["kept under a legal hold: legal claims"] == 1
    assert "under a legal hold" in client.get(f"/privacy/receipts/{data_request.pk}/").content.decode()
    assert "texts of review" not in data_request.counts
    assert everywhere(TEXT) == {"safety_snapshot.text"} and everywhere("I object") == {"safety_appeal.text"}
    assert CaseLegalHold.objects.get().erased_user == name


def test_lifted_after_the_erasure_it_all_goes(alice: User, ada: User, life: Life) -> None:
    Appeal.objects.create(decision=Decision.objects.get(case=life.case), text="I object")
    case_legal_holds.hold_case(ada, life.case.pk, "order", "File 7")
    address = alice.email
    erased(alice)
    case_legal_holds.lift_case_hold(ada, life.case.pk, "It is over")
    for word in (TEXT, "I object", address):
        assert everywhere(word) == set()
    assert Case.objects.get(pk=life.case.pk).snapshot.sha256 and audit.verify_chain() == []


def test_case_hold_of_a_deleted_text_is_refused(alice: User, ada: User, life: Life) -> None:
    erased(alice)
    with pytest.raises(ActionRefused, match="was already deleted"):
        case_legal_holds.hold_case(ada, life.case.pk, "order", "Too late")


def test_asking_for_erasure_is_not_refused_by_it(client: Client, alice: User, ada: User, life: Life) -> None:
    case_legal_holds.hold_case(ada, life.case.pk, "order", "File 7")
    client.force_login(alice)
    assert client.post("/privacy/erase/", {"password": PASSWORD}).status_code == 302

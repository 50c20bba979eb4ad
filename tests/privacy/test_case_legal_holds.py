"""Legal holds of cases from former releases: kept for erased users until lifted."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from apps.privacy import case_legal_holds, case_retention
from apps.privacy.models import CaseLegalHold
from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models import Appeal, AuditEntry, Case, Decision
from apps.users.models import User
from tests.factories import make_user
from tests.privacy.conftest import Life
from tests.privacy.test_erasure import everywhere

pytestmark = pytest.mark.django_db
TEXT = "some [hate] text"


def hold(case: Case, ada: User, *, erased_user: str = "") -> CaseLegalHold:
    """Store a hold as former releases set it; with `erased_user` as it is after the erasure of the user."""
    changes = {"owner": None} if erased_user else {}
    Case.objects.filter(pk=case.pk).update(legal_hold=True, **changes)
    return CaseLegalHold.objects.create(
        case=case, ground="order", reason="File 7", set_by=ada, audit_seq=1, erased_user=erased_user
    )


def test_a_held_case_of_an_erased_user_survives_retention_until_the_hold_is_lifted(
    as_ada: Client, ada: User, life: Life, settings: LazySettings
) -> None:
    settings.CASE_TEXT_DAYS = 1
    Appeal.objects.create(decision=Decision.objects.get(case=life.case), text="I object")
    hold(life.case, ada, erased_user="Alice <alice@example.com>")
    Decision.objects.update(created=timezone.now().replace(year=2020))
    assert case_retention.delete_due_texts() == 0 and everywhere(TEXT) == {"safety_snapshot.text"}
    page = as_ada.get("/privacy/holds/").content.decode()
    assert "File 7" in page and "alice@example.com" in page and TEXT not in page
    assert "Under a legal hold" in as_ada.get(f"/review/{life.case.pk}/").content.decode()
    response = as_ada.post(f"/privacy/holds/{life.case.pk}/", {"reason": "It is over"})
    assert response["Location"] == "/privacy/holds/"
    for word in (TEXT, "I object", "alice@example.com"):
        assert everywhere(word) == set()
    assert AuditEntry.objects.get(kind="case.hold_lifted").payload == {"ground": "order", "why": "It is over"}
    assert Case.objects.get(pk=life.case.pk).snapshot.sha256 and audit.verify_chain() == []


def test_another_administrator_lifts_the_hold_with_a_reason_if_there_is_one(ada: User, life: Life) -> None:
    other = make_user("otto", User.Role.ADMINISTRATOR)
    hold(life.case, ada, erased_user="Alice <alice@example.com>")
    with pytest.raises(ActionRefused, match="An administrator other than the one who set the hold"):
        case_legal_holds.lift_case_hold(ada, life.case.pk, "It is over")
    with pytest.raises(ActionRefused, match="why"):
        case_legal_holds.lift_case_hold(other, life.case.pk, " ")
    case_legal_holds.lift_case_hold(other, life.case.pk, "It is over")
    assert not Case.objects.get(pk=life.case.pk).legal_hold


def test_a_case_without_a_hold_cannot_be_held_any_more(as_ada: Client, life: Life) -> None:
    assert as_ada.post(f"/privacy/holds/{life.case.pk}/", {"ground": "order", "reason": "x"}).status_code == 404
    assert not CaseLegalHold.objects.exists()

"""Special permissions of staff, and the constraints of the database on users who have them."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from apps.safety.models import AuditEntry
from apps.safety.models.break_glass import BreakGlass
from apps.users import special_permissions
from apps.users.models import User
from tests.support.password import PASSWORD

pytestmark = pytest.mark.django_db


def test_an_administrator_names_people_and_the_log_says_so(ada: User, morgan: User, alice: User) -> None:
    client = Client()
    client.force_login(ada)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post(f"/people/{morgan.pk}/break-glass/", {"named": "yes"})
    client.post(f"/people/{alice.pk}/break-glass/", {"named": "yes"})
    assert list(special_permissions.BREAK_GLASS.list_holders()) == [morgan]
    assert "Emergency access" in client.get(f"/people/?q={morgan.email}").content.decode().split("<tbody>")[1]
    client.post(f"/people/{morgan.pk}/role/", {"role": "member"})
    client.post(f"/people/{morgan.pk}/role/", {"role": "reviewer"})
    assert not special_permissions.BREAK_GLASS.list_holders().exists()
    rows = AuditEntry.objects.filter(user=morgan.pk, kind__contains="break_glass").values_list("kind", flat=True)
    assert list(rows) == ["person.named_for_break_glass", "person.not_named_for_break_glass"]


def test_the_database_forbids_what_the_pages_do(alice: User, morgan: User, ada: User) -> None:
    fine = {"requester": morgan, "user": alice, "ground": "order", "reason": "why", "minutes": 30}
    for wrong in (
        {"approver": morgan}, {"user": morgan}, {"approver": alice}, {"state": "open"},
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            BreakGlass.objects.create(**fine | wrong)
    BreakGlass.objects.create(**fine, emergency=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        BreakGlass.objects.create(**fine, emergency=True)

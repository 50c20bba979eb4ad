"""Tests of renewing and releasing several leases at once, each only by its holder."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.conversations.models import Conversation, Message
from apps.lib.db import leases
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def running(count: int) -> list[Message]:
    alice = make_user("alice")
    place = Conversation.objects.create(owner=alice, title="Held")
    return [
        Message.objects.create(
            conversation=place, role="assistant", status="writing", asked_by=alice, text="before",
            lease_token=f"token{number}", lease_until=timezone.now(),
        )
        for number in range(count)
    ]  # fmt: skip


def test_lease_renewal_writes_to_each_row_its_own_changes() -> None:
    rows = running(7)
    tokens = {row.pk: row.lease_token for row in rows}
    held = leases.renew_all(Message.objects.all(), tokens, 60, {row.pk: {"text": row.lease_token} for row in rows})
    assert held == set(tokens)
    for row in Message.objects.all():
        assert row.text == row.lease_token
        assert row.lease_until > timezone.now() + timedelta(seconds=30)


def test_lease_renewal_skips_rows_that_another_holds_or_that_ended() -> None:
    mine, lost, ended = running(3)
    Message.objects.filter(pk=lost.pk).update(lease_token="of another")
    Message.objects.filter(pk=ended.pk).update(status="stopped")
    tokens = {row.pk: row.lease_token for row in (mine, lost, ended)}
    rows = Message.objects.filter(status="writing")
    assert leases.renew_all(rows, tokens, 60, {key: {"text": "after"} for key in tokens}) == {mine.pk}
    assert sorted(Message.objects.values_list("text", flat=True)) == ["after", "before", "before"]


def test_lease_renewal_of_no_rows_changes_nothing() -> None:
    assert leases.renew_all(Message.objects.all(), {}, 60, {}) == set()

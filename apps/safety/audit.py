"""The log of what was done and read in review: append-only, numbered without a gap, each entry holding the hash of the
one before. Triggers of the database forbid changes (`TRIGGERS`); `verify` finds what was changed in spite of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import connection, models, transaction
from django.utils import timezone

if TYPE_CHECKING:
    from datetime import datetime

    from apps.users.models import User

_LOCK = 0x0B00C  # of PostgreSQL's advisory locks; SQLite's writers wait for each other anyway
FIRST = "0" * 64

TRIGGERS = {
    "sqlite": (
        """CREATE TRIGGER IF NOT EXISTS safety_event_no_update BEFORE UPDATE ON safety_event
        BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END""",
        """CREATE TRIGGER IF NOT EXISTS safety_event_no_delete BEFORE DELETE ON safety_event
        BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END""",
        """CREATE TRIGGER IF NOT EXISTS safety_snapshot_no_update BEFORE UPDATE ON safety_snapshot
        BEGIN SELECT RAISE(ABORT, 'a snapshot never changes'); END""",
    ),
    "postgresql": (
        """CREATE OR REPLACE FUNCTION safety_forbid() RETURNS trigger AS
        $$ BEGIN RAISE EXCEPTION 'the log is append-only'; END $$ LANGUAGE plpgsql""",
        """CREATE OR REPLACE TRIGGER safety_event_no_change BEFORE UPDATE OR DELETE ON safety_event
        FOR EACH ROW EXECUTE FUNCTION safety_forbid()""",
        """CREATE OR REPLACE TRIGGER safety_snapshot_no_update BEFORE UPDATE ON safety_snapshot
        FOR EACH ROW EXECUTE FUNCTION safety_forbid()""",
    ),
}

_CHANGEABLE = {
    "sqlite": "DROP TRIGGER IF EXISTS safety_snapshot_no_update",
    "postgresql": "DROP TRIGGER IF EXISTS safety_snapshot_no_update ON safety_snapshot",
}


class Event(models.Model):
    """People are kept as numbers, not as references: an entry outlives the account that it speaks of."""

    seq = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=40)
    actor = models.BigIntegerField(null=True, db_index=True, help_text="Nobody: the product itself")
    person = models.BigIntegerField(null=True, db_index=True, help_text="Whose content or account it is about")
    subject = models.CharField(max_length=120, blank=True)
    payload = models.JSONField(default=dict)
    before = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)

    class Meta:
        app_label = "safety"
        ordering: ClassVar = ["seq"]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"

    def digest(self) -> str:
        said = [self.seq, _spelt(self.at), self.kind, self.actor, self.person, self.subject, self.payload, self.before]
        return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def record(
    kind: str, *, actor: User | None = None, person: int | None = None, subject: str = "", **payload: Any
) -> Event:
    """The entry is written with the transaction that it belongs to, or not at all."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        last = Event.objects.order_by("-seq").first()
        entry = Event(
            seq=last.seq + 1 if last else 1, at=timezone.now(), kind=kind, actor=actor.pk if actor else None,
            person=person, subject=subject[:120], payload=payload, before=last.sha256 if last else FIRST,
        )  # fmt: skip
        entry.sha256 = entry.digest()
        entry.save(force_insert=True)
    return entry


def verify() -> list[str]:
    """What is wrong with the log, in words; nothing where it is whole."""
    wrong, expected, before = [], 1, FIRST
    for entry in Event.objects.order_by("seq").iterator(chunk_size=2000):
        if entry.seq != expected:
            wrong.append(f"Entries {expected} to {entry.seq - 1} are missing.")
        elif entry.before != before:
            wrong.append(f"Entry {entry.seq} does not follow the one before it.")
        if entry.digest() != entry.sha256:
            wrong.append(f"Entry {entry.seq} was changed.")
        expected, before = entry.seq + 1, entry.sha256
    return wrong


def install() -> None:
    """The triggers are there. Safe to repeat; called by the migration."""
    with connection.cursor() as cursor:
        for statement in TRIGGERS[connection.vendor]:
            cursor.execute(statement)


@contextmanager
def changeable() -> Iterator[None]:
    """Within, in one transaction, snapshots can be encrypted by another key; nobody else writes any meanwhile. The log
    is left alone: who has written there, and now waits for a snapshot, must not be waited for."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CHANGEABLE[connection.vendor])
        yield
        cursor.execute(TRIGGERS[connection.vendor][-1])


def _spelt(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")

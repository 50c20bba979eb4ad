"""The audit log: append-only entries, numbered without gaps, each signed together with the previous signature.

Database triggers forbid changes (`TRIGGERS`). The signature is an HMAC with a key outside the database
(`signing_keys.py`), so write access to the database alone cannot rewrite the log. A truncated tail is found by the
heads noted outside (`chain_heads.py`). `record_event` writes an entry and `verify_chain` reads all of them;
`verification.py` verifies heads and triggers too.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext

from apps.safety.audit_log import chain_heads, signing_keys

if TYPE_CHECKING:
    from datetime import datetime

    from apps.users.models import User

_LOCK = 0x0B00C  # PostgreSQL advisory lock; writers of SQLite wait for each other anyway
FIRST_SIGNATURE = "0" * 64

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

_DROP_SNAPSHOT_TRIGGER = {
    "sqlite": "DROP TRIGGER IF EXISTS safety_snapshot_no_update",
    "postgresql": "DROP TRIGGER IF EXISTS safety_snapshot_no_update ON safety_snapshot",
}


class AuditEntry(models.Model):
    """Entry of the audit log. Users are stored as ids without references, as an entry outlives their accounts."""

    seq = models.BigIntegerField(primary_key=True)
    created = models.DateTimeField(db_column="at")
    kind = models.CharField(max_length=40)
    actor = models.BigIntegerField(null=True, db_index=True, help_text="User id; null: the product itself")
    user = models.BigIntegerField(null=True, db_index=True, db_column="person", help_text="Id of the user concerned")
    subject = models.CharField(max_length=120, blank=True)
    payload = models.JSONField(default=dict)
    previous_sha256 = models.CharField(max_length=64, db_column="before")
    sha256 = models.CharField(max_length=64)  # HMAC-SHA-256; plain SHA-256 in entries from before the first key

    class Meta:
        db_table = "safety_event"
        ordering: ClassVar = ["seq"]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"

    def content(self) -> bytes:
        """Return what is signed: every field but the signature."""
        fields = [
            self.seq,
            _format_time(self.created),
            self.kind,
            self.actor,
            self.user,
            self.subject,
            self.payload,
            self.previous_sha256,
        ]
        return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()

    def sign(self, key: bytes) -> str:
        """Return the HMAC-SHA-256 of the entry with the key, as hexadecimal digits."""
        return hmac.new(key, self.content(), hashlib.sha256).hexdigest()

    def plain_hash(self) -> str:
        """Return what entries from before the first key hold in the place of a signature."""
        return hashlib.sha256(self.content()).hexdigest()


def record_event(
    kind: str, *, actor: User | None = None, user: int | None = None, subject: str = "", **payload: Any
) -> AuditEntry:
    """Write an entry within the caller's transaction and note its head after the commit.

    `user` is the id of the user whom the entry concerns. Raise ImproperlyConfigured if the key is missing that signed
    the entry before.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        last = AuditEntry.objects.order_by("-seq").first()
        entry = AuditEntry(
            seq=last.seq + 1 if last else 1, created=timezone.now(), kind=kind, actor=actor.pk if actor else None,
            user=user, subject=subject[:120], payload=payload,
            previous_sha256=last.sha256 if last else FIRST_SIGNATURE,
        )  # fmt: skip
        entry.sha256 = entry.sign(_signing_key(last))
        entry.save(force_insert=True)
        transaction.on_commit(partial(chain_heads.note_head, entry.seq, entry.sha256), robust=True)
    return entry


def renew_key(lost: bool = False) -> AuditEntry:
    """Add a new signing key and write the audit entry `log.key`.

    With `lost` the earlier keys are gone: their signatures can no longer be verified, only that the entries follow each
    other.
    """
    with transaction.atomic():
        signing_keys.add_key()
        return record_event("log.key", lost=lost)


def _signing_key(last: AuditEntry | None) -> bytes:
    """Return the newest key, created if no entry is signed yet. Raise ImproperlyConfigured if it is missing."""
    if keys := signing_keys.read_keys():
        return keys[0]
    if last is not None and last.sha256 != last.plain_hash():
        raise ImproperlyConfigured(signing_keys.MISSING.format(place=settings.AUDIT_KEYS))
    return signing_keys.read_keys(create=True)[0]


@dataclass(slots=True)
class ChainPosition:
    """Position up to which entries were verified, and what is needed to continue."""

    seq: int = 0
    signature: str = FIRST_SIGNATURE
    signed: bool = False  # whether a signed entry was found; each later one must be signed too
    unverifiable: int = 0  # entries whose key is lost


def verify_chain() -> list[str]:
    """Return the faults of the entries as messages; `[]` if the log is intact."""
    return list(verify_entries(ChainPosition()))


def verify_entries(chain: ChainPosition, until: float | None = None) -> Iterator[str]:
    """Yield the faults of the entries after `chain`, which advances with each entry.

    Stops at the monotonic time `until`; None: at the end.
    """
    keys, lost = signing_keys.read_keys(), _find_lost_key_entry()
    for entry in AuditEntry.objects.filter(seq__gt=chain.seq).order_by("seq").iterator(chunk_size=2000):
        if entry.seq != chain.seq + 1:
            message = gettext("Entries %(first)s to %(last)s are missing.")
            yield message % {"first": chain.seq + 1, "last": entry.seq - 1}
        elif entry.previous_sha256 != chain.signature:
            yield gettext("Entry %(seq)s does not follow the one before it.") % {"seq": entry.seq}
        if any(entry.sign(key) == entry.sha256 for key in keys):
            chain.signed = True
        elif entry.seq < lost:
            chain.unverifiable += 1
        elif chain.signed or entry.plain_hash() != entry.sha256:
            yield gettext("Entry %(seq)s was changed.") % {"seq": entry.seq}
        chain.seq, chain.signature = entry.seq, entry.sha256
        if until is not None and entry.seq % 100 == 0 and time.monotonic() > until:
            return
    if chain.seq and not chain.signed:
        message = gettext("No entry of the log is signed with a key from %(file)s.")
        yield message % {"file": settings.AUDIT_KEYS}


def _find_lost_key_entry() -> int:
    """Return the number of the newest entry, signed by a known key, that reports lost keys; 0 if there is none."""
    keys = signing_keys.read_keys()
    for entry in AuditEntry.objects.filter(kind="log.key", payload__lost=True).order_by("-seq"):
        if any(entry.sign(key) == entry.sha256 for key in keys):
            return entry.seq
    return 0


def find_missing_triggers() -> list[str]:
    """Return the names of triggers that protect the log and frozen texts but are missing, disabled or changed.

    The whole text of each is compared, with PostgreSQL also that of its function.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        else:
            cursor.execute(
                "SELECT t.tgname, replace(pg_get_triggerdef(t.oid), current_schema() || '.', '') || ' AS' || p.prosrc "
                "FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgenabled IN ('O', 'A')"
            )
        present = {name: _normalise_sql(text) for name, text in cursor.fetchall()}
    return [name for name, text in _expected_triggers().items() if present.get(name) != text]


def _expected_triggers() -> dict[str, str]:
    """Return the text of each trigger as the database gives it, by name."""
    statements = [_normalise_sql(statement) for statement in TRIGGERS[connection.vendor]]
    body = ""
    if connection.vendor == "postgresql":
        function, *statements = statements
        body = " AS " + function.split("$$")[1].strip()
    return {name: f"{text}{body}" for text in statements for name in [text.split()[2]]}


def _normalise_sql(text: str) -> str:
    """Return the statement with single spaces, as it stands after the first creation."""
    plain = " ".join(text.split()).replace(" IF NOT EXISTS ", " ", 1).replace("CREATE OR REPLACE ", "CREATE ", 1)
    return plain.replace("UPDATE OR DELETE", "DELETE OR UPDATE").replace("public.", "")


def install_triggers() -> None:
    """Install the triggers. Safe to repeat."""
    with connection.cursor() as cursor:
        for statement in TRIGGERS[connection.vendor]:
            cursor.execute(statement)


@contextmanager
def unlock_snapshots() -> Iterator[None]:
    """Drop the trigger that protects frozen texts within one transaction, so that they can be encrypted with another
    key.

    Other writers of frozen texts wait meanwhile. The trigger of the log stays, to avoid a deadlock with a writer of the
    log that waits for a snapshot.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_DROP_SNAPSHOT_TRIGGER[connection.vendor])
        yield
        cursor.execute(TRIGGERS[connection.vendor][-1])


def _format_time(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")

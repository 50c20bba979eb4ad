"""The keys of frozen texts: every text is encrypted anew by the newest key, and what none of them opens is counted."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Cast
from django.db.models.lookups import Exact

from apps.lib.db import encrypted_fields
from apps.safety.audit_log import audit
from apps.safety.models import Snapshot

_AT_ONCE = 200  # rows of one transaction: some 20 ms of encryption, so that a writer of SQLite does not wait long
_NO_LIST = "[]"  # as it stood before it was encrypted


class KeyStillNeeded(Exception):
    """An older key is still needed."""


def rotate_key() -> int:
    """A new key encrypts from now on, and whatever older ones had encrypted; how many texts. The older keys stay in the
    file: another process may just be writing by one, and a backup of before needs them."""
    encrypted_fields.write_keys([Fernet.generate_key().decode(), *encrypted_fields.list_key_lines()])
    with transaction.atomic():
        audit.record_event("snapshots.key", subject="frozen texts")
    return encrypt_all()


def replace_lost_key() -> None:
    """A new key encrypts from now on; what none opens any more stays closed. Raises Needed where a key is there."""
    if Path(settings.SNAPSHOT_KEYS).exists():
        raise KeyStillNeeded("The file of keys is there. Run this without --lost: texts keep the keys that open them.")
    Path(settings.SNAPSHOT_KEYS).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    encrypted_fields.write_keys([Fernet.generate_key().decode()])
    with transaction.atomic():
        audit.record_event("snapshots.key", subject="frozen texts", lost=True)


def has_encrypted_texts() -> bool:
    """Whether a text is stored that a key has encrypted."""
    raw = Cast("text", models.TextField())
    return Snapshot.objects.annotate(stored=raw).filter(stored__startswith=encrypted_fields.PREFIX).exists()


def drop_unused_keys() -> int:
    """Keys that no text needs any more are gone from the file; how many. Raises Needed."""
    older = set(encrypted_fields.list_key_lines()[1:])
    encrypt_all()
    if left := sum(not encrypted_fields.is_current(stored) for page in _pages() for stored in page.stored()):
        raise KeyStillNeeded(
            f"{left} frozen texts cannot be opened by any key of the file, so none was dropped. "
            "Put the missing key back from the backup, as a line of its own."
        )
    now = (
        encrypted_fields.list_key_lines()
    )  # with the key of a rotation meanwhile, and then the one of before it is still needed
    kept = [line for line in now if line not in older]
    encrypted_fields.write_keys(kept)
    return len(now) - len(kept)


def encrypt_all(*these: type[models.Model]) -> int:
    """All frozen texts are encrypted by the newest key, also those from before there was one; how many rows changed.
    What no key opens stays as it is. `these` are the models as a migration knows them."""
    return sum(_encrypted(page) for page in _pages(*these))


def count_unreadable(seconds: float) -> tuple[int, int, int]:
    """How many texts were tried in that time, how many of them no key opens, and how many are not encrypted.
    Raises ImproperlyConfigured."""
    encrypted_fields.load_keys()
    tried = lost = plain = 0
    until = time.monotonic() + seconds
    for page in _pages():
        for stored in filter(None, page.stored()):
            tried += 1
            lost += isinstance(encrypted_fields.decrypt(stored), encrypted_fields.UndecryptableText)
            plain += not encrypted_fields.is_encrypted(stored)
        if time.monotonic() > until:
            break
    return tried, lost, plain


@dataclass(frozen=True, slots=True)
class _Page:
    """Rows as they are stored: key, and text by column."""

    model: type[models.Model]
    rows: list[tuple[Any, dict[str, str]]]

    def stored(self) -> Iterator[str]:
        return (text for _, row in self.rows for text in row.values())


def _pages(*these: type[models.Model]) -> Iterator[_Page]:
    """Read whole before anything is done with them: SQLite changes no trigger while a query is open."""
    for model in these or (Snapshot,):
        names = [field.name for field in model._meta.fields if isinstance(field, encrypted_fields.EncryptedText)]
        rows, last = model._default_manager.order_by("pk"), None
        while found := list((rows.filter(pk__gt=last) if last else rows).values_list("pk", *_raw(names))[:_AT_ONCE]):
            last = found[-1][0]
            yield _Page(model, [(pk, dict(zip(names, texts, strict=True))) for pk, *texts in found])


def _raw(names: Iterable[str]) -> list[Cast]:
    """The columns as they are stored."""
    return [Cast(name, models.TextField()) for name in names]


def _encrypted(page: _Page) -> int:
    """Encrypt the texts of the page that still stand as they were read, and return how many rows changed."""
    todo = [(pk, row, fresh) for pk, row in page.rows if (fresh := _fresh(row))]
    if not todo:
        return 0
    with audit.unlock_snapshots():
        return sum(_stored(page.model, pk, row, fresh) for pk, row, fresh in todo)


def _stored(model: type[models.Model], pk: Any, before: dict[str, str], fresh: dict[str, str]) -> int:
    values = {name: models.Value(text, output_field=models.TextField()) for name, text in fresh.items()}
    same = [Exact(column, before[name]) for name, column in zip(fresh, _raw(fresh), strict=True)]
    return model._default_manager.filter(*same, pk=pk).update(**values)


def _fresh(row: dict[str, str]) -> dict[str, str]:
    """By column what is to be stored instead; the text itself stays the same."""
    found = {}
    for name, stored in row.items():
        if encrypted_fields.is_current(stored) or isinstance(
            text := encrypted_fields.decrypt(stored), encrypted_fields.UndecryptableText
        ):
            continue
        found[name] = "" if text == _NO_LIST else encrypted_fields.encrypt(text)
    return found

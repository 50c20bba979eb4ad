"""Rotate the keys that encrypt frozen texts, and count the texts that no key decrypts.

Encryption itself is in `lib/db/encrypted_fields.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.db import models, transaction
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.db.models.lookups import Exact

from apps.lib.db import encrypted_fields
from apps.safety.audit_log import audit
from apps.safety.models import Snapshot

encrypted_models: list[type[models.Model]] = [Snapshot]  # other apps add theirs when they are ready
# Models of packages, whose secrets are values of a JSON field: the field, and the keys.
encrypted_json: dict[type[models.Model], tuple[str, tuple[str, ...]]] = {}
_AT_ONCE = 200  # rows of one transaction: some 20 ms of encryption, so that a writer of SQLite does not wait long
_NO_LIST = "[]"  # an empty list as stored before encryption


class KeyStillNeeded(Exception):
    """Raised when an older key is still needed."""


def rotate_key() -> int:
    """Add a new key, encrypt all frozen texts with it and return how many changed.

    Older keys stay in the file: another process may be writing with one, and earlier backups need them. Audit entry
    `snapshots.key`.
    """
    encrypted_fields.write_keys([Fernet.generate_key().decode(), *encrypted_fields.list_key_lines()])
    with transaction.atomic():
        audit.record_event("snapshots.key", subject="frozen texts")
    return encrypt_all()


def replace_lost_key() -> None:
    """Create a new key file; texts of lost keys stay unreadable. Audit entry `snapshots.key`.

    Raise KeyStillNeeded if a key file exists.
    """
    if Path(settings.SNAPSHOT_KEYS).exists():
        raise KeyStillNeeded("The file of keys is there. Run this without --lost: texts keep the keys that open them.")
    Path(settings.SNAPSHOT_KEYS).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    encrypted_fields.write_keys([Fernet.generate_key().decode()])
    with transaction.atomic():
        audit.record_event("snapshots.key", subject="frozen texts", lost=True)


def has_encrypted_texts() -> bool:
    """Return whether any stored text is encrypted."""
    return any(
        model._default_manager.annotate(stored=column).filter(stored__startswith=encrypted_fields.PREFIX).exists()
        for model in (*encrypted_models, *encrypted_json)
        for column in _raw_columns(model).values()
    )


def drop_unused_keys() -> int:
    """Encrypt all texts with the newest key, remove the other keys from the file and return how many.

    Raise KeyStillNeeded if a text cannot be decrypted by any key.
    """
    older = set(encrypted_fields.list_key_lines()[1:])
    encrypt_all()
    if left := sum(not encrypted_fields.is_current(stored) for page in _pages() for stored in page.stored()):
        raise KeyStillNeeded(
            f"{left} frozen texts cannot be opened by any key of the file, so none was dropped. "
            "Put the missing key back from the backup, as a line of its own."
        )
    # Read again: a rotation meanwhile added a key, and the one before it is still needed.
    now = encrypted_fields.list_key_lines()
    kept = [line for line in now if line not in older]
    encrypted_fields.write_keys(kept)
    return len(now) - len(kept)


def encrypt_all(*these: type[models.Model]) -> int:
    """Encrypt all frozen texts with the newest key, plain ones too, and return how many rows changed.

    Texts that no key decrypts stay. `these` are the historical models in a migration.
    """
    return sum(_encrypt_page(page) for page in _pages(*these))


def count_unreadable(seconds: float) -> tuple[int, int, int]:
    """Return how many texts were tried within `seconds`, how many no key decrypts, and how many are not encrypted.

    Raise ImproperlyConfigured if the keys cannot be read.
    """
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
    """Rows as stored: primary key, and texts by column."""

    model: type[models.Model]
    rows: list[tuple[Any, dict[str, str]]]

    def stored(self) -> Iterator[str]:
        return (text for _, row in self.rows for text in row.values())


def _pages(*these: type[models.Model]) -> Iterator[_Page]:
    """Yield all rows in pages, each read completely: SQLite changes no trigger while a query is open."""
    for model in these or (*encrypted_models, *encrypted_json):
        columns = _raw_columns(model)
        rows, last = model._default_manager.order_by("pk"), None
        while found := list(
            (rows.filter(pk__gt=last) if last else rows).values_list("pk", *columns.values())[:_AT_ONCE]
        ):
            last = found[-1][0]
            texts = [(pk, dict(zip(columns, (text or "" for text in stored), strict=True))) for pk, *stored in found]
            yield _Page(model, texts)


def _raw_columns(model: type[models.Model]) -> dict[str, models.Func]:
    """Return by name the encrypted columns, or values of a JSON field, as stored, without decryption."""
    if model in encrypted_json:
        field, keys = encrypted_json[model]
        return {key: KeyTextTransform(key, field) for key in keys}
    names = (one.name for one in model._meta.fields if isinstance(one, encrypted_fields.EncryptedText))
    return {name: Cast(name, models.TextField()) for name in names}


def _encrypt_page(page: _Page) -> int:
    """Encrypt the texts of the page that are unchanged since they were read, and return how many rows changed."""
    todo = [(pk, row, fresh) for pk, row in page.rows if (fresh := _reencrypt_texts(row))]
    if not todo:
        return 0
    with audit.unlock_snapshots():
        return sum(_store_texts(page.model, pk, row, fresh) for pk, row, fresh in todo)


def _store_texts(model: type[models.Model], pk: Any, before: dict[str, str], fresh: dict[str, str]) -> int:
    if model in encrypted_json:
        return _store_json(model, pk, before, fresh)
    values = {name: models.Value(text, output_field=models.TextField()) for name, text in fresh.items()}
    columns = _raw_columns(model)
    same = [Exact(columns[name], before[name]) for name in fresh]
    return model._default_manager.filter(*same, pk=pk).update(**values)


def _store_json(model: type[models.Model], pk: Any, before: dict[str, str], fresh: dict[str, str]) -> int:
    field = encrypted_json[model][0]
    with transaction.atomic():
        row = model._default_manager.select_for_update().filter(pk=pk).first()
        values = getattr(row, field, {})
        if row is None or any(values.get(name) != before[name] for name in fresh):
            return 0
        setattr(row, field, {**values, **fresh})
        row.save(update_fields=[field])
    return 1


def _reencrypt_texts(row: dict[str, str]) -> dict[str, str]:
    """Return the new stored value by column, for columns that need another key. The plain text stays."""
    new_values = {}
    for name, stored in row.items():
        if encrypted_fields.is_current(stored) or isinstance(
            text := encrypted_fields.decrypt(stored), encrypted_fields.UndecryptableText
        ):
            continue
        new_values[name] = "" if text == _NO_LIST else encrypted_fields.encrypt(text)
    return new_values

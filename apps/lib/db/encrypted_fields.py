"""Model fields stored encrypted (Fernet: AES-128-CBC with an HMAC), and the file of their keys.

The keys are lines of the file `settings.SNAPSHOT_KEYS`, the newest first: that one encrypts, each of them decrypts. The
file is created on first use, readable by its owner only, and reread whenever it changes. If it is missing while
encrypted texts exist, as on a lost disk, none is created: a new key would decrypt none of them.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import models
from django.utils.translation import gettext

from apps.lib.key_file import write_key_file

PREFIX = "fernet:"  # before encrypted text; rows older than the first key have none and are read as plain text
_TOKEN = re.compile(PREFIX + r"gAAAA[\w-]+={0,2}", re.ASCII)  # other text after the prefix is no token
_lock = threading.Lock()
in_use: list[Callable[[], bool]] = []  # callbacks of the apps above: whether anything is encrypted by now
_read: dict[str, Any] = {"seen": None, "keys": ()}


MISSING = (
    "The file of keys %(place)s (SNAPSHOT_KEY_FILE) is missing, and texts are encrypted by its keys. "
    "Put its disk back, or the file from the backup. Where it is lost for good, run "
    "'manage.py rotate_snapshot_key --lost': a new key is made, and what the old ones had encrypted stays closed."
)


class UndecryptableText(str):
    """Placeholder for a text whose key is missing; tells the reader so. Code must not treat it as the text."""


def load_keys() -> tuple[Fernet, ...]:
    """Return the keys, the newest first. Raise ImproperlyConfigured if the file cannot be read or created, or holds a
    line that is no key."""
    place = Path(settings.SNAPSHOT_KEYS)
    try:
        seen = _seen(place)
        if _read["seen"] != seen:
            with _lock:
                _read.update(keys=tuple(map(Fernet, _lines(place))), seen=seen)
    except OSError as error:
        raise ImproperlyConfigured(f"The file of keys {place} (SNAPSHOT_KEY_FILE) is out of reach: {error}") from error
    except ValueError as error:
        raise ImproperlyConfigured(
            f"The file of keys {place} (SNAPSHOT_KEY_FILE) has a line that is not a key. Restore it from the backup."
        ) from error
    found: tuple[Fernet, ...] = _read["keys"]
    return found


def write_keys(lines: list[str]) -> None:
    """Replace the keys, the newest first, atomically. Raise OSError if that fails; the old keys stay."""
    write_key_file(Path(settings.SNAPSHOT_KEYS).resolve(), lines, replace=True)  # follows a symbolic link


def list_key_lines() -> list[str]:
    """Return the lines of the key file. Raise ImproperlyConfigured as `load_keys` does."""
    load_keys()
    return _lines(Path(settings.SNAPSHOT_KEYS))


def encrypt(text: str) -> str:
    """Return the text encrypted with the newest key. Raise ImproperlyConfigured as `load_keys` does."""
    return PREFIX + load_keys()[0].encrypt(text.encode("utf-8", "surrogatepass")).decode()


def decrypt(stored: str) -> str:
    """Return the plain text, or an UndecryptableText if none of the keys decrypts it. Unencrypted text is returned
    unchanged."""
    if not is_encrypted(stored):
        return stored
    with suppress(InvalidToken, ValueError, ImproperlyConfigured):
        return MultiFernet(load_keys()).decrypt(stored.removeprefix(PREFIX)).decode("utf-8", "surrogatepass")
    return UndecryptableText(
        gettext("This text cannot be opened because its key is missing. An administrator must restore the key.")
    )


def is_encrypted(stored: str) -> bool:
    """Return whether the stored text is encrypted."""
    return _TOKEN.fullmatch(stored) is not None


def is_current(stored: str) -> bool:
    """Return whether the stored text is empty, or encrypted with the newest key."""
    if not stored or not is_encrypted(stored):
        return not stored
    try:
        load_keys()[0].decrypt(stored.removeprefix(PREFIX))
    except (InvalidToken, ValueError):  # encrypted with another key, or malformed
        return False
    return True


if TYPE_CHECKING:
    Text = models.TextField[str, str]
else:
    Text = models.TextField


class EncryptedText(Text):
    """Text field that is plain in memory and encrypted in the database. Empty text stays empty and is the only value
    that can be looked up."""

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        return encrypt(value) if isinstance(value, str) and value else super().get_db_prep_save(value, connection)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return decrypt(value) if value else value

    def get_prep_value(self, value: Any) -> Any:
        if value:
            raise self._closed()
        return super().get_prep_value(value)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name not in ("exact", "isnull"):
            raise self._closed()
        return super().get_lookup(lookup_name)

    def _closed(self) -> FieldError:
        return FieldError(f"{self.name} is encrypted: nothing but the empty text can be looked for in it.")


class EncryptedJSON(EncryptedText):
    """Encrypted field of a JSON list. The empty list is stored as empty text; a list whose key is missing reads as
    empty."""

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if hasattr(value, "resolve_expression"):
            return super().get_db_prep_save(value, connection)
        return encrypt(json.dumps(value, ensure_ascii=False)) if value else ""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        text = decrypt(value) if value else ""
        return json.loads(text) if text and not isinstance(text, UndecryptableText) else []


def _seen(place: Path) -> tuple[str, int, int, int]:
    """Return values that change whenever the file does. Create the file if it is missing. Raise ImproperlyConfigured if
    it is missing while encrypted texts exist."""
    try:
        found = place.stat()
    except FileNotFoundError as error:
        if any(ask() for ask in in_use):
            raise ImproperlyConfigured(MISSING % {"place": place}) from error
        # On the disk before anything is encrypted with it: the database, on another disk, may outlive a power cut.
        write_key_file(place, [Fernet.generate_key().decode()], replace=False)
        found = place.stat()
    return str(place), found.st_ino, found.st_mtime_ns, found.st_size


def _lines(place: Path) -> list[str]:
    found = [line.strip() for line in place.read_text().splitlines()]
    if not any(found):
        raise ValueError
    return [line for line in found if line]

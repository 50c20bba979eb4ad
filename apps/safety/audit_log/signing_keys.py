"""Store the keys that sign audit log entries, in a file outside the database (`settings.AUDIT_KEYS`).

The file holds one key per line, 64 hexadecimal digits, newest first: the newest signs, every key verifies. The first
entry creates the file, readable by its owner only. `read_keys` and `add_key` are the entry points. Nothing is signed
here.
"""

from __future__ import annotations

import re
import secrets
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.lib.key_file import write_key_file

MISSING = (
    "The key of the audit log {place} (AUDIT_KEY_FILE) is missing, and entries are signed by it. Put its disk back, or "
    "the file from the backup. Where it is lost for good, run 'manage.py renew_audit_key --lost': a new key is made, "
    "and the log says from which entry on it holds."
)
_KEY = re.compile(r"[0-9a-f]{64}")
_lock = threading.Lock()
_read: dict[str, Any] = {"seen": None, "keys": ()}


def read_keys(create: bool = False) -> tuple[bytes, ...]:
    """Return the keys, 32 bytes each, newest first; `()` if there is no file and `create` is False.

    With `create` a missing file is made with one new key. Raise ImproperlyConfigured if the file cannot be read or
    made, is empty or holds an invalid line. Cached until the file changes.
    """
    path = Path(settings.AUDIT_KEYS)
    try:
        if create and not path.exists():
            write_key_file(path, [secrets.token_hex(32)], replace=False)
        stat = path.stat()
        version = (str(path), stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if _read["seen"] != version:
            with _lock:
                _read.update(keys=tuple(bytes.fromhex(line) for line in read_lines()), seen=version)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ImproperlyConfigured(
            f"The key of the audit log {path} (AUDIT_KEY_FILE) is out of reach: {error}"
        ) from error
    keys: tuple[bytes, ...] = _read["keys"]
    return keys


def read_lines() -> list[str]:
    """Return the keys as hexadecimal lines of the file.

    Raise ImproperlyConfigured if a line is no key or the file is empty, OSError if it cannot be read.
    """
    return check_lines(Path(settings.AUDIT_KEYS).read_text(errors="replace"))


def check_lines(text: str) -> list[str]:
    """Return the lines of a key file's text. Raise ImproperlyConfigured if a line is no key or the text is empty."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or not all(map(_KEY.fullmatch, lines)):
        raise ImproperlyConfigured(
            f"The key of the audit log {settings.AUDIT_KEYS} (AUDIT_KEY_FILE) holds a line that is no key. "
            "Put it back from the backup."
        )
    return lines


def write_keys(lines: list[str]) -> None:
    """Replace the key file atomically by these hexadecimal lines, newest first; duplicates are dropped.

    Raise OSError.
    """
    write_key_file(Path(settings.AUDIT_KEYS).resolve(), list(dict.fromkeys(lines)), replace=True)


def add_key() -> None:
    """Insert a new random key as the newest one; create the file if it is missing.

    Raise ImproperlyConfigured if the file holds an invalid line, OSError if it cannot be written.
    """
    place = Path(settings.AUDIT_KEYS)
    write_keys([secrets.token_hex(32), *(read_lines() if place.exists() else [])])

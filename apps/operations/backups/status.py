"""Status of the latest backup for the schedule and the Doctor, in a small JSON file in DATA_DIR."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.lib import json_file


def get_status_path() -> Path:
    return Path(settings.DATA_DIR) / "backup.json"


def read_status() -> dict[str, Any]:
    """Return the stored facts; {} without any.

    Keys: `backup` (path, size, at), `check` (path, at, reason), `failure` (at, reason), `tried` and `scheduled`
    (times).
    """
    return json_file.read_json(get_status_path())


def update_status(**changes: object) -> None:
    """Store facts; others stay. A new `backup` removes an earlier `failure`."""
    stored = read_status()
    if "backup" in changes:
        stored.pop("failure", None)
    json_file.write_json(get_status_path(), {**stored, **changes})


def read_time(value: object) -> datetime | None:
    """Return a stored ISO 8601 time; None if it is missing or malformed."""
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None

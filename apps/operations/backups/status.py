"""Facts about the latest backup, for the schedule and the Doctor: a small JSON file in DATA_DIR."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.lib import json_file


def get_status_path() -> Path:
    return Path(settings.DATA_DIR) / "backup.json"


def read_status() -> dict[str, Any]:
    """Return what was noted: `backup` (path, size, at), `check` (path, at, reason), `failure` (at, reason),
    `tried` and `scheduled` (times of the schedule). Empty where nothing was."""
    return json_file.read_json(get_status_path())


def update_status(**changes: object) -> None:
    """Change facts; the others stay. A backup that was made ends the failure before it."""
    kept = read_status()
    if "backup" in changes:
        kept.pop("failure", None)
    json_file.write_json(get_status_path(), {**kept, **changes})


def read_time(said: object) -> datetime | None:
    """Return a time that `update_status` was given in ISO 8601; None where there is none."""
    try:
        return datetime.fromisoformat(str(said))
    except ValueError:
        return None

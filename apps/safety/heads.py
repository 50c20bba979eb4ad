"""The head of the log, written down once a day outside of the database: whoever rewrites the whole log and its hashes
leaves one that is whole by itself, and no longer the one that these lines tell of.

`DATA_DIR/heads.jsonl`, one JSON object a line; worth copying to where the database's owner cannot write.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from apps.safety.audit import Event


def file() -> Path:
    return Path(settings.DATA_DIR) / "heads.jsonl"


def note() -> None:
    """Today's head stands in the file; nothing where it does already, or where nothing was logged yet."""
    last = Event.objects.order_by("-seq").values("seq", "sha256").first()
    today = timezone.now().date().isoformat()
    if last is None or any(row.get("day") == today for row in _rows()):
        return
    with file().open("a") as out:
        out.write(json.dumps({"day": today, **last}) + "\n")


def verify() -> list[str]:
    """What of the log is not as it was on a day that was written down, in words."""
    heads = [row for row in _rows() if isinstance(row.get("seq"), int)]
    known = dict(Event.objects.filter(seq__in=[row["seq"] for row in heads]).values_list("seq", "sha256"))
    return [
        f"The log of {row.get('day')} ended with another entry {row['seq']} than the one that is there now."
        for row in heads
        if known.get(row["seq"]) != row.get("sha256")
    ]


def _rows() -> list[dict[str, Any]]:
    """A line that cannot be read, cut off by a full disk, says nothing."""
    found = []
    for line in file().read_text().splitlines() if file().is_file() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        found += [row] if isinstance(row, dict) else []
    return found

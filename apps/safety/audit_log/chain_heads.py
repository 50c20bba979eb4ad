"""Note the head of the audit log outside the database with every entry, so that a truncated tail is found.

`note_head`, `send_head` and `read_heads` are the entry points; `verification.py` compares the heads with the log.
`settings.AUDIT_HEADS` is an append-only file with one JSON object per line: "seq" and "sha256" of an entry, and "at".
The worker also sends the newest head to `settings.AUDIT_HEADS_URL`, at most once a minute. The URL is
`syslog://host:514`, `syslog:///dev/log`, or an https address that accepts a JSON object by POST.
"""

from __future__ import annotations

import json
import logging
import os
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from logging.handlers import SysLogHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from apps.lib import json_file

SEND_INTERVAL = timedelta(minutes=1)  # between two heads that are sent
TAIL_BYTES = 256 * 1024  # bytes at the end of the file that a quick check reads: some 1,700 entries
_TIMEOUT_S = 5


def heads_file() -> Path:
    """Return the path of the file of heads."""
    return Path(settings.AUDIT_HEADS)


def note_head(seq: int, sha256: str) -> None:
    """Append the head to the file in one short write, so that lines of several processes never mix. Raise OSError."""
    line = json.dumps({"at": timezone.now().isoformat(timespec="seconds"), "seq": seq, "sha256": sha256}) + "\n"
    heads_file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(heads_file(), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        if _ends_within_line():
            line = "\n" + line
        os.write(handle, line.encode())
    finally:
        os.close(handle)


def read_heads(whole: bool = True) -> list[dict[str, Any]]:
    """Return the noted heads in order; without `whole` only those at the end of the file.

    Unreadable lines, such as one that a full disk cut off, are left out.
    """
    try:
        with heads_file().open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0 if whole else max(0, size - TAIL_BYTES))
            return list(_parse(file.read()))
    except FileNotFoundError:
        return []


def send_head(head: dict[str, Any]) -> int:
    """Send the head to AUDIT_HEADS_URL and return 1; 0 if it was sent already, or another less than a minute ago.

    Raise OSError.
    """
    before, now = read_sent(), timezone.now()
    if before.get("seq") == head["seq"] or now - _time(before.get("at")) < SEND_INTERVAL:
        return 0
    content = {**head, "site": settings.SITE_URL, "at": now.isoformat(timespec="seconds")}
    try:
        _send(settings.AUDIT_HEADS_URL, content)
    except OSError as error:
        json_file.write_json(_sent_file(), {**before, "error": str(error)[:300]})
        raise
    json_file.write_json(_sent_file(), content)
    return 1


def read_sent() -> dict[str, Any]:
    """Return the head that was sent last, with "error" if the last attempt failed; `{}` if none was sent."""
    return json_file.read_json(_sent_file())


def _send(url: str, content: dict[str, Any]) -> None:
    parts = urlsplit(url)
    if parts.scheme == "syslog":
        place: Any = (parts.hostname, parts.port or 514) if parts.hostname else parts.path
        handler = _Raising(address=place, facility=SysLogHandler.LOG_AUTHPRIV)
        try:
            handler.emit(logging.makeLogRecord({"msg": "openbook audit head " + json.dumps(content), "levelno": 20}))
        finally:
            handler.close()
        return
    request = urllib.request.Request(  # noqa: S310 - the operator's own address, checked in settings
        url, json.dumps(content).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310
        pass


class _Raising(SysLogHandler):
    """Handler that raises errors instead of printing them."""

    def handleError(self, record: logging.LogRecord) -> None:
        raise


def _ends_within_line() -> bool:
    """Return whether the last line is incomplete, as after a full disk, so that the next one must not be joined to
    it."""
    with heads_file().open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _parse(data: bytes) -> Iterator[dict[str, Any]]:
    for line in data.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and isinstance(row.get("seq"), int) and isinstance(row.get("sha256"), str):
            yield row


def _sent_file() -> Path:
    return Path(settings.DATA_DIR) / "head_sent.json"


def _time(value: object) -> datetime:
    return (
        datetime.fromisoformat(str(value)) if value else datetime.fromtimestamp(0, tz=timezone.get_current_timezone())
    )

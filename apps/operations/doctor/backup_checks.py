"""Doctor's check of backups: age and place of the last one, and the result of its restore check."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext

from apps.operations.backups import status
from apps.operations.doctor.system_checks import CheckResult, bad, good, warn

UNSCHEDULED = timedelta(days=7)  # age from which a backup made by hand counts as old


def check_backups() -> CheckResult:
    """Return the check of the last backup and its restore check."""
    stored, hours = status.read_status(), settings.BACKUP_HOURS
    backup, failure = stored.get("backup") or {}, stored.get("failure") or {}
    created, message = status.read_time(backup.get("at")), _describe(backup, stored.get("check") or {})
    schedule = gettext("Set BACKUP_HOURS for regular backups by the worker, or run ./run backup regularly.")
    if failed := _failed_check(stored.get("check") or {}):
        advice = gettext("Create another one with ./run backup, and check the disk of %(folder)s.")
        return bad(f"{message} {failed}", advice % {"folder": settings.BACKUP_DIR})
    if failure:
        result = gettext("The last attempt failed: %(reason)s") % {"reason": failure.get("reason", "")}
        again = gettext("The next attempt is within an hour. Until then there is no newer backup.")
        return warn(f"{message} {result}", again)
    if created is None:
        return warn(
            message, gettext("The worker creates one soon. Check that the worker is running.") if hours else schedule
        )
    limit = 2 * timedelta(hours=hours) if hours else UNSCHEDULED
    if timezone.now() - created > limit:
        late = gettext("It is overdue. See the check of the worker and the lines of 'worker' in the log.")
        return warn(message, late if hours else schedule)
    return good(message)


def _describe(backup: dict[str, Any], check: dict[str, Any]) -> str:
    created = status.read_time(backup.get("at"))
    if created is None:
        return gettext("There is no backup yet.")
    message = gettext("The last backup was made %(age)s ago: %(path)s (%(size)s).") % {
        "age": _age(created), "path": backup.get("path", ""), "size": filesizeformat(backup.get("size", 0)),
    }  # fmt: skip
    checked = status.read_time(check.get("at"))
    if checked is None or check.get("reason"):
        return message
    result = gettext("The last test restore succeeded %(age)s ago.") % {"age": _age(checked)}
    if check.get("path") == backup.get("path"):
        result = gettext("A test restore of it succeeded.")
    return f"{message} {result}"


def _failed_check(check: dict[str, Any]) -> str:
    """Return a sentence if the last restore check failed; "" if it succeeded or there was none."""
    if not check.get("reason"):
        return ""
    result = gettext("The test restore of %(path)s failed: %(reason)s")
    return result % {"path": check.get("path", ""), "reason": check["reason"]}


def _age(at: datetime) -> str:
    return timesince(at).replace("\xa0", " ")

"""Export the audit log as JSON Lines for administrators: all fields of each entry, the oldest first.

Call `begin_export`, then `export_batch` until it reaches the number that `begin_export` returned.
"""

from __future__ import annotations

import json

from django.utils.translation import gettext

from apps.safety.audit_log import audit
from apps.safety.audit_log.audit import AuditEntry
from apps.safety.errors import ActionRefused
from apps.users.models import User

BATCH = 1000  # entries of one query


def begin_export(user: User) -> int:
    """Write the audit entry `log.exported` and return its number, up to which the export reads.

    Raise ActionRefused unless the user is an active administrator.
    """
    if not (user.is_administrator and user.is_active):
        raise ActionRefused(gettext("Only administrators can export the audit log."))
    return audit.record_event("log.exported", actor=user).seq


def export_batch(after: int, last: int) -> tuple[str, int]:
    """Return up to BATCH entries as JSON Lines, and the number of the last of them.

    Only numbers above `after`, up to `last` inclusive, are read. Return ("", last) if there are none.
    """
    rows = list(AuditEntry.objects.filter(seq__gt=after, seq__lte=last).order_by("seq")[:BATCH])
    lines = [_format_line(row) for row in rows]
    return "".join(lines), rows[len(lines) - 1].seq if lines else last


def _format_line(row: AuditEntry) -> str:
    fields = {
        "seq": row.seq, "at": row.at.isoformat(timespec="microseconds"), "kind": row.kind, "actor": row.actor,
        "person": row.person, "subject": row.subject, "payload": row.payload, "before": row.before,
        "hmac_sha256": row.sha256,
    }  # fmt: skip
    return json.dumps(fields, ensure_ascii=False) + "\n"

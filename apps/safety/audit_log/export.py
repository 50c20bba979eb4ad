"""Export the audit log for administrators, the oldest entry first: by default as JSON Lines with all fields.

Call `begin_export`, then `export_batch` until it reaches the number that `begin_export` returned. An export of the
whole log as JSON Lines can be verified line by line; one with a filter begins with `format_filter`, as its chain has
gaps.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext

from apps.safety.audit_log import audit
from apps.safety.audit_log.audit import AuditEntry
from apps.safety.errors import ActionRefused
from apps.users.models import User

BATCH = 1000  # entries of one query


def begin_export(user: User, **narrowed: Any) -> int:
    """Write the audit entry `log.exported` and return its number, up to which the export reads.

    `narrowed` is the filter, if any, for the entry. Raise ActionRefused unless the user is an active administrator.
    """
    if not (user.is_administrator and user.is_active):
        raise ActionRefused(gettext("Only administrators can export the audit log."))
    return audit.record_event("log.exported", actor=user, **narrowed).seq


def format_filter(last: int, **narrowed: Any) -> str:
    """Return the first line of an export with a filter: which entries it holds, up to which number."""
    return json.dumps({"filter": narrowed, "up_to": last, "whole_log": False}, ensure_ascii=False) + "\n"


def format_lines(rows: Sequence[AuditEntry]) -> str:
    """Return the entries as JSON Lines."""
    return "".join(_format_line(row) for row in rows)


def export_batch(
    after: int, last: int, chosen: Q, format_rows: Callable[[Sequence[AuditEntry]], str] = format_lines
) -> tuple[str, int]:
    """Return up to BATCH entries as text, and the number of the last of them.

    Only numbers above `after`, up to `last` inclusive, are read, and of these the entries that match `chosen`, and
    `last`; all of them for an empty `chosen`. Return ("", last) if there are none.
    """
    rows = AuditEntry.objects.filter(seq__gt=after, seq__lte=last)
    if chosen:  # an empty Q or another one is that other one
        rows = rows.filter(chosen | Q(seq=last))
    found = list(rows.order_by("seq")[:BATCH])
    return format_rows(found), found[-1].seq if found else last


def _format_line(row: AuditEntry) -> str:
    fields = {
        "seq": row.seq, "at": row.created.isoformat(timespec="microseconds"), "kind": row.kind, "actor": row.actor,
        "person": row.user, "subject": row.subject, "payload": row.payload, "before": row.previous_sha256,
        "hmac_sha256": row.sha256,
    }  # fmt: skip
    return json.dumps(fields, ensure_ascii=False) + "\n"

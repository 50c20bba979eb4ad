"""Export the audit log as JSON Lines for administrators: all fields of each entry, the oldest first.

Call `begin_export`, then `export_batch` until it reaches the number that `begin_export` returned.
"""

from __future__ import annotations

import json

from django.db.models import QuerySet
from django.utils.translation import gettext

from apps.safety import audit, breakglass
from apps.safety.audit import Event
from apps.safety.transitions import Refused
from apps.users.models import User

BATCH = 1000  # entries of one query


def begin_export(user: User) -> int:
    """Log the export and return the number of that entry, up to which the export reads.

    Raises Refused unless the user is an active administrator.
    """
    if not (user.is_administrator and user.is_active):
        raise Refused(gettext("Only administrators export the audit log."))
    return audit.record("log.exported", actor=user).seq


def readable_entries(user: User) -> QuerySet[Event]:
    """Return every entry except those of a break-glass access to the user's own data that is still undisclosed.

    The caller checks that the user is an administrator.
    """
    return Event.objects.exclude(subject__in=breakglass.unseen(user))


def export_batch(user: User, after: int, last: int) -> tuple[str, int]:
    """Return up to `BATCH` entries as JSON Lines, and the number of the last of them.

    Only numbers above `after`, up to `last` inclusive, are read. Return ("", last) where there are none.
    """
    rows = list(readable_entries(user).filter(seq__gt=after, seq__lte=last).order_by("seq")[:BATCH])
    lines = [_spell(row) for row in rows]
    return "".join(lines), rows[len(lines) - 1].seq if lines else last


def _spell(row: Event) -> str:
    fields = {
        "seq": row.seq, "at": row.at.isoformat(timespec="microseconds"), "kind": row.kind, "actor": row.actor,
        "person": row.person, "subject": row.subject, "payload": row.payload, "before": row.before,
        "hmac_sha256": row.sha256,
    }  # fmt: skip
    return json.dumps(fields, ensure_ascii=False) + "\n"

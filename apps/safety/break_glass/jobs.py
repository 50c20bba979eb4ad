"""End break-glass access in time, let unanswered requests lapse and email the users who can answer."""

from __future__ import annotations

import time
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from apps.safety.audit_log import audit
from apps.safety.break_glass.access_requests import REQUEST_LIFETIME, State
from apps.safety.models.break_glass import BreakGlass
from apps.users.i18n import use_language_of
from apps.users.special_permissions import BREAK_GLASS

_AT_ONCE = 20
_expiry_times: dict[UUID, float] = {}  # end of each open access on the monotonic clock, which cannot be set back


def process_due_requests() -> int:
    """End due access, let old requests lapse and send emails; return how many of these there were.

    One transaction and audit entry (`break_glass.expired` or `break_glass.lapsed`) per request. A periodic job of the
    worker. Raise OSError if an email could not be sent.
    """
    now = timezone.now()
    over = _find_expired(now)
    unheard = BreakGlass.objects.filter(state=State.ASKED, created__lt=now - REQUEST_LIFETIME)
    return sum(_end(row, "expired") for row in over) + sum(_end(row, "lapsed") for row in unheard) + _send_emails()


def _find_expired(now: datetime) -> list[BreakGlass]:
    """Return open access whose minutes are over, also if the system clock was set back meanwhile."""
    rows = list(BreakGlass.objects.filter(state=State.OPEN))
    known = {row.pk: _expiry_times.get(row.pk, float("inf")) for row in rows}
    _expiry_times.clear()
    for row in rows:
        left = (row.expires - now).total_seconds() if row.expires else 0.0
        _expiry_times[row.pk] = min(known[row.pk], time.monotonic() + left)
    return [row for row in rows if _expiry_times[row.pk] < time.monotonic()]


def _end(row: BreakGlass, how: str) -> int:
    with transaction.atomic():
        done = BreakGlass.objects.filter(pk=row.pk, state=row.state).update(state=State.ENDED)
        if done:
            audit.record_event(f"break_glass.{how}", user=row.user_id, subject=row.subject, ground=row.ground)
    return done


def _send_emails() -> int:
    """Email requests and emergencies to all users with the permission, except the requester and the user concerned.

    Return how many emails were sent. Raise the last OSError after all were tried.
    """
    rows = BreakGlass.objects.filter(Q(state=State.ASKED) | Q(emergency=True), mailed=None)
    sent, failed = 0, None
    for row in rows[:_AT_ONCE]:
        if not BreakGlass.objects.filter(pk=row.pk, mailed=None).update(mailed=timezone.now()):
            continue  # another worker sends it
        told, error = _email_reviewers(row)
        sent, failed = sent + told, failed or error
        if error is not None and not told:  # none was sent: retried by the next run
            BreakGlass.objects.filter(pk=row.pk).update(mailed=None)
    if failed is not None:
        raise failed
    return sent


def _email_reviewers(row: BreakGlass) -> tuple[int, OSError | None]:
    """Return how many emails were sent and the last error; a failed address does not stop the others."""
    others = BREAK_GLASS.list_holders().exclude(pk__in=[pk for pk in (row.requester_id, row.user_id) if pk])
    sent, last_error = 0, None
    for other in others:
        with use_language_of(other):
            title = (
                gettext("A conversation was opened in an emergency")
                if row.emergency
                else gettext("Request for emergency access")
            )
            link = settings.SITE_URL + reverse("conversations:break_glass")
            text = render_to_string(
                "safety/break_glass_mail.txt", {"row": row, "link": link, "site_url": settings.SITE_URL}
            )
        try:
            send_mail(f"[Openbook] {title}", text, settings.DEFAULT_FROM_EMAIL, [other.email])
            sent += 1
        except OSError as error:
            last_error = error
    return sent, last_error

"""Break-glass access: staff read one conversation outside any case, for a written reason and a short time.

A request is ASKED until another user approves (OPEN) or refuses it (REFUSED), the requester withdraws it or it lapses
(ENDED). An emergency is OPEN at once and reviewed afterwards. Open access becomes ENDED.

Only users with the permission (`apps/users/special_permissions.py`) ask and approve, never about themselves. Users
approve their own request only if no other user has the permission, marked as self-approved. Constraints of the database
enforce both. Each reading is an audit entry that the user whose conversation is read can see.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models.break_glass import BreakGlass
from apps.users.models import User, UserNotice
from apps.users.notices import notify_users
from apps.users.special_permissions import BREAK_GLASS

REQUEST_LIFETIME = timedelta(hours=24)  # of a request without an answer
MIN_REASON_CHARACTERS = 20
CLOCK_TOLERANCE = timedelta(minutes=1)  # at most, between the machines of one site
NOT_PERMITTED = gettext_lazy("You are not allowed to do this, or it was already done. Nothing was changed.")
_UNREVIEWED = gettext_lazy(
    "Your last emergency has not been reviewed yet. Until then, request access without the emergency option."
)


State, Ground = BreakGlass.State, BreakGlass.Ground


def can_list_requests(user: User) -> bool:
    """Return whether the user sees the requests: users with the permission, and administrators, who can read no
    conversation."""
    return BREAK_GLASS.is_held_by(user) or (user.is_administrator and user.is_active)


def request_access(
    requester: User, user: User, conversation: UUID | None, ground: str, reason: str, *, emergency: bool = False
) -> BreakGlass:
    """Store a request that waits for approval; an emergency is open at once.

    The requester needs the break-glass permission and may not ask about themselves. The caller has checked that the
    conversation is the user's; None: bound later by `bind_conversation`. One transaction with the audit entry
    `break_glass.requested` or `break_glass.opened`. Raise ActionRefused if not permitted, without a ground, if the
    reason is shorter than MIN_REASON_CHARACTERS, or an earlier emergency is not reviewed.
    """
    now = timezone.now()
    if not BREAK_GLASS.is_held_by(requester) or user.pk == requester.pk:
        raise ActionRefused(str(NOT_PERMITTED))
    if ground not in Ground.values:
        raise ActionRefused(gettext("Choose the ground on which this conversation has to be read."))
    if len(reason.strip()) < MIN_REASON_CHARACTERS:
        raise ActionRefused(
            gettext("Write why this conversation has to be read, in at least %(characters)s characters.")
            % {"characters": MIN_REASON_CHARACTERS}
        )
    if emergency and BreakGlass.objects.filter(requester=requester, emergency=True, reviewed=None).exists():
        raise ActionRefused(str(_UNREVIEWED))
    row = BreakGlass(
        requester=requester, user=user, conversation=conversation, ground=ground, reason=reason.strip()[:1000],
        emergency=emergency, minutes=settings.BREAK_GLASS_MINUTES,
    )  # fmt: skip
    if emergency:
        row.state, row.opened, row.expires = State.OPEN, now, now + timedelta(minutes=row.minutes)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            _record("opened" if emergency else "requested", row, requester, ground=ground, reason=row.reason)
    except IntegrityError as error:  # sent twice at the same time
        raise ActionRefused(str(_UNREVIEWED)) from error
    return row


def approve_request(user: User, pk: UUID) -> BreakGlass:
    """Approve a request, open from now on for its minutes, and return it.

    Another user with the permission, unless there is none. One transaction with the audit entry
    `break_glass.approved`. Raise ActionRefused if not permitted or the request was answered.
    """
    now = timezone.now()
    row = _get_answerable(user, pk, State.ASKED)
    with transaction.atomic():
        expires = now + timedelta(minutes=row.minutes)
        _change(
            row, state=State.OPEN, approver=user, opened=now, expires=expires,
            self_approved=_is_self_approved(user, row),
        )  # fmt: skip
        _record("approved", row, user, ground=row.ground, **_self_approval_payload(user, row))
    return row


def refuse_request(user: User, pk: UUID, note: str) -> BreakGlass:
    """Refuse a request and return it. The note is cut to 400 characters.

    Permission as for `approve_request`. One transaction with the audit entry `break_glass.declined`. Raise
    ActionRefused if not permitted or the request was answered.
    """
    row = _get_answerable(user, pk, State.ASKED)
    with transaction.atomic():
        _change(
            row, state=State.REFUSED, approver=user, note=note.strip()[:400], self_approved=_is_self_approved(user, row)
        )
        _record("declined", row, user, ground=row.ground, **_self_approval_payload(user, row), why=note.strip()[:400])
    return row


def review_emergency(user: User, pk: UUID, justified: bool, note: str) -> None:
    """Review afterwards whether an emergency was justified; one that was not ends at once.

    Permission as for `approve_request`; a note is required. One transaction with the audit entry
    `break_glass.reviewed`. Raise ActionRefused if not permitted, reviewed already or without a note.
    """
    row = _get_answerable(user, pk, *State)
    if not row.emergency or row.reviewed is not None:
        raise ActionRefused(str(NOT_PERMITTED))
    if not note.strip():
        raise ActionRefused(gettext("Write a sentence about why it was justified or not."))
    with transaction.atomic():
        rows = BreakGlass.objects.filter(pk=row.pk, reviewed=None)
        changes = {
            "reviewed": timezone.now(),
            "justified": justified,
            "note": note.strip()[:400],
            "approver": user,
            "self_approved": _is_self_approved(user, row),
        }
        if not rows.update(**changes, **({} if justified else {"state": State.ENDED})):
            raise ActionRefused(str(NOT_PERMITTED))
        _record(
            "reviewed",
            row,
            user,
            ground=row.ground,
            **_self_approval_payload(user, row),
            justified=justified,
            why=note.strip()[:400],
        )


def end_access(user: User, pk: UUID) -> BreakGlass:
    """End open access early, or withdraw one's own request; return the row with its former state.

    Users with the permission and administrators end any access, never about themselves. One transaction with the audit
    entry `break_glass.ended`. Raise ActionRefused otherwise.
    """
    rows = BreakGlass.objects.filter(Q(state=State.OPEN) | Q(state=State.ASKED, requester=user), pk=pk)
    row = rows.exclude(user=user).first()
    if row is None or not can_list_requests(user):
        raise ActionRefused(str(NOT_PERMITTED))
    with transaction.atomic():
        _change(row, state=State.ENDED, expires=timezone.now())
        _record("ended", row, user, ground=row.ground)
    return row


def get_open_access(user: User, pk: UUID) -> BreakGlass:
    """Return the open access that the user asked for and may read now.

    Access that opens in the future, as after a clock was set back, is not returned. Raise ActionRefused if there is
    none.
    """
    now = timezone.now()
    rows = BreakGlass.objects.filter(
        requester=user, state=State.OPEN, expires__gt=now, opened__lte=now + CLOCK_TOLERANCE
    )
    rows = rows.filter(user__isnull=False)
    row = rows.filter(pk=pk).select_related("user").first() if BREAK_GLASS.is_held_by(user) else None
    if row is None:
        raise ActionRefused(str(NOT_PERMITTED))
    return row


def bind_conversation(row: BreakGlass, conversation: UUID) -> None:
    """Bind open access without a conversation to this one. Raise ActionRefused if it is bound or no longer open."""
    if not BreakGlass.objects.filter(pk=row.pk, conversation=None, state=State.OPEN).update(conversation=conversation):
        raise ActionRefused(str(NOT_PERMITTED))
    row.conversation = conversation


def record_reading(row: BreakGlass, user: User, texts: int, title: str = "") -> None:
    """Write the audit entry `read`, and a notice to the user whose conversation is read.

    `texts` is the number of messages, 0 if only dates and titles are listed; `title` that of the conversation. Call
    before any text is shown. Raise ActionRefused unless `user` asked for the access and still has the permission.
    """
    if row.requester_id != user.pk or not BREAK_GLASS.is_held_by(user):
        raise ActionRefused(str(NOT_PERMITTED))
    payload = {"why": "break_glass", "ground": row.ground, "reason": row.reason, "texts": texts}
    with transaction.atomic():
        audit.record_event("read", actor=user, user=row.user_id, subject=row.subject, **payload)
        _notify_reading(row, user, title, listed=not texts)


def describe_reading(row: BreakGlass | None, user: User | None, *, listed: bool) -> dict[str, Any]:
    """Return the details of a notice that `user` read under the access, in the form of `UserNotice`."""
    approval = "second" if row is None else "emergency" if row.emergency else "self" if row.self_approved else "second"
    return {"by_administrator": bool(user and user.is_administrator), "listed": listed, "approval": approval}


def _notify_reading(row: BreakGlass, user: User, title: str, *, listed: bool) -> None:
    """Tell the user once that conversations were listed, and once that one was read."""
    earlier = UserNotice.objects.filter(user=row.user_id, kind=UserNotice.Kind.READING, subject=str(row.pk))
    if row.user_id is None or any(listed or not notice.is_listing for notice in earlier):
        return
    details = describe_reading(row, user, listed=listed)
    notify_users([row.user_id], UserNotice.Kind.READING, row.pk, title, **details)


def anonymize_requests(user: User) -> int:
    """End open access and requests about an erased user, and clear reason, note and conversation.

    Return how many rows.
    """
    rows = BreakGlass.objects.filter(user=user)
    rows.filter(state__in=[State.ASKED, State.OPEN]).update(state=State.ENDED, expires=timezone.now())
    return rows.update(reason="", note="", conversation=None)


def pending_requests(user: User) -> QuerySet[BreakGlass]:
    """Return the requests and emergencies that the user can answer or review.

    Requests of other users, at most 24 hours old. Requests of the user only if no other user could answer. None without
    the permission.
    """
    if not BREAK_GLASS.is_held_by(user):
        return BreakGlass.objects.none()
    asked = Q(state=State.ASKED, created__gt=timezone.now() - REQUEST_LIFETIME)
    undone = asked | Q(emergency=True, reviewed=None)
    others = list(BREAK_GLASS.list_holders().exclude(pk=user.pk).values_list("pk", flat=True)[:2])
    own = Q(requester=user) if not others else Q(requester=user, user__in=others) if len(others) == 1 else Q(pk=None)
    rows = BreakGlass.objects.filter(undone, Q(user=None) | ~Q(user=user))
    return rows.filter(~Q(requester=user) | Q(requester=None) | own)


def _get_answerable(user: User, pk: UUID, *states: str) -> BreakGlass:
    row = pending_requests(user).filter(pk=pk, state__in=states).first()
    if row is None:
        raise ActionRefused(str(NOT_PERMITTED))
    return row


def _is_self_approved(user: User, row: BreakGlass) -> bool:
    """Return whether the requester answers; `pending_requests` allows that only if no other user could."""
    return row.requester_id == user.pk


def _self_approval_payload(user: User, row: BreakGlass) -> dict[str, bool]:
    return {"self_approved": True} if _is_self_approved(user, row) else {}


def _change(row: BreakGlass, **changes: Any) -> None:
    """Update the request if its state is unchanged since it was read. Raise ActionRefused otherwise."""
    if not BreakGlass.objects.filter(pk=row.pk, state=row.state).update(**changes):
        raise ActionRefused(str(NOT_PERMITTED))


def _record(kind: str, row: BreakGlass, user: User | None, **payload: Any) -> None:
    audit.record_event(f"break_glass.{kind}", actor=user, user=row.user_id, subject=row.subject, **payload)

"""Break-glass: a member of the staff reads one conversation outside any case, for a written reason, for a short time.

asked -> open -> ended        somebody else approves; in an emergency it is open at once, and somebody else judges after
asked -> refused | ended      refused, taken back, or answered by nobody

Only people who were named for it (`apps/users/special_permissions.py`) ask and approve, never about themselves, and
for themselves only where nobody else is named, marked as self-approved: constraints of the database. Each reading is
an entry of the log that its person sees.
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
from apps.users.models import User
from apps.users.special_permissions import BREAK_GLASS

REQUEST_LIFETIME = timedelta(hours=24)  # that a request may wait for an answer
CLOCK_TOLERANCE = timedelta(minutes=1)  # of the machines of one site, at most
NOT_PERMITTED = gettext_lazy("That is not yours to do, or somebody has done it by now. Nothing was changed.")
_UNJUDGED = gettext_lazy("Your last emergency waits for somebody's judgement. Ask in the usual way until then.")


State, Ground = BreakGlass.State, BreakGlass.Ground


def can_list_requests(user: User) -> bool:
    """Those who are named, and administrators, who see what was asked but read nothing."""
    return BREAK_GLASS.held(user) or (user.is_administrator and user.is_active)


def request_access(
    user: User, person: User, conversation: UUID | None, ground: str, reason: str, *, emergency: bool = False
) -> BreakGlass:
    """Store a request that waits for approval; an emergency is open at once. The caller knows that the conversation is
    the person's. Raise Refused."""
    now = timezone.now()
    if not BREAK_GLASS.held(user) or person.pk == user.pk:
        raise ActionRefused(str(NOT_PERMITTED))
    if ground not in Ground.values or len(reason.strip()) < 20:
        raise ActionRefused(gettext("Choose a ground, and write in a sentence why this conversation has to be read."))
    if emergency and BreakGlass.objects.filter(asker=user, emergency=True, judged=None).exists():
        raise ActionRefused(str(_UNJUDGED))
    row = BreakGlass(
        asker=user, person=person, conversation=conversation, ground=ground, reason=reason.strip()[:1000],
        emergency=emergency, minutes=settings.BREAK_GLASS_MINUTES,
    )  # fmt: skip
    if emergency:
        row.state, row.opened, row.ends = State.OPEN, now, now + timedelta(minutes=row.minutes)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            _record("opened" if emergency else "asked", row, user, ground=ground, reason=row.reason)
    except IntegrityError as error:  # sent twice at the same moment
        raise ActionRefused(str(_UNJUDGED)) from error
    return row


def approve_request(user: User, pk: UUID) -> None:
    """It is open from now on, for so many minutes. Raises Refused."""
    now = timezone.now()
    row = _get_answerable(user, pk, State.ASKED)
    with transaction.atomic():
        ends = now + timedelta(minutes=row.minutes)
        _change(row, state=State.OPEN, approver=user, opened=now, ends=ends, self_approved=_is_self_approved(user, row))
        _record("approved", row, user, ground=row.ground, **_self_approval_payload(user, row))


def refuse_request(user: User, pk: UUID, note: str) -> None:
    row = _get_answerable(user, pk, State.ASKED)
    with transaction.atomic():
        _change(
            row, state=State.REFUSED, approver=user, note=note.strip()[:400], self_approved=_is_self_approved(user, row)
        )
        _record("refused", row, user, ground=row.ground, **_self_approval_payload(user, row), why=note.strip()[:400])


def judge_emergency(user: User, pk: UUID, justified: bool, note: str) -> None:
    """Somebody else says afterwards whether an emergency was one. Where it was not, it ends at once. Raises Refused."""
    row = _get_answerable(user, pk, *State)
    if not row.emergency or row.judged is not None:
        raise ActionRefused(str(NOT_PERMITTED))
    if not note.strip():
        raise ActionRefused(gettext("Say in a sentence why it was justified, or why not."))
    with transaction.atomic():
        rows = BreakGlass.objects.filter(pk=row.pk, judged=None)
        said = {
            "judged": timezone.now(),
            "justified": justified,
            "note": note.strip()[:400],
            "approver": user,
            "self_approved": _is_self_approved(user, row),
        }
        if not rows.update(**said, **({} if justified else {"state": State.ENDED})):
            raise ActionRefused(str(NOT_PERMITTED))
        _record(
            "judged",
            row,
            user,
            ground=row.ground,
            **_self_approval_payload(user, row),
            justified=justified,
            why=note.strip()[:400],
        )


def end_access(user: User, pk: UUID) -> None:
    """Over before its time, or taken back: by who asked, who is named, or an administrator, but nobody about
    themselves. Raises Refused."""
    row = BreakGlass.objects.filter(pk=pk, state__in=[State.ASKED, State.OPEN]).exclude(person=user).first()
    if row is None or not can_list_requests(user):
        raise ActionRefused(str(NOT_PERMITTED))
    with transaction.atomic():
        _change(row, state=State.ENDED, ends=timezone.now())
        _record("ended", row, user, ground=row.ground)


def get_open_access(user: User, pk: UUID) -> BreakGlass:
    """The one that this person may read by now; none that opens in the future, whose clock was set back. Raises
    Refused."""
    now = timezone.now()
    rows = BreakGlass.objects.filter(asker=user, state=State.OPEN, ends__gt=now, opened__lte=now + CLOCK_TOLERANCE)
    rows = rows.filter(person__isnull=False)
    row = rows.filter(pk=pk).select_related("person").first() if BREAK_GLASS.held(user) else None
    if row is None:
        raise ActionRefused(str(NOT_PERMITTED))
    return row


def bind_conversation(row: BreakGlass, conversation: UUID) -> None:
    """It is for that conversation and no other from now on. Raises Refused."""
    if not BreakGlass.objects.filter(pk=row.pk, conversation=None, state=State.OPEN).update(conversation=conversation):
        raise ActionRefused(str(NOT_PERMITTED))
    row.conversation = conversation


def record_reading(row: BreakGlass, user: User, texts: int) -> None:
    """That it was read is in the log before anybody sees a word; its person can see that too. Raises Refused."""
    if row.asker_id != user.pk or not BREAK_GLASS.held(user):
        raise ActionRefused(str(NOT_PERMITTED))
    said = {"why": "break_glass", "ground": row.ground, "reason": row.reason, "texts": texts}
    audit.record_event("read", actor=user, person=row.person_id, subject=row.subject, **said)


def anonymize_requests(user: User) -> int:
    """Erasure: what is open ends, and nothing says any more about whom or why; how many."""
    rows = BreakGlass.objects.filter(person=user)
    rows.filter(state__in=[State.ASKED, State.OPEN]).update(state=State.ENDED, ends=timezone.now())
    return rows.update(reason="", note="", conversation=None)


def pending_requests(user: User) -> QuerySet[BreakGlass]:
    """What this person has to answer, while it has not lapsed, or to judge: what others asked for, and where nobody
    else could answer it their own too."""
    asked = Q(state=State.ASKED, created__gt=timezone.now() - REQUEST_LIFETIME)
    undone = asked | Q(emergency=True, judged=None)
    others = list(BREAK_GLASS.people().exclude(pk=user.pk).values_list("pk", flat=True)[:2])
    own = Q(asker=user) if not others else Q(asker=user, person__in=others) if len(others) == 1 else Q(pk=None)
    rows = BreakGlass.objects.filter(undone, Q(person=None) | ~Q(person=user)).filter(
        ~Q(asker=user) | Q(asker=None) | own
    )
    return rows if BREAK_GLASS.held(user) else rows.none()


def _get_answerable(user: User, pk: UUID, *states: str) -> BreakGlass:
    row = pending_requests(user).filter(pk=pk, state__in=states).first()
    if row is None:
        raise ActionRefused(str(NOT_PERMITTED))
    return row


def _is_self_approved(user: User, row: BreakGlass) -> bool:
    """Whether who asked answers it: `waiting` lets them where nobody else could."""
    return row.asker_id == user.pk


def _self_approval_payload(user: User, row: BreakGlass) -> dict[str, bool]:
    return {"self_approved": True} if _is_self_approved(user, row) else {}


def _change(row: BreakGlass, **changes: Any) -> None:
    """Where it is still as it was read."""
    if not BreakGlass.objects.filter(pk=row.pk, state=row.state).update(**changes):
        raise ActionRefused(str(NOT_PERMITTED))


def _record(kind: str, row: BreakGlass, user: User | None, **payload: Any) -> None:
    audit.record_event(f"glass.{kind}", actor=user, person=row.person_id, subject=row.subject, **payload)

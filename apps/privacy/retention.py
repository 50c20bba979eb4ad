"""Retention rules of the site, users, conversations and collections, and legal holds of users.

`delete_expired` deletes what is due. Rules of frozen case texts are in `case_retention`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import BigIntegerField, Exists, OuterRef, Q, QuerySet, UUIDField, Value
from django.db.models.functions import Cast, Replace
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, ngettext

from apps.conversations.history.conversation_actions import delete_permanently
from apps.conversations.models import Conversation
from apps.documents.library.deletion import remove_document
from apps.documents.models import Collection, Document
from apps.privacy.models import LegalHold, RetentionRule
from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.policy import separation_of_duties
from apps.users.models import User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

DURATION_CHOICES = (
    (0, gettext_lazy("Until deleted")),
    (1, gettext_lazy("1 day")),
    (7, gettext_lazy("7 days")),
    (30, gettext_lazy("30 days")),
    (90, gettext_lazy("90 days")),
    (365, gettext_lazy("1 year")),
)
_AT_ONCE = 50  # conversations and documents per run; the next run continues
Scope = RetentionRule.Scope
R = TypeVar("R")


def get_rule_days(scope: str, subject: object = "") -> int:
    """Return the days of the rule; 0 without one. `subject` is the id, "" for the site."""
    found = RetentionRule.objects.filter(scope=scope, subject=str(subject)).values_list("days", flat=True).first()
    return found or 0


def list_choices(now: int, limit: int = 0, *, limit_label: StrOrPromise = "") -> list[tuple[int, StrOrPromise]]:
    """Return the durations to choose from in days, with labels; 0 for no rule.

    If others set a `limit`, 0 is called by `limit_label` and durations that reach it are left out. `now` is the rule
    itself, which is always listed.
    """
    rows: list[tuple[int, StrOrPromise]] = [
        (days, label) for days, label in DURATION_CHOICES[1:] if days == now or not limit or days < limit
    ]
    if now not in dict(DURATION_CHOICES):
        rows.append((now, format_days(now)))
    return [(0, limit_label if limit else DURATION_CHOICES[0][1]), *sorted(rows, key=lambda row: row[0])]


def format_days(days: int) -> str:
    """Return the number of days in words."""
    return ngettext("%(number)s day", "%(number)s days", days) % {"number": days}


def change_rule(user: User, scope: str, days: int, subject: object = "") -> None:
    """Store and log a retention rule; 0 days remove it.

    `subject` is the id of a user, collection or conversation, "" for the site. Raises ActionRefused unless the user may
    change the rule.
    """
    if not _may_change(user, scope, str(subject)):
        raise ActionRefused(
            gettext("You can only change retention of your own data. Administrators can also change it for the site.")
        )
    rows = RetentionRule.objects.filter(scope=scope, subject=str(subject))
    with transaction.atomic():
        if not days:
            rows.delete()
        elif not rows.update(days=days):
            RetentionRule.objects.create(scope=scope, subject=str(subject), days=days)
        audit.record_event("keeping.changed", actor=user, subject=f"{scope} {subject}"[:120], days=days)


def delete_expired() -> int:
    """Delete conversations and documents that are due, at most `_AT_ONCE` of each, and return how many.

    Data of users under a legal hold is skipped. Periodic job of the worker.
    """
    if not RetentionRule.objects.exists():
        return 0
    now = timezone.now()
    removed = _remove_each(due_conversations(now)[:_AT_ONCE], _remove_conversation)
    return removed + _remove_each(due_documents(now)[:_AT_ONCE], remove_document)


def hold_user(by: User, user: User, reason: str) -> None:
    """Set a legal hold on all data of the user and log it. Raises ActionRefused unless `by` is an administrator."""
    separation_of_duties.require_administrator(by)
    with transaction.atomic():
        LegalHold.objects.update_or_create(user=user, defaults={"reason": reason[:400], "set_by": by})
        audit.record_event("hold.set", actor=by, user=user.pk, subject=f"person {user.pk}", why=reason[:400])


def lift_user_hold(by: User, user: User, reason: str) -> None:
    """Lift the legal hold of the user and log it with the reason, cut to 400 characters.

    Raises ActionRefused without a reason, if there is no hold, and unless `by` is an administrator.
    """
    separation_of_duties.require_administrator(by)
    if not reason.strip():
        raise ActionRefused(gettext("Write why. The audit log keeps the reason."))
    with transaction.atomic():
        if not LegalHold.objects.filter(user=user).delete()[0]:
            raise ActionRefused(gettext("There is no legal hold on this user any more."))
        audit.record_event("hold.lifted", actor=by, user=user.pk, subject=f"person {user.pk}", why=reason.strip()[:400])


def due_conversations(now: datetime) -> QuerySet[Conversation]:
    """Return the conversations older than their rule, oldest first. Pinned and held ones are left out."""
    own = RetentionRule.objects.filter(scope=Scope.CONVERSATION)
    due = Q(pk__in=[])
    for days in _days(own):
        due |= Q(pk__in=_uuids(own.filter(days=days)), changed__lt=now - timedelta(days=days))
    others = Q(pk__in=[])
    for days in _days(people := RetentionRule.objects.filter(scope=Scope.USER)):
        owners = people.filter(days=days).annotate(pk_of=Cast("subject", BigIntegerField())).values("pk_of")
        others |= Q(owner__in=owners, changed__lt=now - timedelta(days=days))
    if site := get_rule_days(Scope.SITE):  # the shorter of both rules applies, so either suffices
        others |= Q(changed__lt=now - timedelta(days=site))
    rows = Conversation.objects.filter(due | (others & ~Q(pk__in=_uuids(own))), pinned=None)
    return rows.exclude(owner__in=LegalHold.objects.values("user")).order_by("changed")


def due_documents(now: datetime) -> QuerySet[Document]:
    """Return the documents older than the rule of their collection.

    Age counts from the upload, from the last version with other content, and from the last fetch of a web page,
    whichever is latest. Documents that are being read or held are left out.
    """
    rules = RetentionRule.objects.filter(scope=Scope.COLLECTION)
    due = Q(pk__in=[])
    for days in _days(rules):
        over = now - timedelta(days=days)
        # A version's row dates from the upload that replaced its content. If the document was only read again, both
        # have the same content.
        newer = Document.all_objects.filter(replaces=OuterRef("pk"), status=Document.Status.REPLACED, created__gte=over)
        newer = newer.exclude(sha256=OuterRef("sha256"))
        old = Q(collection__in=_uuids(rules.filter(days=days)), created__lt=over) & ~Exists(newer)
        due |= old & (Q(fetched=None) | Q(fetched__lt=over))
    rows = Document.objects.filter(due, replaces=None).exclude(status__in=Document.ACTIVE)
    return rows.exclude(collection__owner__in=LegalHold.objects.values("user")).order_by("created")


def _may_change(user: User, scope: str, subject: str) -> bool:
    try:
        match scope:
            case Scope.SITE:
                return user.is_administrator and user.is_active and not subject
            case Scope.USER:
                return subject == str(user.pk)
            case Scope.COLLECTION:
                return Collection.objects.owned_by(user).filter(pk=UUID(subject)).exists()
            case Scope.CONVERSATION:
                return Conversation.objects.visible_to(user).filter(pk=UUID(subject)).exists()
    except ValueError:
        return False
    return False


def _days(rules: QuerySet[RetentionRule]) -> list[int]:
    return list(rules.order_by("days").values_list("days", flat=True).distinct())


def _uuids(rules: QuerySet[RetentionRule]) -> QuerySet[RetentionRule, Any]:
    """Return the subjects of the rules as UUIDs in the form that the database stores."""
    plain = Replace("subject", Value("-"), Value(""))
    return rules.annotate(pk_of=Cast(plain, UUIDField())).values("pk_of")


def _remove_conversation(conversation: Conversation) -> None:
    with transaction.atomic():
        delete_permanently([conversation.pk])


def _remove_each(rows: Iterable[R], remove_one: Callable[[R], None]) -> int:
    """Call `remove_one` for every row, and return how many succeeded.

    Raises ExceptionGroup at the end if some failed: one failure does not block the other rows.
    """
    failed: list[Exception] = []
    count = 0
    for row in rows:
        try:
            remove_one(row)
            count += 1
        except Exception as error:  # noqa: BLE001 - raised below
            failed.append(error)
    if failed:
        raise ExceptionGroup(f"{type(failed[0]).__name__}: {failed[0]}", failed)
    return count

"""How long things are kept: rules of site, person, conversation and collection; a hold stops them all."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy

from apps.conversations.keeping import remove
from apps.conversations.models import Conversation
from apps.documents.models import Collection, Document
from apps.documents.upload import delete
from apps.privacy.models import Hold, Keeping
from apps.safety import audit
from apps.users.models import User

CHOICES = (
    (0, gettext_lazy("Until it is deleted")),
    (1, gettext_lazy("1 day")),
    (7, gettext_lazy("7 days")),
    (30, gettext_lazy("30 days")),
    (90, gettext_lazy("90 days")),
    (365, gettext_lazy("1 year")),
)
_AT_ONCE = 50  # of a sweep: the next one goes on
Scope = Keeping.Scope


def rule(scope: str, subject: object = "") -> int:
    """Days, 0 where there is none."""
    found = Keeping.objects.filter(scope=scope, subject=str(subject)).values_list("days", flat=True).first()
    return found or 0


def change(user: User, scope: str, days: int, subject: object = "") -> None:
    """Whoever calls knows that this person may. The change is in the log."""
    rows = Keeping.objects.filter(scope=scope, subject=str(subject))
    with transaction.atomic():
        if not days:
            rows.delete()
        elif not rows.update(days=days):
            Keeping.objects.create(scope=scope, subject=str(subject), days=days)
        audit.record("keeping.changed", actor=user, subject=f"{scope} {subject}"[:120], days=days)


def days_of(place: Conversation) -> int:
    """Its own rule, else the shorter of its owner's and the site's; 0: it is kept."""
    own = rule(Scope.CONVERSATION, place.pk)
    others = [days for days in (rule(Scope.PERSON, place.owner_id), rule(Scope.SITE)) if days]
    return own or min(others, default=0)


def sweep() -> int:
    """What is older than its rule says is gone, but nothing of a person under a hold; how many. For the worker."""
    if not Keeping.objects.exists():
        return 0
    return _conversations() + _documents()


def hold(user: User, person: User, reason: str) -> None:
    """Nothing of the person goes from now on, by whatever rule or wish."""
    with transaction.atomic():
        Hold.objects.update_or_create(person=person, defaults={"reason": reason[:400], "set_by": user})
        audit.record("hold.set", actor=user, person=person.pk, subject=f"person {person.pk}", why=reason[:400])


def lift(user: User, person: User) -> None:
    with transaction.atomic():
        if Hold.objects.filter(person=person).delete()[0]:
            audit.record("hold.lifted", actor=user, person=person.pk, subject=f"person {person.pk}")


def _conversations() -> int:
    shortest = Keeping.objects.exclude(scope=Scope.COLLECTION).order_by("days").values_list("days", flat=True).first()
    if not shortest:
        return 0
    now, count = timezone.now(), 0
    old = Conversation.objects.filter(changed__lt=now - timedelta(days=shortest), pinned=None)
    for place in old.exclude(owner__in=Hold.objects.values("person")).order_by("changed")[:_AT_ONCE]:
        days = days_of(place)
        if days and place.changed < now - timedelta(days=days):
            with transaction.atomic():
                remove([place.pk])
            count += 1
    return count


def _documents() -> int:
    now, count = timezone.now(), 0
    for row in Keeping.objects.filter(scope=Scope.COLLECTION):
        shelves = Collection.objects.filter(pk=row.subject).exclude(owner__in=Hold.objects.values("person"))
        old = Document.objects.filter(collection__in=shelves, created__lt=now - timedelta(days=row.days))
        for document in old.exclude(status__in=Document.ACTIVE)[:_AT_ONCE]:
            delete(document)
            count += 1
    return count

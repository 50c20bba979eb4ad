"""What administrators do with people. One administrator who can sign in always remains."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from apps.users.models import User


class LastAdministrator(Exception):
    """The change would leave nobody who can administer."""


def everybody() -> QuerySet[User]:
    """All people, those who may sign in first; `confirmed` says whether their address is known to be theirs."""
    confirmed = EmailAddress.objects.filter(user=OuterRef("pk"), email=OuterRef("email"), verified=True)
    return User.objects.annotate(confirmed=Exists(confirmed)).order_by("-is_active", "name", "email")


def vouch(user: User) -> None:
    """The address of the account counts as confirmed."""
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})


def set_role(user: User, role: str) -> None:
    """Raises LastAdministrator."""
    _change(user, role=role)


def suspend(user: User) -> None:
    """The person can no longer sign in, and every session of theirs is dead. Raises LastAdministrator."""
    _change(user, is_active=False)
    end_sessions(user)


def reinstate(user: User) -> None:
    _change(user, is_active=True)


def _change(user: User, **changes: object) -> None:
    with transaction.atomic():
        # Locked together, so that two administrators cannot take each other's role at the same moment.
        able = User.objects.select_for_update().filter(role=User.Role.ADMINISTRATOR, is_active=True)
        others = [row.pk for row in able if row.pk != user.pk]
        stays = changes.get("role", user.role) == User.Role.ADMINISTRATOR and changes.get("is_active", user.is_active)
        if not others and not stays:
            raise LastAdministrator
        User.objects.filter(pk=user.pk).update(**changes)


def end_sessions(user: User) -> None:
    """Nobody is signed in as this person any more, also not after they are reinstated."""
    alive = Session.objects.filter(expire_date__gt=timezone.now())
    theirs = [row.pk for row in alive.iterator() if row.get_decoded().get("_auth_user_id") == str(user.pk)]
    Session.objects.filter(pk__in=theirs).delete()

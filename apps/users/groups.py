"""Groups of people, with whom documents are shared as with one. Administrators make them; members know their own."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser, Group
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet

from apps.users.models import User

NAME_CHARACTERS = 80


class NameTaken(Exception):
    """There is a group of that name."""


def groups_for(user: User | AnonymousUser) -> QuerySet[Group]:
    """The groups that this person may see and share with: their own, and all for administrators. Each has `people`."""
    if not isinstance(user, User):
        return Group.objects.none()
    rows = Group.objects.all() if user.is_administrator else Group.objects.filter(pk__in=user.groups.values("pk"))
    return rows.annotate(people=Count("user", filter=Q(user__is_active=True))).order_by("name")


def create(name: str) -> Group:
    """Raises NameTaken."""
    try:
        with transaction.atomic():
            return Group.objects.create(name=name)
    except IntegrityError as error:
        raise NameTaken from error


def rename(group: Group, name: str) -> None:
    """Raises NameTaken."""
    try:
        with transaction.atomic():
            Group.objects.filter(pk=group.pk).update(name=name)
    except IntegrityError as error:
        raise NameTaken from error


def outside(group: Group) -> QuerySet[User]:
    """People who could be added."""
    return User.objects.filter(is_active=True).exclude(groups=group).order_by("name", "email")


def add(group: Group, user: User) -> None:
    """What is shared with the group is theirs from the next request on."""
    user.groups.add(group)


def remove(group: Group, user: User) -> None:
    """What is shared with the group only is no longer theirs."""
    user.groups.remove(group)

"""Groups of people, with whom documents are shared as with one. Administrators make them; members know their own."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser, Group
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet

from apps.users import audit_hook
from apps.users.models import User

NAME_CHARACTERS = 80


class NameTaken(Exception):
    """There is a group of that name."""


def list_visible_groups(user: User | AnonymousUser) -> QuerySet[Group]:
    """The groups that this person may see and share with: their own, and all for administrators. Each has `people`."""
    if not isinstance(user, User):
        return Group.objects.none()
    rows = Group.objects.all() if user.is_administrator else Group.objects.filter(pk__in=user.groups.values("pk"))
    return rows.annotate(people=Count("user", filter=Q(user__is_active=True))).order_by("name")


def create_group(name: str, by: User | None = None) -> Group:
    """Raises NameTaken."""
    try:
        with transaction.atomic():
            made = Group.objects.create(name=name)
            _tell("group.created", made, by, name=name)
            return made
    except IntegrityError as error:
        raise NameTaken from error


def rename_group(group: Group, name: str, by: User | None = None) -> None:
    """Raises NameTaken."""
    try:
        with transaction.atomic():
            before = Group.objects.select_for_update().get(pk=group.pk).name
            Group.objects.filter(pk=group.pk).update(name=name)
            if before != name:
                _tell("group.renamed", group, by, before=before, after=name)
    except IntegrityError as error:
        raise NameTaken from error


def delete_group(group: Group, by: User | None = None) -> None:
    """What was shared with it and nobody else is shared no more."""
    with transaction.atomic():
        _tell("group.deleted", group, by, name=group.name)
        group.delete()


def list_non_members(group: Group) -> QuerySet[User]:
    """People who could be added."""
    return User.objects.filter(is_active=True).exclude(groups=group).order_by("name", "email")


def add_member(group: Group, user: User, by: User | None = None) -> None:
    """What is shared with the group is theirs from the next request on."""
    with transaction.atomic():
        user.groups.add(group)
        _tell("group.joined", group, by, user, name=group.name)


def remove_member(group: Group, user: User, by: User | None = None) -> None:
    """What is shared with the group only is no longer theirs."""
    with transaction.atomic():
        user.groups.remove(group)
        _tell("group.left", group, by, user, name=group.name)


def _tell(kind: str, group: Group, by: User | None, about: User | None = None, **facts: str) -> None:
    audit_hook.record_change(kind, actor=by, person=about.pk if about else None, subject=f"group {group.pk}", **facts)

"""Create, rename and delete groups, change their members, and list the groups that a user may see.

Collections are shared with groups. Each change raises PermissionDenied unless `by` is an active administrator, or None:
the product itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import AnonymousUser, Group
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet

from apps.users import audit_hook, notices
from apps.users.models import User, UserNotice
from apps.users.special_permissions import require_administrator

NAME_CHARACTERS = 80


class NameTaken(Exception):
    """Error: another group has this name."""


def list_visible_groups(user: User | AnonymousUser, text: str = "") -> QuerySet[Group]:
    """Return the groups that the user may see and share with: their own; for administrators all.

    Only groups whose name holds every word of `text` are returned.

    Each has `people`, the number of active members, and `collections`, the number of collections shared with it.
    """
    if not isinstance(user, User):
        return Group.objects.none()
    rows = Group.objects.all() if user.is_administrator else Group.objects.filter(pk__in=user.groups.values("pk"))
    for word in text.split():
        rows = rows.filter(name__icontains=word)
    people = Count("user", filter=Q(user__is_active=True), distinct=True)
    return rows.annotate(people=people, collections=Count("shares", distinct=True)).order_by("name")


def create_group(name: str, by: User | None = None) -> Group:
    """Create a group and log it. Raises NameTaken."""
    require_administrator(by)
    try:
        with transaction.atomic():
            made = Group.objects.create(name=name)
            _tell("group.created", made, by, name=name)
            return made
    except IntegrityError as error:
        raise NameTaken from error


def rename_group(group: Group, name: str, by: User | None = None) -> None:
    """Rename the group and log it if the name differs. Raises NameTaken."""
    require_administrator(by)
    try:
        with transaction.atomic():
            before = Group.objects.select_for_update().get(pk=group.pk).name
            Group.objects.filter(pk=group.pk).update(name=name)
            if before != name:
                _tell("group.renamed", group, by, before=before, after=name)
    except IntegrityError as error:
        raise NameTaken from error


def delete_group(group: Group, by: User | None = None) -> None:
    """Delete the group with its shares, and log it. Members lose access that they had through it alone."""
    require_administrator(by)
    with transaction.atomic():
        _tell("group.deleted", group, by, name=group.name)
        group.delete()


def add_member(group: Group, user: User, by: User | None = None) -> None:
    """Add the user to the group, log it, and send the user a notice. Access to shared collections starts with the next
    request."""
    require_administrator(by)
    with transaction.atomic():
        user.groups.add(group)
        _tell("group.joined", group, by, user, name=group.name)
        if by is None or by.pk != user.pk:
            notices.notify_users(
                [user.pk], UserNotice.Kind.GROUP, group.pk, group.name, **({"by": str(by)} if by else {})
            )


def set_groups(user: User, wanted: Iterable[Group], by: User | None = None) -> None:
    """Make the user a member of exactly these groups; each change is logged."""
    require_administrator(by)
    with transaction.atomic():
        before, after = set(user.groups.all()), set(wanted)
        for group in sorted(after - before, key=lambda group: group.name):
            add_member(group, user, by)
        for group in sorted(before - after, key=lambda group: group.name):
            remove_member(group, user, by)


def remove_member(group: Group, user: User, by: User | None = None) -> None:
    """Remove the user from the group and log it. Access through this group alone ends."""
    require_administrator(by)
    with transaction.atomic():
        user.groups.remove(group)
        _tell("group.left", group, by, user, name=group.name)


def _tell(kind: str, group: Group, by: User | None, about: User | None = None, **facts: str) -> None:
    audit_hook.record_change(kind, actor=by, user=about.pk if about else None, subject=f"group {group.pk}", **facts)

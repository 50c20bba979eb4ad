"""Who may read and edit a collection, and the end of a collection. Callers fetched it through `owned_by(user)`.

Sharing never tells whether an address has an account: both kinds are kept, and shown, by the address alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Count, Q

from apps.documents.models import Collection, Document, GroupShare, Membership, PendingShare
from apps.documents.moderation import review
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class AddressShare:
    """One address and what it may do."""

    email: str
    role: str
    role_words: str


@dataclass(frozen=True, slots=True)
class GroupShareSummary:
    """One group, how many people belong to it now, and what they may do."""

    pk: int
    name: str
    people: int
    role: str
    role_words: str


def list_address_shares(collection: Collection) -> list[AddressShare]:
    """Every person with whom the collection is shared, by address."""
    members = Membership.objects.filter(collection=collection).select_related("user")
    found = [AddressShare(item.user.email, item.role, item.get_role_display()) for item in members]
    found += [AddressShare(item.email, item.role, item.get_role_display()) for item in collection.pending_shares.all()]
    return sorted(found, key=lambda item: item.email)


def list_group_shares(collection: Collection) -> list[GroupShareSummary]:
    """Every group with which the collection is shared."""
    people = Count("group__user", filter=Q(group__user__is_active=True))
    rows = collection.group_shares.select_related("group").annotate(people=people)
    return [
        GroupShareSummary(row.group_id, row.group.name, row.people, row.role, row.get_role_display()) for row in rows
    ]


def share_with_address(collection: Collection, email: str, role: str) -> None:
    """The address has this role: now where an account has confirmed it, else as soon as one does. Whoever signed up
    with somebody else's address gets nothing by it. The owner's own address changes nothing."""
    with transaction.atomic():
        address = EmailAddress.objects.filter(email=email, verified=True, user__is_active=True).first()
        user = address.user if address is not None else None
        if user is None:
            PendingShare.objects.update_or_create(collection=collection, email=email, defaults={"role": role})
        elif user.pk != collection.owner_id:
            Membership.objects.update_or_create(collection=collection, user=user, defaults={"role": role})


def revoke_address(collection: Collection, email: str) -> None:
    with transaction.atomic():
        Membership.objects.filter(collection=collection, user__email=email).delete()
        collection.pending_shares.filter(email=email).delete()


def share_with_group(collection: Collection, group: Group, role: str) -> None:
    """Whoever belongs to the group has this role, as long as they belong to it."""
    GroupShare.objects.update_or_create(collection=collection, group=group, defaults={"role": role})


def revoke_group(collection: Collection, group: int) -> None:
    GroupShare.objects.filter(collection=collection, group=group).delete()


def accept_pending_shares(user: User) -> None:
    """What was shared with a confirmed address of this person before they came is theirs now."""
    confirmed = EmailAddress.objects.filter(user=user, verified=True).values("email")
    waiting = list(PendingShare.objects.filter(email__in=confirmed).select_related("collection"))
    for item in waiting:
        with transaction.atomic():
            if item.collection.owner_id != user.pk:
                Membership.objects.get_or_create(
                    collection_id=item.collection_id, user=user, defaults={"role": item.role}
                )
            item.delete()


def delete_collection(collection: Collection) -> None:
    """The collection and its documents are gone; their files follow once that is committed."""
    with transaction.atomic():
        rows = Document.every.filter(collection=collection)
        rows.update(lease_token="")  # no worker adds pages from here on
        names = rows.exclude(file="").values_list("file", flat=True)
        files = [Path(settings.MEDIA_ROOT) / name for name in names]
        review.close_cases_of_deleted([str(pk) for pk in rows.values_list("pk", flat=True)])
        collection.delete()
        transaction.on_commit(lambda: _remove(files))


def _remove(files: list[Path]) -> None:
    for path in files:
        path.unlink(missing_ok=True)

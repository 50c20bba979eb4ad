"""Share collections with addresses and groups, and delete collections.

Changes raise PermissionDenied unless the user owns the collection; the lists check nothing. Sharing never reveals
whether an address has an account: members and pending shares are both listed by address alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Count, Q, QuerySet

from apps.documents.library.deletion import remove_files
from apps.documents.models import Collection, Document, GroupShare, Membership, PendingMembership
from apps.documents.models.collection import has_collection_named
from apps.documents.moderation import review
from apps.lib.db.permissions import require_row
from apps.users.models import User, UserNotice
from apps.users.notices import notify_users

if TYPE_CHECKING:
    from apps.users.models import AnyUser

_NAME_CHARACTERS, _SUFFIX_CHARACTERS = 120, 60  # of Collection.name, and of a former owner in it


@dataclass(frozen=True, slots=True)
class AddressShare:
    """Address with which a collection is shared, and its role."""

    email: str
    role: str


def list_address_shares(collection: Collection) -> list[AddressShare]:
    """Return all shares with single users, by address, confirmed or pending, sorted by address."""
    members = Membership.objects.filter(collection=collection).select_related("user")
    shares = [AddressShare(item.user.email, item.role) for item in members]
    shares += [AddressShare(item.email, item.role) for item in collection.pending_shares.all()]
    return sorted(shares, key=lambda item: item.email)


def list_group_shares(collection: Collection) -> QuerySet[GroupShare]:
    """Return all shares with groups, sorted by name of the group; `people` is the number of its active members."""
    people = Count("group__user", filter=Q(group__user__is_active=True))
    return collection.group_shares.select_related("group").annotate(people=people)


def share_with_address(user: User, collection: Collection, email: str, role: str) -> bool:
    """Give the address this role: now if an active account has confirmed it, else as soon as one does.

    An account that signed up with the address but has not confirmed it gets nothing. A new member gets a notice that
    names the user. Return False for an address of the collection's owner, which changes nothing.
    """
    require_row(Collection.objects.owned_by(user), collection.pk)
    with transaction.atomic():
        address = EmailAddress.objects.filter(email=email, verified=True, user__is_active=True).first()
        member = address.user if address is not None else None
        is_own = collection.owner_id == user.pk and email == user.email  # also if it is not confirmed
        if is_own or (member is not None and member.pk == collection.owner_id):
            return False
        if member is None:
            PendingMembership.objects.update_or_create(collection=collection, email=email, defaults={"role": role})
            return True
        _, new = Membership.objects.update_or_create(collection=collection, user=member, defaults={"role": role})
        if new:
            _notify_shared([member.pk], collection, user)
        return True


def revoke_address(user: AnyUser, collection: Collection, email: str) -> None:
    """Remove the share with this address, whether confirmed or pending. Raises PermissionDenied."""
    require_row(Collection.objects.owned_by(user), collection.pk)
    with transaction.atomic():
        Membership.objects.filter(collection=collection, user__email=email).delete()
        collection.pending_shares.filter(email=email).delete()


def share_with_group(user: User, collection: Collection, group: Group, role: str) -> None:
    """Give all members of the group this role, as long as they are members. They get a notice that names the user.

    Raises PermissionDenied.
    """
    require_row(Collection.objects.owned_by(user), collection.pk)
    with transaction.atomic():
        _, new = GroupShare.objects.update_or_create(collection=collection, group=group, defaults={"role": role})
        if new:
            members = User.objects.filter(groups=group, is_active=True).exclude(pk=collection.owner_id)
            _notify_shared(members.values_list("pk", flat=True), collection, user)


def revoke_group(user: AnyUser, collection: Collection, group: int) -> None:
    """Remove the share with this group, by its id. Raises PermissionDenied."""
    require_row(Collection.objects.owned_by(user), collection.pk)
    GroupShare.objects.filter(collection=collection, group=group).delete()


def set_public_access(user: AnyUser, collection: Collection, *, enabled: bool) -> None:
    """Set whether every signed-in user may read the collection. Raises PermissionDenied."""
    require_row(Collection.objects.owned_by(user), collection.pk)
    Collection.objects.filter(pk=collection.pk).update(everyone=enabled)


def accept_pending_shares(user: User) -> None:
    """Turn pending shares with the user's confirmed addresses into memberships. Each share is a transaction of its
    own."""
    confirmed = EmailAddress.objects.filter(user=user, verified=True).values("email")
    waiting = list(PendingMembership.objects.filter(email__in=confirmed).select_related("collection"))
    for item in waiting:
        with transaction.atomic():
            if item.collection.owner_id != user.pk:
                _, new = Membership.objects.get_or_create(
                    collection_id=item.collection_id, user=user, defaults={"role": item.role}
                )
                if new:
                    _notify_shared([user.pk], item.collection, None)
            item.delete()


def transfer_collections(user: User, to: User) -> int:
    """Make `to` the owner of the user's collections, and of what the user uploaded to them; return how many.

    Shares, documents and golden questions stay. A name that `to` uses already gets the former owner's behind it. `to`
    gets a notice of each. Checks no permission: an administrator lets a user go. Must run inside a transaction.
    """
    confirmed = EmailAddress.objects.filter(user=to, verified=True).values("email")
    rows = list(Collection.objects.filter(owner=user).select_for_update(of=("self",)))
    for row in rows:
        Membership.objects.filter(collection=row, user=to).delete()
        row.pending_shares.filter(Q(email__in=confirmed) | Q(email=to.email)).delete()
        if has_collection_named(to, row.name):
            suffix = f" ({user})"[:_SUFFIX_CHARACTERS]
            row.name = row.name[: _NAME_CHARACTERS - len(suffix)] + suffix
        row.owner = to
        row.save(update_fields=["owner", "name"])
        Document.all_objects.filter(collection=row, uploaded_by=user).update(uploaded_by=to)
        notify_users([to.pk], UserNotice.Kind.COLLECTION, row.pk, row.name, handed_over=True)
    return len(rows)


def _notify_shared(users: Iterable[int], collection: Collection, shared_by: User | None) -> None:
    recipients = [pk for pk in users if shared_by is None or pk != shared_by.pk]
    kind = UserNotice.Kind.COLLECTION
    notify_users(recipients, kind, collection.pk, collection.name, **({"by": str(shared_by)} if shared_by else {}))


def delete_collection(user: AnyUser, collection: Collection) -> None:
    """Delete a collection as `remove_collection` does. Raises PermissionDenied unless the user owns it."""
    require_row(Collection.all_objects.owned_by(user), collection.pk)
    remove_collection(collection)


def remove_collection(collection: Collection) -> None:
    """Delete the collection with all documents; close their cases. Files are removed after commit. Opens its own
    transaction. Checks no permission: for chats that end and for erasure."""
    with transaction.atomic():
        rows = Document.all_objects.filter(collection=collection)
        rows.update(lease_token="")  # workers lose their leases and add no more pages
        names = rows.exclude(file="").values_list("file", flat=True)
        files = [Path(settings.MEDIA_ROOT) / name for name in names]
        review.close_cases_of_deleted([str(pk) for pk in rows.values_list("pk", flat=True)])
        collection.delete()
        transaction.on_commit(lambda: remove_files(files))

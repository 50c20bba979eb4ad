"""Models of collections and of their shares with users and groups, each as reader, editor or owner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language, gettext, gettext_lazy

from apps.lib.db.stored_text_field import StoredTextField
from apps.lib.ids import new_id

if TYPE_CHECKING:
    from apps.users.models import AnyUser, User


class CollectionQuerySet(models.QuerySet["Collection"]):
    """Collections with access queries. Anonymous users get none.

    Files of a chat are never shared, so of these collections only the owner's pass.
    """

    def visible_to(self, user: AnyUser) -> CollectionQuerySet:
        """Return the collections whose documents the user may read."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(Q(owner=user) | Q(everyone=True) | make_shared_filter(user))

    def editable_by(self, user: AnyUser) -> CollectionQuerySet:
        """Return the collections to which the user may add documents."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(Q(owner=user) | make_shared_filter(user, Role.EDITOR, Role.OWNER))

    def owned_by(self, user: AnyUser) -> CollectionQuerySet:
        """Return the collections that the user may rename, share and delete."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(Q(owner=user) | make_shared_filter(user, Role.OWNER))

    def shared(self) -> CollectionQuerySet:
        """Return the collections that users other than the owner may read, or may as soon as they sign up."""
        shares = (Membership.objects, GroupShare.objects, PendingMembership.objects)
        inside = [Q(pk__in=rows.order_by().values("collection")) for rows in shares]
        return self.filter(Q(everyone=True) | inside[0] | inside[1] | inside[2])


class Role(models.TextChoices):
    """Role that a share gives to a user, or to all members of a group."""

    READER = "reader", gettext_lazy("Reader")
    EDITOR = "editor", gettext_lazy("Editor")
    OWNER = "owner", gettext_lazy("Owner")


def make_shared_filter(user: User, *roles: Role) -> Q:
    """Return a condition for collections shared with the user, or a group of the user; with `roles`, in one of
    these."""
    people = Membership.objects.filter(user=user).order_by()
    groups = GroupShare.objects.filter(group__user=user).order_by()
    if roles:
        people, groups = people.filter(role__in=roles), groups.filter(role__in=roles)
    return Q(pk__in=people.values("collection")) | Q(pk__in=groups.values("collection"))


def choose_search_settings() -> dict[str, Any]:
    """Return the settings of a new collection: the multilingual embedder, if this site has one, for a user whose pages
    are not in English."""
    language = get_language() or settings.LANGUAGE_CODE
    is_wanted = settings.MULTILINGUAL_EMBEDDER and not language.startswith("en")
    return {"embedder": settings.MULTILINGUAL_EMBEDDER} if is_wanted else {}


_Collections = models.Manager.from_queryset(CollectionQuerySet)


class ListedCollectionManager(_Collections["Collection"]):
    """Manager of collections without the files of chats."""

    def get_queryset(self) -> CollectionQuerySet:
        return super().get_queryset().filter(of_chat=False)  # type: ignore[return-value]


class Collection(models.Model):
    """Set of documents that are searched and shared together.

    `objects` leaves out the files that users attach to a chat, which no list, choice or page of collections shows;
    `all_objects` includes them.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="collections")
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="shared_collections")
    everyone = models.BooleanField(default=False)  # everyone who is signed in may read it
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=400, blank=True)
    # settings of chunking and search that differ from the default
    search_settings = models.JSONField(default=choose_search_settings, blank=True)
    of_chat = models.BooleanField(default=False)  # files attached to one chat of its owner: never listed
    inside_only = models.BooleanField(default=False)  # models whose server is outside the house never read it
    created = models.DateTimeField(auto_now_add=True)

    objects = ListedCollectionManager()
    all_objects = CollectionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(of_chat=False) | Q(everyone=False), name="files_of_chats_are_private")
        ]

    def __str__(self) -> str:
        return gettext("Files of a chat") if self.of_chat else self.name


def has_collection_named(owner: User, name: str, excluding: UUID | None = None) -> bool:
    """Return whether the user owns a collection of this name, ignoring case, other than the one with id `excluding`."""
    same = Collection.objects.filter(owner=owner, name__iexact=name.strip())
    return (same.exclude(pk=excluding) if excluding else same).exists()


def disambiguate_names(rows: Iterable[tuple[UUID, str, str]]) -> dict[UUID, str]:
    """Return distinct display names by id from rows of (id, name, owner).

    The owner is added where several collections have one name, and a number if that does not suffice.
    """
    rows = sorted(rows, key=lambda row: (row[1], row[0]))
    often = Counter(name.casefold() for _, name, _ in rows)
    used: Counter[str] = Counter()
    names_by_id: dict[UUID, str] = {}
    for pk, name, owner in rows:
        display_name = f"{name} ({owner})" if often[name.casefold()] > 1 else name
        used[display_name.casefold()] += 1
        names_by_id[pk] = (
            f"{display_name} {used[display_name.casefold()]}" if used[display_name.casefold()] > 1 else display_name
        )
    return names_by_id


class Membership(models.Model):
    """Share of a collection with one user."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.READER)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["collection", "user"], name="one_membership_a_person")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} {self.collection_id}"


class GroupShare(models.Model):
    """Share of a collection with the members of a group at any time."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="group_shares")
    group = models.ForeignKey("auth.Group", on_delete=models.CASCADE, related_name="shares")
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.READER)

    class Meta:
        ordering: ClassVar = ["group__name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["collection", "group"], name="one_share_a_group")]

    def __str__(self) -> str:
        return f"group {self.group_id} {self.role} {self.collection_id}"


class PendingMembership(models.Model):
    """Share with an address that no active account has confirmed yet.

    It becomes a membership when a user with the confirmed address opens the list of collections.
    """

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="pending_shares")
    email = models.EmailField()  # in lower case
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.READER)

    class Meta:
        db_table = "documents_pendingshare"
        ordering: ClassVar = ["email"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["collection", "email"], name="one_pending_share_an_address")
        ]

    def __str__(self) -> str:
        return f"{self.email} {self.role} {self.collection_id}"


class RefusedUpload(models.Model):
    """Refused file. Its reason is listed until the user dismisses it; its content is not stored."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="refused_uploads")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="refused_uploads")
    name = models.CharField(max_length=255)
    reason = StoredTextField()
    # document that already has this content
    duplicate_of = models.ForeignKey(
        "documents.Document", on_delete=models.SET_NULL, null=True, related_name="+"
    )  # fmt: skip
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-created"]

    def __str__(self) -> str:
        return self.name

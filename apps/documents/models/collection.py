"""Collections, and with whom they are shared: people and groups, each as AnyUser, Editor or Owner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from apps.lib.ids import new_id

if TYPE_CHECKING:
    from apps.users.models import AnyUser, User


class CollectionQuerySet(models.QuerySet["Collection"]):
    def visible_to(self, user: AnyUser) -> CollectionQuerySet:
        """The collections whose documents this person may read."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(Q(owner=user) | Q(everyone=True) | make_shared_filter(user))

    def editable_by(self, user: AnyUser) -> CollectionQuerySet:
        """The collections into which this person may put documents."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(Q(owner=user) | make_shared_filter(user, Role.EDITOR, Role.OWNER))

    def owned_by(self, user: AnyUser) -> CollectionQuerySet:
        """The collections that this person may rename, share and delete."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(Q(owner=user) | make_shared_filter(user, Role.OWNER))


class Role(models.TextChoices):
    """What a person, or everybody of a group, may do with a collection that is shared with them."""

    READER = "reader", gettext_lazy("Reader")
    EDITOR = "editor", gettext_lazy("Editor")
    OWNER = "owner", gettext_lazy("Owner")


def make_shared_filter(user: User, *roles: Role) -> Q:
    """Whether a collection is shared with this person, or with a group of theirs (in one of these roles, if any)."""
    people = Membership.objects.filter(user=user).order_by()
    groups = GroupShare.objects.filter(group__user=user).order_by()
    if roles:
        people, groups = people.filter(role__in=roles), groups.filter(role__in=roles)
    return Q(pk__in=people.values("collection")) | Q(pk__in=groups.values("collection"))


class Collection(models.Model):
    """Documents that are searched together and shared together."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="collections")
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="shared_collections")
    everyone = models.BooleanField(default=False, help_text="Everyone who is signed in may read it")
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=400, blank=True)
    tuning = models.JSONField(default=dict, blank=True, help_text="How it is cut and searched; empty: as by default")
    created = models.DateTimeField(auto_now_add=True)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


def has_collection_named(owner: User, name: str, but: UUID | None = None) -> bool:
    """Return whether this person owns a collection of this name, upper and lower case alike, other than `but`."""
    same = Collection.objects.filter(owner=owner, name__iexact=name.strip())
    return (same.exclude(pk=but) if but else same).exists()


def disambiguate_names(rows: Iterable[tuple[UUID, str, str]]) -> dict[UUID, str]:
    """Return a name to choose each collection by, from (id, name, owner): its own, with the owner where several have
    one name, and with a number where that is not enough."""
    rows = sorted(rows, key=lambda row: (row[1], row[0]))
    often = Counter(name.casefold() for _, name, _ in rows)
    taken: Counter[str] = Counter()
    found: dict[UUID, str] = {}
    for pk, name, owner in rows:
        shown = f"{name} ({owner})" if often[name.casefold()] > 1 else name
        taken[shown.casefold()] += 1
        found[pk] = f"{shown} {taken[shown.casefold()]}" if taken[shown.casefold()] > 1 else shown
    return found


class Membership(models.Model):
    """A person with whom a collection is shared."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.READER)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["collection", "user"], name="one_membership_a_person")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} {self.collection_id}"


class GroupShare(models.Model):
    """A group with whose people a collection is shared, whoever they are at the time."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="group_shares")
    group = models.ForeignKey("auth.Group", on_delete=models.CASCADE, related_name="shares")
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.READER)

    class Meta:
        ordering: ClassVar = ["group__name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["collection", "group"], name="one_share_a_group")]

    def __str__(self) -> str:
        return f"group {self.group_id} {self.role} {self.collection_id}"


class PendingShare(models.Model):
    """Becomes a membership when a person who has confirmed this address opens their collections."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="pending_shares")
    email = models.EmailField(help_text="In lower case")
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.READER)

    class Meta:
        ordering: ClassVar = ["email"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["collection", "email"], name="one_pending_share_an_address")
        ]

    def __str__(self) -> str:
        return f"{self.email} {self.role} {self.collection_id}"


class RefusedUpload(models.Model):
    """A file that was not taken: its reason stays in the tray after a reload, its content is not kept."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="refused_uploads")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="refused_uploads")
    name = models.CharField(max_length=255)
    reason = models.CharField(max_length=400)
    same = models.ForeignKey(
        "documents.Document", on_delete=models.SET_NULL, null=True, related_name="+",
        help_text="Of the same content, which is there already",
    )  # fmt: skip
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-created"]

    def __str__(self) -> str:
        return self.name

"""Model of an index beside a collection's live one: on trial, or kept for a while after its replacement."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from apps.documents.models.collection import Collection
from apps.documents.settings import CollectionSettings, read_collection_settings
from apps.lib.db.leases import Leased
from apps.lib.db.stored_text_field import StoredTextField

if TYPE_CHECKING:
    from apps.users.models import AnyUser


class IndexBuildQuerySet(models.QuerySet["IndexBuild"]):
    """Index builds with access queries."""

    def visible_to(self, user: AnyUser) -> IndexBuildQuerySet:
        """Return the builds of collections that the user owns."""
        return self.filter(collection__in=Collection.objects.owned_by(user))

    def open(self) -> IndexBuildQuerySet:
        """Return the builds that wait, are being built, or wait for a decision."""
        return self.filter(status__in=IndexBuild.OPEN)


class IndexBuild(Leased):
    """Settings of a collection to try, with chunks and segments of their own if they need any (`has_own_chunks`)."""

    class Status(models.TextChoices):
        """State of a build."""

        WAITING = "waiting", gettext_lazy("Waiting")
        BUILDING = "building", gettext_lazy("Building")
        BUILT = "built", gettext_lazy("Ready")
        KEPT = "kept", gettext_lazy("Previous version")  # was the live index before the last swap
        FAILED = "failed", gettext_lazy("Failed")

    OPEN: ClassVar = [Status.WAITING, Status.BUILDING, Status.BUILT]

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="builds")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    search_settings = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WAITING)
    has_own_chunks = models.BooleanField(default=False)  # False: it is searched in the live chunks
    swap_when_built = models.BooleanField(default=False)  # True: it replaces the live index as soon as it is built
    done = models.PositiveIntegerField(default=0)  # documents chunked and embedded
    total = models.PositiveIntegerField(default=0)
    reason = StoredTextField(blank=True)  # why it failed
    created = models.DateTimeField(auto_now_add=True)
    ended = models.DateTimeField(null=True, blank=True)  # time when it was built, failed or was replaced

    objects = IndexBuildQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["collection"], condition=models.Q(status__in=["waiting", "building", "built"]),
                name="one_open_build_a_collection",
            ),
            models.UniqueConstraint(
                fields=["collection"], condition=models.Q(status="kept"), name="one_kept_build_a_collection"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"build {self.pk} of {self.collection_id}"

    @property
    def settings_to_try(self) -> CollectionSettings:
        """Return the settings to try."""
        return read_collection_settings(self.search_settings)

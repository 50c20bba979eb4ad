"""Import jobs of conversations from files of other programs, with a report line per conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from apps.lib.db.leases import Leased
from apps.lib.db.stored_text_field import StoredTextField
from apps.lib.ids import new_id

if TYPE_CHECKING:
    from apps.users.models import AnyUser


class ImportQuerySet(models.QuerySet["ImportJob"]):
    """Access queries of imports."""

    def visible_to(self, user: AnyUser) -> ImportQuerySet:
        """Return the imports of the user."""
        return self.filter(owner=user) if user.is_authenticated else self.none()


class ImportJob(Leased):
    """Uploaded file; the row is the queue entry of the worker, and then the report."""

    class Status(models.TextChoices):
        """State of the job."""

        WAITING = "waiting", gettext_lazy("Waiting")
        DONE = "done", gettext_lazy("Done")
        FAILED = "failed", gettext_lazy("Failed")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="imports")
    name = models.CharField(max_length=255)  # name of the file, for display
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WAITING)
    reason = StoredTextField(blank=True)  # why nothing could be imported, and what to do
    total = models.PositiveIntegerField(default=0)  # conversations in the file; 0 until it was read
    created = models.DateTimeField(auto_now_add=True)
    ended = models.DateTimeField(null=True, blank=True)

    objects = ImportQuerySet.as_manager()

    class Meta:
        db_table = "conversations_import"
        ordering: ClassVar = ["-created"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner"], condition=Q(status="waiting"), name="one_waiting_import_a_person")
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.status}"


class ImportItem(models.Model):
    """Report line about one conversation of the file."""

    class State(models.TextChoices):
        """Result of one conversation."""

        IMPORTED = "imported", gettext_lazy("Imported")
        KNOWN = "known", gettext_lazy("Already imported")
        SKIPPED = "skipped", gettext_lazy("Not imported")

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveIntegerField()  # index in the file, from 0
    state = models.CharField(max_length=8, choices=State.choices)
    title = models.CharField(max_length=120, blank=True)
    note = StoredTextField(blank=True)  # why it was not imported, or what was left out
    conversation = models.ForeignKey(
        "conversations.Conversation", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "position"], name="one_item_a_position")]

    def __str__(self) -> str:
        return f"{self.title}: {self.state}"

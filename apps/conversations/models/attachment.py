"""Pictures that users attach to questions. The rows are also the queue of text recognition."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from apps.lib.db.leases import Leased
from apps.lib.db.stored_text_field import StoredTextField
from apps.lib.ids import new_id

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from apps.users.models import User

DRAFT_LIFETIME = timedelta(days=7)  # time for which a picture without a question is kept


class AttachedPictureQuerySet(models.QuerySet["AttachedPicture"]):
    """Access queries of attached pictures."""

    def visible_to(self, user: User | AnonymousUser) -> AttachedPictureQuerySet:
        """Return the user's own pictures: drafts, and those of conversations that are not deleted."""
        if not user.is_authenticated:
            return self.none()
        asked = Attachment.objects.filter(picture=models.OuterRef("pk"))
        there = asked.filter(question__conversation__deleted=None)
        return self.filter(Q(~models.Exists(asked)) | Q(models.Exists(there)), owner=user)

    def drafts(self) -> AttachedPictureQuerySet:
        """Return the pictures that no question is about."""
        return self.filter(~models.Exists(Attachment.objects.filter(picture=models.OuterRef("pk"))))

    def forgotten(self) -> AttachedPictureQuerySet:
        """Return drafts older than DRAFT_LIFETIME, and pictures whose conversations were deleted."""
        return self.drafts().filter(Q(was_asked_about=True) | Q(created__lt=timezone.now() - DRAFT_LIFETIME))


class AttachedPicture(Leased):
    """Attached picture as stored: redrawn from the upload, without metadata."""

    class Status(models.TextChoices):
        """State of recognition and review."""

        WAITING = "waiting", gettext_lazy("Reading text")
        READY = "ready", gettext_lazy("Ready")
        HELD = "held", gettext_lazy("Held for review")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="attached_pictures")
    name = models.CharField(max_length=255)  # name of the uploaded file
    file = models.FileField(upload_to="attached")  # PNG or JPEG
    thumbnail = models.BinaryField(default=bytes)  # JPEG
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)  # SHA-256 of the file
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WAITING, db_index=True)
    reason = StoredTextField(blank=True)  # why it is held
    unchecked = models.BooleanField(default=False)  # no classifier has judged it
    blur = models.CharField(max_length=40, blank=True)  # the clause under which it is shown blurred
    # whether text recognition has run; a description may still be missing
    recognised = models.BooleanField(default=False)
    text = models.TextField(blank=True)  # recognised text
    recognition_problem = StoredTextField(blank=True)  # why its text could not be recognised
    caption = models.TextField(blank=True)  # description written by a vision model
    caption_problem = StoredTextField(blank=True)  # why there is no description
    was_asked_about = models.BooleanField(default=False)  # a question was asked about it
    created = models.DateTimeField(auto_now_add=True)

    objects = AttachedPictureQuerySet.as_manager()

    class Meta:
        app_label = "conversations"
        ordering: ClassVar = ["created"]

    def __str__(self) -> str:
        return self.name

    @property
    def kind(self) -> str:
        """Return the MIME type."""
        return "image/png" if str(self.file).endswith(".png") else "image/jpeg"


class Attachment(models.Model):
    """Link of a picture to a question; rewordings and copies of the question have links of their own."""

    question = models.ForeignKey("conversations.Message", on_delete=models.CASCADE, related_name="attachments")
    picture = models.ForeignKey(AttachedPicture, on_delete=models.CASCADE, related_name="attachments")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        app_label = "conversations"
        ordering: ClassVar = ["question", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["question", "picture"], name="one_attachment_a_question_and_picture")
        ]

    def __str__(self) -> str:
        return f"{self.picture_id} of {self.question_id}"

"""Pictures that a person attached to questions. The row is the queue of those whose text is still to be read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from apps.lib.db.leases import Leased
from apps.lib.ids import new_id

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from apps.users.models import User

DRAFT_LIFETIME = timedelta(days=7)  # a picture that no question has been asked about is kept for so long


class AttachedPictureQuerySet(models.QuerySet["AttachedPicture"]):
    def visible_to(self, user: User | AnonymousUser) -> AttachedPictureQuerySet:
        """Their own: not asked about yet, or of a conversation that is there."""
        if not user.is_authenticated:
            return self.none()
        asked = Attachment.objects.filter(picture=models.OuterRef("pk"))
        there = asked.filter(question__conversation__deleted=None)
        return self.filter(Q(~models.Exists(asked)) | Q(models.Exists(there)), owner=user)

    def drafts(self) -> AttachedPictureQuerySet:
        """Those that no question was asked about."""
        return self.filter(~models.Exists(Attachment.objects.filter(picture=models.OuterRef("pk"))))

    def forgotten(self) -> AttachedPictureQuerySet:
        """Drafts that nobody went on with, and those whose conversations are gone."""
        return self.drafts().filter(Q(asked=True) | Q(created__lt=timezone.now() - DRAFT_LIFETIME))


class AttachedPicture(Leased):
    """One picture as it is kept: drawn anew from what came, without metadata."""

    class Status(models.TextChoices):
        WAITING = "waiting", gettext_lazy("Its text is being read")
        READY = "ready", gettext_lazy("Ready")
        HELD = "held", gettext_lazy("Held for review")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="attached_pictures")
    name = models.CharField(max_length=255, help_text="Of the file that came")
    file = models.FileField(upload_to="attached")  # PNG or JPEG
    thumbnail = models.BinaryField(default=bytes)  # JPEG
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64, help_text="Of the file")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WAITING, db_index=True)
    reason = models.CharField(max_length=400, blank=True, help_text="Why it is held")
    unchecked = models.BooleanField(default=False)  # no classifier has looked at it
    blur = models.CharField(max_length=40, blank=True, help_text="The clause under which it is shown blurred")
    recognised = models.BooleanField(default=False, help_text="Its text was looked for; only a description may be due")
    text = models.TextField(blank=True, help_text="What was recognised in it")
    unread = models.CharField(max_length=400, blank=True, help_text="Why its text could not be recognised")
    caption = models.TextField(blank=True, help_text="What a model that sees said it shows")
    uncaptioned = models.CharField(max_length=400, blank=True, help_text="Why none said so")
    asked = models.BooleanField(default=False)  # a question was asked about it
    created = models.DateTimeField(auto_now_add=True)

    objects = AttachedPictureQuerySet.as_manager()

    class Meta:
        app_label = "conversations"
        ordering: ClassVar = ["created"]

    def __str__(self) -> str:
        return self.name

    @property
    def kind(self) -> str:
        """As a browser names it."""
        return "image/png" if str(self.file).endswith(".png") else "image/jpeg"


class Attachment(models.Model):
    """That a picture belongs to a question: also to its other wordings, and to copies in other conversations."""

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

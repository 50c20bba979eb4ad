"""Shared links of conversations."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from apps.safety.models.feature_restrictions import Feature, active_restrictions


def generate_secret() -> str:
    """Return a random secret of 256 bits. It is stored in plain text, so that the owner can copy the link again."""
    return secrets.token_urlsafe(32)


class ShareQuerySet(models.QuerySet["Share"]):
    """Query set of shared links; `open` leaves only those that can be opened now."""

    def open(self) -> ShareQuerySet:
        """Return the links that show their conversation now: valid ones of active owners."""
        return self.valid().filter(conversation__owner__is_active=True)

    def valid(self) -> ShareQuerySet:
        """Return the links that are enabled and not expired, the conversation not deleted, its owner not
        restricted."""
        return self.filter(
            Q(expires=None) | Q(expires__gt=timezone.now()), enabled=True, conversation__deleted=None
        ).exclude(
            conversation__owner__in=active_restrictions().filter(feature=Feature.SHARING).values("user")
        )  # fmt: skip


class Share(models.Model):
    """Shared link of a conversation, at most one each. Messages after `last_message` are not shown."""

    class Sources(models.TextChoices):
        """Visibility of sources to readers."""

        PASSAGES = "passages", gettext_lazy("Passages, for users who can read the document")
        TITLES = "titles", gettext_lazy("Document titles only")
        NONE = "none", gettext_lazy("No sources")

    conversation = models.OneToOneField("conversations.Conversation", on_delete=models.CASCADE, related_name="share")
    secret = models.CharField(max_length=64, unique=True, default=generate_secret)
    enabled = models.BooleanField(default=True)
    sources = models.CharField(max_length=8, choices=Sources.choices, default=Sources.PASSAGES)
    last_message = models.ForeignKey("conversations.Message", on_delete=models.CASCADE, related_name="+")
    expires = models.DateTimeField(null=True, blank=True)
    changed = models.DateTimeField(auto_now=True)

    objects = ShareQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(sources__in=["passages", "titles", "none"]), name="known_way_to_share")
        ]

    def __str__(self) -> str:
        return f"share of {self.conversation_id}"

    @property
    def expired(self) -> bool:
        """Return whether the link has expired."""
        return self.expires is not None and self.expires <= timezone.now()

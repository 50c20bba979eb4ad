"""Saved prompts of users."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.users.models import User


class SavedPromptQuerySet(models.QuerySet["SavedPrompt"]):
    """Access queries of saved prompts."""

    def visible_to(self, user: User) -> SavedPromptQuerySet:
        """Return the user's own prompts, and those that administrators offer to everybody."""
        return self.filter(Q(owner=user) | Q(everyone=True))


class SavedPrompt(models.Model):
    """Prompt saved under a name, with `{{variables}}`."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="prompts")
    name = models.CharField(max_length=60)
    text = models.TextField(max_length=4000)
    everyone = models.BooleanField(default=False)  # whether all users are offered it; set by administrators only

    objects = SavedPromptQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["owner", "name"], name="one_prompt_a_name")]

    def __str__(self) -> str:
        return self.name

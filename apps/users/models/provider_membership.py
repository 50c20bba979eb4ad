"""Model of memberships in groups that the provider of sign-ins gave."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class ProviderMembership(models.Model):
    """Mark of a membership that came from the provider's claims. Memberships without one were made by hand."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="provider_memberships")
    group = models.ForeignKey("auth.Group", on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "group"], name="one_provider_membership_a_user_and_group")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.group_id}"

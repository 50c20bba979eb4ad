"""Texts that were let through and drawn at random, for a person to read: how the recall of the checks is known."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.lib.encrypted import EncryptedText
from apps.lib.ids import new_id
from apps.lib.leases import Leased


class Audited(Leased):
    """One text that was let through. Its words go once it was judged; what remains are numbers."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=20)
    subject = models.CharField(max_length=64)
    stage = models.CharField(max_length=12)
    text = EncryptedText(blank=True, help_text="Personal data masked; empty once judged")
    chance = models.FloatField(help_text="With which it was drawn, 0 to 1: its weight is the inverse")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    clause = models.CharField(max_length=40, blank=True, help_text="What it is against; empty: harmless")
    created = models.DateTimeField(auto_now_add=True)
    given = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "safety"
        ordering: ClassVar = ["created"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(reviewer=F("owner")), name="nobody_audits_their_own")
        ]

    def __str__(self) -> str:
        return f"A random {self.stage}"

"""Model of requests for an account, which wait for an administrator."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class JoinRequest(models.Model):
    """Request for an account by a visitor with an address of an allowed domain. Deleted when it is decided."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    confirmed = models.BooleanField(default=False)  # the visitor opened the link that was mailed to the address
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["created"]

    def __str__(self) -> str:
        return f"join request {self.pk}"

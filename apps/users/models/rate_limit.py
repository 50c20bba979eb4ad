"""Models of rate limits: limits that administrators set, and the fill levels of token buckets.

A bucket refills evenly up to its burst. Processes and machines that share the database share its buckets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy


class LimitedResource(models.TextChoices):
    """Resource that rate limits count."""

    MESSAGES = "messages", gettext_lazy("Questions")
    TOKENS = "tokens", gettext_lazy("Model tokens")
    PICTURES = "pictures", gettext_lazy("Pictures")
    UPLOADS = "uploads", gettext_lazy("Files and web pages")
    SIGN_INS = "sign_ins", gettext_lazy("Failed sign-ins")


class LimitScope(models.TextChoices):
    """Holder of a limit: each user, each group as a whole, each network address."""

    USER = "person", gettext_lazy("Each user")
    GROUP = "group", gettext_lazy("All users of a group together")
    ADDRESS = "address", gettext_lazy("Each network address")


@dataclass(frozen=True, slots=True)
class Rate:
    """Rate of a bucket: `burst` is its capacity, `per_hour` how many units flow back per hour."""

    burst: int
    per_hour: int

    def wait_s(self, missing: float) -> int:
        """Return the seconds until `missing` units have flowed back: 1 to 86,400; 86,400 if nothing flows back."""
        return max(1, min(86_400, math.ceil(missing * 3600 / self.per_hour))) if self.per_hour else 86_400


class RateLimit(models.Model):
    """Limit that an administrator set, in place of the default (`rate_limits.DEFAULTS`)."""

    scope = models.CharField(max_length=8, choices=LimitScope.choices)
    group = models.ForeignKey("auth.Group", on_delete=models.CASCADE, null=True, blank=True, related_name="limits")
    resource = models.CharField(max_length=12, choices=LimitedResource.choices)
    burst = models.PositiveIntegerField()
    per_hour = models.PositiveIntegerField()

    class Meta:
        db_table = "users_limit"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scope", "resource"], condition=Q(group=None), name="one_limit_a_resource"),
            models.UniqueConstraint(fields=["group", "resource"], name="one_limit_a_group_and_resource"),
            models.CheckConstraint(
                condition=Q(scope="group", group__isnull=False) | (~Q(scope="group") & Q(group=None)),
                name="a_limit_of_a_group_names_it",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.resource}: {self.burst}, {self.per_hour} an hour"


class RateLimitBucket(models.Model):
    """Fill level of one bucket. Buckets without a row are full."""

    key = models.CharField(primary_key=True, max_length=120)
    level = models.FloatField()  # units left; negative while more was used than the bucket held
    updated = models.FloatField(db_index=True)  # time of the last change of the level, in seconds since 1970

    class Meta:
        db_table = "users_bucket"

    def __str__(self) -> str:
        return self.key

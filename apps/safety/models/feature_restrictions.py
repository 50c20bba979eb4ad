"""Restrict features for a user until a day, by a decision of a reviewer.

Every entry point of a feature calls `restriction_message` or `is_blocked`. A restriction ends on its day or when the
decision is reverted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.contrib import messages
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_lazy

from apps.users.permissions import get_signed_in_user

if TYPE_CHECKING:
    from datetime import datetime

    from apps.users.models import User

DURATION_DAYS = (1, 3, 7, 14, 30, 90)


class Feature(models.TextChoices):
    """Feature that can be restricted."""

    PICTURES = "pictures", gettext_lazy("Pictures")  # requesting pictures, in any way
    UPLOADS = "uploads", gettext_lazy("Uploads")  # files, web pages, attached pictures, chats from elsewhere
    SHARING = "sharing", gettext_lazy("Sharing")  # existing links show nothing meanwhile
    TOOLS = "tools", gettext_lazy("Tools")  # by the model and by `/` commands


class FeatureRestriction(models.Model):
    """Restriction of one feature for one user, one row per decision; another row may still restrict the feature."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="restrictions")
    feature = models.CharField(max_length=12, choices=Feature.choices)
    until = models.DateTimeField()
    lifted = models.DateTimeField(null=True, blank=True)
    decision = models.ForeignKey("safety.Decision", on_delete=models.PROTECT, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "safety_restriction"
        ordering: ClassVar = ["feature", "-until"]
        indexes: ClassVar = [models.Index(fields=["user", "feature", "until"], name="restrictions_of_a_user")]

    def __str__(self) -> str:
        return f"{self.feature} until {self.until:%Y-%m-%d}"


def active_restrictions() -> models.QuerySet[FeatureRestriction]:
    """Return the restrictions of all users that hold now."""
    return FeatureRestriction.objects.filter(lifted=None, until__gt=timezone.now())


def restriction_message(user: User, feature: Feature) -> str:
    """Return the message for the user if the feature is restricted for them; "" if not. One query."""
    rows = active_restrictions().filter(user=user.pk, feature=feature).order_by()
    until = max(rows.values_list("until", flat=True), default=None)
    if until is None:
        return ""
    message = gettext("%(feature)s: restricted for you until %(until)s UTC. Your notices say why, and how to appeal.")
    return message % {"feature": feature.label, "until": format_day(until)}


def is_blocked(request: HttpRequest, feature: Feature) -> bool:
    """Return whether the feature is restricted for the requesting user; if so, add the message to the next page."""
    message = restriction_message(get_signed_in_user(request), feature)
    if message:
        messages.error(request, message)
    return bool(message)


def format_day(moment: datetime) -> str:
    """Return day and time in the format of the active language."""
    return date_format(moment, gettext("j F Y, H:i"))

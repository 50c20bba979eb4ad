"""Template filter of the reading check."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext

from apps.conversations.assistants.model_trust import describe_trust
from apps.conversations.models import ModelProfile

register = template.Library()


@register.filter
def reading_result(profile: ModelProfile) -> str:
    """Return the result of the model's reading check in words."""
    if not profile.reading_asked:
        return gettext("Its reading has not been tested yet. Open the system check to test it.")
    return describe_trust(profile)

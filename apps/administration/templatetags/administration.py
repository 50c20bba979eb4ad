"""Template tag of the navigation that all pages of the administration share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template

from apps.administration.navigation import AdministrationNavigation, build_navigation
from apps.users.models import User

register = template.Library()


@register.simple_tag(takes_context=True)
def administration_navigation(context: Mapping[str, Any]) -> AdministrationNavigation | None:
    """Return the navigation of the signed-in user; None for users who are not of the staff."""
    user, request = context.get("user"), context.get("request")
    if request is None or not isinstance(user, User) or not user.is_staff:
        return None
    return build_navigation(user, request.path)

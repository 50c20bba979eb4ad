"""Template tags of the sign-in page."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from django import template

from apps.users.models import SiteSettings
from apps.users.second_factor import passkeys
from apps.users.single_sign_on.provider_settings import load_provider

register = template.Library()


@register.simple_tag
def provider_name() -> str:
    """Return the name of the provider of sign-ins; "" if there is none."""
    provider = load_provider()
    return provider.name if provider.issuer else ""


@register.simple_tag
def passkeys_in_use() -> bool:
    """Return whether any user of the site has a passkey."""
    return passkeys.are_in_use()


@register.simple_tag
def may_ask_to_join() -> bool:
    """Return whether visitors with an address of some domains may ask for an account."""
    return SiteSettings.current().signup == SiteSettings.Signup.DOMAINS


@register.simple_tag(takes_context=True)
def may_sign_up(context: dict[str, Any]) -> bool:
    """Return whether this visitor may sign up: anyone on an open site, otherwise only with an invitation."""
    return bool(get_adapter().is_open_for_signup(context["request"]))

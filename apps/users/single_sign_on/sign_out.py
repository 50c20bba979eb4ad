"""Sign out at the provider, and end sessions that the provider ends (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

import time

from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from apps.users.models import ApiToken, User
from apps.users.sessions import PROVIDER_KEY, end_sessions
from apps.users.single_sign_on.provider import LEEWAY_S, load_configuration, verify_token
from apps.users.single_sign_on.provider_settings import load_provider

_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_OLDEST_S = 600  # seconds; an older logout token is refused


class InvalidLogoutToken(Exception):
    """Error: the logout token is not valid for this site."""


def build_sign_out_address(request: HttpRequest) -> str:
    """Return the provider's address that ends the user's session there.

    "" if the session began without the provider or with a former one, or the provider has no such address or is
    unreachable.
    """
    signed_in, provider = request.session.get(PROVIDER_KEY), load_provider()
    if not signed_in or not request.user.is_authenticated or not provider.issuer:
        return ""
    if signed_in.get("issuer", provider.issuer) != provider.issuer:  # another one gets no token of the former
        return ""
    try:
        address = load_configuration(provider).get("end_session_endpoint", "")
    except (OAuth2Error, OSError):
        return ""
    back = str(settings.SITE_URL) + reverse("account_login")
    hints = {
        "id_token_hint": signed_in["id_token"],
        "client_id": provider.client_id,
        "post_logout_redirect_uri": back,
    }
    return f"{address}{'&' if '?' in address else '?'}{urlencode(hints)}" if address else ""


def end_by_logout_token(token: str) -> int:
    """End what a logout token names and return the number of users. Open sockets close within 4 seconds.

    A token with `sid` ends that session. One without ends all sessions and personal API tokens of the user, as when the
    account at the provider is closed. Raises InvalidLogoutToken.
    """
    provider = load_provider()
    try:
        claims = verify_token(provider, token)
    except (OAuth2Error, OSError) as error:
        raise InvalidLogoutToken(str(error)) from error
    subject, session = claims.get("sub"), claims.get("sid")
    events = claims.get("events")
    if not isinstance(events, dict) or _EVENT not in events or "nonce" in claims or not (subject or session):
        raise InvalidLogoutToken("this is no logout token")
    if claims["iat"] < time.time() - _OLDEST_S - LEEWAY_S:
        raise InvalidLogoutToken("this logout token is too old")
    accounts = SocialAccount.objects.filter(provider=provider.issuer)
    users = User.objects.filter(pk__in=(accounts.filter(uid=subject) if subject else accounts).values("user"))
    if session:
        end_sessions(users, lambda content: (content.get(PROVIDER_KEY) or {}).get("sid") == session)
    else:
        end_sessions(users)
        ApiToken.objects.filter(user__in=users).delete()
    return users.count()

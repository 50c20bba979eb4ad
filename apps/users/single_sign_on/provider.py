"""OpenID Connect provider: discovery, verified tokens, and the client of django-allauth.

Discovery and keys are cached for ten minutes. Tokens are verified by signature, issuer, audience and expiry, also those
that come straight from the token endpoint.
"""

from __future__ import annotations

import secrets
from typing import Any

import jwt
from allauth.account.models import EmailAddress
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import cached_property

from apps.users.single_sign_on.claims import Identity, read_identity
from apps.users.single_sign_on.provider_settings import ProviderSettings, load_provider

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
CACHED_S, REFETCH_S, LEEWAY_S = 600, 30, 60  # seconds
_ENDPOINTS = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")


def is_configured() -> bool:
    """Return whether there is a provider."""
    return bool(load_provider().issuer)


def load_configuration(provider: ProviderSettings) -> dict[str, Any]:
    """Return the discovery document, as it was at most CACHED_S ago. Raises as `fetch_configuration`."""
    key = f"oidc:{provider.issuer}"
    found: dict[str, Any] | None = cache.get(key)
    if found is None:
        found = fetch_configuration(provider)
        cache.set(key, found, CACHED_S)
    return found


def fetch_configuration(provider: ProviderSettings) -> dict[str, Any]:
    """Fetch and return the discovery document. Raises OAuth2Error if it is incomplete or of another issuer, and
    OSError if the provider is unreachable."""
    found = _fetch(provider.issuer.rstrip("/") + "/.well-known/openid-configuration")
    if any(not isinstance(found.get(name), str) for name in _ENDPOINTS):
        raise OAuth2Error("the discovery document is incomplete")
    if found["issuer"].rstrip("/") != provider.issuer.rstrip("/"):
        raise OAuth2Error(f"the discovery document is of the issuer {found['issuer']}")
    return found


def verify_token(provider: ProviderSettings, token: str, **options: Any) -> dict[str, Any]:
    """Return the claims of an id or logout token. Raises OAuth2Error if it is not valid for this site."""
    configuration = load_configuration(provider)
    try:
        header = jwt.get_unverified_header(token)
        claims: dict[str, Any] = jwt.decode(
            token,
            _find_key(configuration["jwks_uri"], header.get("kid")),
            algorithms=ALGORITHMS,
            audience=provider.client_id,
            issuer=configuration["issuer"],
            leeway=LEEWAY_S,
            options={"require": ["iss", "aud", "iat", *options.get("require", ())]},
        )
    except (jwt.PyJWTError, TypeError, ValueError) as error:  # a key of another kind: TypeError
        raise OAuth2Error(f"the token is not valid: {error}") from error
    return claims


def leave_site(request: HttpRequest, address: str) -> HttpResponse:
    """Return a page that opens the provider's address.

    A redirect would not do: browsers apply `form-action` of the policy to redirects of a form, too.
    """
    context = {"address": address, "provider": load_provider().name}
    response = render(request, "users/single_sign_on_leave.html", context)
    response["Cache-Control"] = "no-store"
    return response


class SiteOidcAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """Client of the provider: callback below SITE_URL, verified id token, userinfo of the same subject.

    It keeps the settings that it began with, so that no secret reaches a provider which is set meanwhile.
    """

    @cached_property
    def _provider(self) -> SiteOidcProvider:
        return SiteOidcProvider(self.request)

    def get_provider(self) -> SiteOidcProvider:
        return self._provider

    @property
    def openid_config(self) -> dict[str, Any]:
        return load_configuration(self._provider.settings)

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return str(settings.SITE_URL) + reverse("users:sso_callback")

    def complete_login(self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any) -> Any:
        """Return the login with `identity`, `id_claims` and `id_token`. Raises OAuth2Error."""
        id_token = str(kwargs["response"].get("id_token") or "")
        provider = self._provider.settings
        claims = verify_token(provider, id_token, require=["sub", "exp"])
        userinfo = self._fetch_user_info(token.token) if self.openid_config.get("userinfo_endpoint") else {}
        if userinfo and userinfo.get("sub") != claims["sub"]:
            raise OAuth2Error("userinfo is about another subject than the id token")
        identity = read_identity(claims, userinfo, provider.groups_claim, provider.roles_claim)
        login = self._provider.sociallogin_from_response(request, identity)
        login.identity, login.id_claims, login.id_token = identity, claims, id_token
        return login


class SiteOidcProvider(OpenIDConnectProvider):  # type: ignore[misc]
    """Provider in force. Accounts are bound to issuer and subject, so another issuer never finds them."""

    oauth2_adapter_class = SiteOidcAdapter

    def __init__(self, request: HttpRequest | None) -> None:
        self.settings = load_provider()
        app = SocialApp(
            provider=self.id,
            provider_id=self.settings.issuer,
            name=self.settings.name,
            client_id=self.settings.client_id,
            secret=self.settings.client_secret,
            settings={
                "server_url": self.settings.issuer,
                "oauth_pkce_enabled": True,
                "scope": ["openid", "profile", "email", *self.settings.scopes],
            },
        )
        super().__init__(request, app=app)

    def send_to_provider(self, request: HttpRequest, next_url: str | None, **state: Any) -> HttpResponse:
        """Return the page that opens the provider. With `started`, the time in seconds, the user must sign in anew."""
        nonce = secrets.token_urlsafe(24)
        parameters: dict[str, Any] = {"nonce": nonce}
        if "started" in state:
            parameters |= {"prompt": "login", "max_age": 0}
        response = self.redirect(request, "login", next_url, auth_params=parameters, nonce=nonce, **state)
        return leave_site(request, response["Location"]) if response.status_code == 302 else response

    def extract_uid(self, data: Identity) -> str:
        return data.subject

    def extract_extra_data(self, data: Identity) -> dict[str, Any]:
        return {}  # no claim is stored

    def extract_common_fields(self, data: Identity) -> dict[str, Any]:
        return {"email": data.email, "name": data.name}

    def extract_email_addresses(self, data: Identity) -> list[EmailAddress]:
        return [EmailAddress(email=data.email, verified=data.email_verified, primary=True)] if data.email else []


def _find_key(address: str, kid: str | None) -> Any:
    """Return the key of that id. The keys are fetched again for an unknown id, at most every REFETCH_S seconds."""
    name = f"oidc-keys:{address}"
    keys = cache.get(name)
    for _ in range(2):
        if keys is None:
            keys = _fetch(address).get("keys", [])
            cache.set(name, keys, CACHED_S)
        fitting = [key for key in keys if key.get("use", "sig") == "sig" and (kid is None or key.get("kid") == kid)]
        if len(fitting) == 1:
            return jwt.PyJWK(fitting[0]).key
        if not cache.add(f"{name}:refetch", True, REFETCH_S):
            break
        keys = None
    raise jwt.InvalidKeyError("the provider has no such key")


def _fetch(address: str) -> dict[str, Any]:
    with get_adapter().get_requests_session() as session:
        answer = session.get(address)
        answer.raise_for_status()
        found = answer.json()
    if not isinstance(found, dict):
        raise OAuth2Error("the provider sent no object")
    return found

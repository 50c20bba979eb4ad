"""Passkeys (WebAuthn) of this site's address."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from fido2.utils import websafe_decode

from apps.users.models import User


def are_possible() -> bool:
    """Return whether browsers allow passkeys at SITE_URL: https, or http on localhost; never a bare IP address."""
    site = urlsplit(settings.SITE_URL)
    host = site.hostname or ""
    is_address = ":" in host or host.replace(".", "").isdigit()
    return host == "localhost" or (site.scheme == "https" and not is_address)


def are_in_use() -> bool:
    """Return whether any user of the site can sign in with a passkey."""
    return are_possible() and Authenticator.objects.filter(type=Authenticator.Type.WEBAUTHN).exists()


def begin_registration(user: User) -> dict[str, Any]:
    """Return the options for the browser's `navigator.credentials.create()`, and remember the challenge.

    The key is stored in the device if the device can, so that it also signs in without a password.
    """
    options: dict[str, Any] = auth.begin_registration(user, passwordless=False)
    chosen = options["publicKey"]["authenticatorSelection"]
    options["publicKey"] = {
        **options["publicKey"],
        "authenticatorSelection": {**chosen, "residentKey": "preferred", "requireResidentKey": False},
    }
    return options


def check_new(credential: Any) -> None:
    """Raise ValidationError unless the browser's new credential answers the challenge of this session."""
    try:
        require_origin(credential)
        auth.parse_registration_response(credential)
        auth.complete_registration(credential)
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise refuse() from error


def find_used(credential: Any, user: User | None) -> Authenticator:
    """Return the passkey that answered the challenge of this session, of the user or, if None, of whom it names.

    Raise ValidationError.
    """
    try:
        require_origin(credential)
        auth.parse_authentication_response(credential)
        found: Authenticator = auth.complete_authentication(
            user or auth.extract_user_from_response(credential), credential
        )
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise refuse() from error
    return found


def require_origin(credential: Any) -> None:
    """Raise ValidationError unless the credential was used on a page of SITE_URL, and not of a subdomain, say."""
    said = json.loads(websafe_decode(credential["response"]["clientDataJSON"]))["origin"]
    if said != _read_origin(settings.SITE_URL):
        raise refuse()


def _read_origin(address: str) -> str:
    """Return the origin as browsers write it: without the port of the scheme."""
    site = urlsplit(address)
    host = site.hostname or ""
    port = "" if site.port in (None, {"https": 443, "http": 80}.get(site.scheme)) else f":{site.port}"
    return f"{site.scheme}://{host}{port}"


def refuse() -> ValidationError:
    """Return the error for a passkey that is not accepted."""
    return ValidationError(gettext("This passkey was not accepted. Try again."))

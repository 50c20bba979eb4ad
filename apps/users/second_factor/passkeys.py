"""Passkeys (WebAuthn) of this site's address.

A passkey replaces the password only if the device checked its user, by PIN, finger or face, when the passkey was added
and at each use. Others are second factors: whoever finds a key without a PIN could set one.
"""

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
from fido2.webauthn import AuthenticationResponse, UserVerificationRequirement

from apps.users.models import User


def are_possible() -> bool:
    """Return whether browsers allow passkeys at SITE_URL: https, or http on localhost; never a bare IP address."""
    site = urlsplit(settings.SITE_URL)
    host = site.hostname or ""
    is_address = ":" in host or host.replace(".", "").isdigit()
    return host == "localhost" or (site.scheme == "https" and not is_address)


def are_in_use() -> bool:
    """Return whether any user of the site has a passkey."""
    return are_possible() and Authenticator.objects.filter(type=Authenticator.Type.WEBAUTHN).exists()


def may_stand_alone(row: Authenticator) -> bool:
    """Return whether the passkey may replace the password: its device checked the user when it was added."""
    return bool(row.wrap().authenticator_data.is_user_verified())


def list_standing_alone(user: User) -> list[Authenticator]:
    """Return the passkeys of the user that may replace the password."""
    rows = Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN)
    return [row for row in rows if may_stand_alone(row)] if are_possible() else []


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


def begin_verified(user: User) -> dict[str, Any]:
    """Return the options for a use that replaces the password of this user, and remember the challenge."""
    credentials = [row.wrap().authenticator_data.credential_data for row in list_standing_alone(user)]
    options, state = auth.get_server().authenticate_begin(
        credentials=credentials, user_verification=UserVerificationRequirement.REQUIRED
    )
    auth.set_state(state)
    return dict(options)


def find_verified(credential: Any, user: User | None) -> Authenticator:
    """Return the passkey as `find_used` does. Raise ValidationError also unless it may replace the password, and its
    device has just checked the user.

    The mark is read from the signed answer. The challenge does not tell: every page's challenge is stored in one place.
    """
    found = find_used(credential, user)
    answer = AuthenticationResponse.from_dict(credential).response.authenticator_data
    if not answer.is_user_verified():
        raise refuse()
    if not may_stand_alone(found):
        raise ValidationError(
            gettext("This passkey is a second factor only. Sign in with your password, then add it again with its PIN.")
        )
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

"""Adapter of django-allauth for second factors: encryption of secrets, and the site that passkeys are bound to."""

from __future__ import annotations

from urllib.parse import urlsplit

from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from apps.lib.db import encrypted_fields

ISSUER = "Openbook"


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Adapter that encrypts secrets as model fields are, and names the host of SITE_URL, never that of a request."""

    def encrypt(self, text: str) -> str:
        return encrypted_fields.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Return the secret. Raise ValidationError if its key is missing: codes must not follow from a placeholder."""
        text = encrypted_fields.decrypt(encrypted_text)
        if isinstance(text, encrypted_fields.UndecryptableText):
            raise ValidationError(
                gettext("Codes cannot be checked because their key is missing. An administrator must restore the key.")
            )
        return text

    def get_totp_issuer(self) -> str:
        """Return the name that apps show above the code. With the host, since users may know several sites."""
        return f"{ISSUER} ({urlsplit(settings.SITE_URL).hostname})"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": urlsplit(settings.SITE_URL).hostname or "", "name": ISSUER}

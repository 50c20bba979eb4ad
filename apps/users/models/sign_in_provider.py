"""Model of the OpenID Connect provider that administrators set on the page; the environment's takes precedence."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy

from apps.lib.db.encrypted_fields import EncryptedText, UndecryptableText


class SignInProvider(models.Model):
    """OpenID Connect provider of the site; one row, with the primary key 1.

    Its client secret is encrypted, and no page shows it.
    """

    class Link(models.TextChoices):
        """Rule of when a sign-in is linked with the account that has its address, as in OIDC_LINK."""

        CONFIRM = "confirm", gettext_lazy("After the password of that account")
        VERIFIED = "verified", gettext_lazy("At once, if the provider and this site have confirmed the address")
        NEVER = "never", gettext_lazy("Never")

    issuer = models.CharField(max_length=500)
    client_id = models.CharField(max_length=255)
    client_secret = EncryptedText(blank=True)
    name = models.CharField(max_length=60)
    scopes = models.JSONField(default=list, blank=True)
    groups_claim = models.CharField(max_length=255, default="groups")
    roles_claim = models.CharField(max_length=255, blank=True)
    allowed_groups = models.JSONField(default=list, blank=True)
    admin_groups = models.JSONField(default=list, blank=True)
    reviewer_groups = models.JSONField(default=list, blank=True)
    link = models.CharField(max_length=8, choices=Link.choices, default=Link.CONFIRM)
    session_hours = models.PositiveIntegerField(default=12)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(pk=1), name="one_row_of_sign_in_providers")]

    def __str__(self) -> str:
        return self.issuer

    @property
    def usable_secret(self) -> str:
        """Return the client secret to send; "" if there is none or it cannot be decrypted."""
        return "" if isinstance(self.client_secret, UndecryptableText) else self.client_secret

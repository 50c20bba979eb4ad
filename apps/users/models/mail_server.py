"""Model of the mail server that administrators set on the page; the environment's takes precedence."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy

from apps.lib.db.encrypted_fields import EncryptedText, UndecryptableText


class MailServer(models.Model):
    """SMTP server of the site; one row, with the primary key 1. Its password is encrypted, and no page shows it."""

    class Security(models.TextChoices):
        """Encryption of the connection."""

        STARTTLS = "starttls", gettext_lazy("STARTTLS, usually port 587")
        TLS = "tls", gettext_lazy("TLS, usually port 465")
        NONE = "none", gettext_lazy("none: only for a listed server of your network, without a password")

    host = models.CharField(max_length=253)
    port = models.PositiveIntegerField()
    security = models.CharField(max_length=8, choices=Security.choices, default=Security.STARTTLS)
    username = models.CharField(max_length=255, blank=True)
    password = EncryptedText(blank=True)
    sender = models.EmailField()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(pk=1), name="one_row_of_mail_servers")]

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def usable_password(self) -> str:
        """Return the password to send; "" if there is none or it cannot be decrypted."""
        return "" if isinstance(self.password, UndecryptableText) else self.password

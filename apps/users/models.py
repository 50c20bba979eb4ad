"""People, their roles, invitations, and the site's own settings."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone

INVITATION_DAYS = 14


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, **{"role": User.Role.ADMINISTRATOR, "is_superuser": True, **fields})


class User(AbstractBaseUser, PermissionsMixin):
    """A person, known by e-mail address."""

    class Role(models.TextChoices):
        MEMBER = "member", "Member"
        REVIEWER = "reviewer", "Reviewer"
        ADMINISTRATOR = "administrator", "Administrator"

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MEMBER)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def is_administrator(self) -> bool:
        return self.role == self.Role.ADMINISTRATOR

    @property
    def is_staff(self) -> bool:
        """Reviews safety or runs the site."""
        return self.role != self.Role.MEMBER


class Invitation(models.Model):
    """Lets one person sign up. Only the hash of the secret is kept."""

    secret_hash = models.CharField(max_length=64, unique=True)
    email = models.EmailField(blank=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="invitations")
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField()
    used_by = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="invitation"
    )

    class Meta:
        ordering: ClassVar = ["-created"]

    def __str__(self) -> str:
        return self.email or f"invitation {self.pk}"

    @staticmethod
    def hash(secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()

    @staticmethod
    def expiry() -> Any:
        return timezone.now() + timedelta(days=INVITATION_DAYS)

    @property
    def usable(self) -> bool:
        return self.used_by_id is None and self.expires > timezone.now()


class SiteSettings(models.Model):
    """The one row of settings that an administrator changes on the page."""

    class Signup(models.TextChoices):
        OPEN = "open", "Open: anyone may sign up"
        INVITATION = "invitation", "By invitation"
        CLOSED = "closed", "Closed"

    signup = models.CharField(max_length=16, choices=Signup.choices, default=Signup.INVITATION)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(pk=1), name="one_row_of_site_settings")]

    def __str__(self) -> str:
        return "Site settings"

    @classmethod
    def current(cls) -> SiteSettings:
        row, _ = cls.objects.get_or_create(pk=1, defaults={"signup": settings.INITIAL_SIGNUP})
        return row

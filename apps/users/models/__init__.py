"""Models of users, invitations, API tokens and the site's settings."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy

from apps.users.models.directory import DirectoryAccount as DirectoryAccount
from apps.users.models.directory import DirectoryGroup as DirectoryGroup
from apps.users.models.directory import DirectoryToken as DirectoryToken
from apps.users.models.join_request import JoinRequest as JoinRequest
from apps.users.models.mail_server import MailServer as MailServer
from apps.users.models.notice import UserNotice as UserNotice
from apps.users.models.provider_membership import ProviderMembership as ProviderMembership
from apps.users.models.rate_limit import RateLimit as RateLimit
from apps.users.models.rate_limit import RateLimitBucket as RateLimitBucket
from apps.users.models.sign_in_provider import SignInProvider as SignInProvider
from apps.users.models.usage import UsageDay as UsageDay
from apps.users.models.usage_limit import UsageLimit as UsageLimit
from apps.users.models.user_session import UserSession as UserSession

INVITATION_DAYS = 14


class UserManager(BaseUserManager["User"]):
    """Manager that creates users by e-mail address, stored in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, **{"role": User.Role.ADMINISTRATOR, "is_superuser": True, **fields})


class User(AbstractBaseUser, PermissionsMixin):
    """Account of one user, who signs in by e-mail address."""

    class Role(models.TextChoices):
        """Role of a user: members ask, reviewers also moderate, administrators also run the site."""

        MEMBER = "member", gettext_lazy("Member")
        REVIEWER = "reviewer", gettext_lazy("Reviewer")
        ADMINISTRATOR = "administrator", gettext_lazy("Administrator")

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MEMBER)
    instructions = models.TextField(blank=True, max_length=2000)  # instructions for every answer to the user
    # facts about the user as [{text, on}]; answers use those that are on
    facts = models.JSONField(default=list, blank=True)
    language = models.CharField(max_length=8, blank=True)  # language of pages; empty: the browser's
    uses_memory = models.BooleanField(default=True)  # answers use the facts
    # consent: rated answers may be used to train a model
    allows_training_on_answers = models.BooleanField(default=False)
    # consent: decided texts may be used to train the safety checks
    allows_training_on_decisions = models.BooleanField(default=False)
    # special permission: open sealed cases; no role includes it
    may_open_sealed_cases = models.BooleanField(default=False)
    # special permission: break-glass access to conversations; no role includes it
    may_break_glass = models.BooleanField(default=False)
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
        """True for reviewers and administrators."""
        return self.role != self.Role.MEMBER


if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    AnyUser: TypeAlias = User | AnonymousUser


class Invitation(models.Model):
    """Invitation that lets one user sign up. Only a hash of the secret is stored."""

    secret_hash = models.CharField(max_length=64, unique=True)
    email = models.EmailField(blank=True)
    name = models.CharField(max_length=120, blank=True)  # of the account, if the user enters none
    role = models.CharField(max_length=16, choices=User.Role.choices, default=User.Role.MEMBER)
    groups = models.ManyToManyField("auth.Group", blank=True, related_name="+")  # that the user joins at sign-up
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
        """Return the hash under which the secret is stored."""
        return hashlib.sha256(secret.encode()).hexdigest()

    @staticmethod
    def expiry() -> Any:
        """Return the time at which an invitation made now expires."""
        return timezone.now() + timedelta(days=INVITATION_DAYS)

    @property
    def usable(self) -> bool:
        return self.used_by_id is None and self.expires > timezone.now()


class ApiToken(models.Model):
    """Personal API token of a user. Only a hash of the secret is stored."""

    class Scope(models.TextChoices):
        """Scope of a token: the operations that it allows."""

        CHAT = "chat", gettext_lazy("Ask questions and compute embeddings")
        READ = "read", gettext_lazy("Read collections, documents and conversations")
        WRITE = "write", gettext_lazy("Create, edit and delete collections, documents and conversations")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    scopes = models.JSONField(default=list)
    secret_hash = models.CharField(max_length=64, unique=True)
    secret_suffix = models.CharField(max_length=4)  # last characters of the secret, to tell tokens apart
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(null=True, blank=True)
    last_used = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "users_token"
        ordering: ClassVar = ["-created"]

    def __str__(self) -> str:
        return self.name

    @property
    def expired(self) -> bool:
        return self.expires is not None and self.expires <= timezone.now()

    @property
    def scope_words(self) -> list[str]:
        return [str(scope.label) for scope in ApiToken.Scope if scope in self.scopes]


class SiteSettings(models.Model):
    """Settings that administrators change on a page; one row, with the primary key 1."""

    class Signup(models.TextChoices):
        """Rule of who may sign up."""

        OPEN = "open", gettext_lazy("Open: anyone can sign up")
        INVITATION = "invitation", gettext_lazy("By invitation")
        DOMAINS = "domains", gettext_lazy("By invitation, or with an address of the domains below")
        CLOSED = "closed", gettext_lazy("Closed")

    class SecondFactor(models.TextChoices):
        """Roles that need a second factor when they sign in with a password."""

        NOBODY = "nobody", gettext_lazy("Nobody; everyone may set one up")
        ADMINISTRATORS = "administrators", gettext_lazy("Administrators")
        STAFF = "staff", gettext_lazy("Administrators and reviewers")
        EVERYBODY = "everybody", gettext_lazy("Everyone")

    signup = models.CharField(max_length=16, choices=Signup.choices, default=Signup.INVITATION)
    second_factor = models.CharField(max_length=16, choices=SecondFactor.choices, default=SecondFactor.NOBODY)
    signup_domains = models.CharField(max_length=1000, blank=True)  # names between spaces, for the rule DOMAINS
    signup_approval = models.BooleanField(default=True)  # an administrator decides on each address of these domains
    instructions = models.TextField(blank=True, max_length=2000)  # for every answer, before those of the assistant
    banner = models.CharField(max_length=300, blank=True)  # on every page of signed-in users

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(pk=1), name="one_row_of_site_settings")]

    def __str__(self) -> str:
        return "Site settings"

    @property
    def domain_list(self) -> list[str]:
        """Return the domains whose addresses may ask for an account, in lower case."""
        return self.signup_domains.casefold().split()

    @classmethod
    def current(cls) -> SiteSettings:
        """Return the row, created with INITIAL_SIGNUP if there is none."""
        row, _ = cls.objects.get_or_create(pk=1, defaults={"signup": settings.INITIAL_SIGNUP})
        return row

"""Assistants: instructions, collections and sampling under one name, shared and versioned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from apps.documents.models import Collection
from apps.lib.ids import new_id
from apps.safety.models.strictness import Strictness

if TYPE_CHECKING:
    from apps.users.models import AnyUser, User


class SamplingPreset(models.TextChoices):
    """Preset of sampling settings."""

    PRECISE = "precise", gettext_lazy("Precise")
    BALANCED = "balanced", gettext_lazy("Balanced")
    CREATIVE = "creative", gettext_lazy("Creative")


class AnswerStyle(models.TextChoices):
    """Answer style: quotes before the text of the model, or the model only."""

    AUTOMATIC = "automatic", gettext_lazy("Automatic")
    QUOTES = "quotes", gettext_lazy("Quotes first")
    MODEL = "model", gettext_lazy("Model only")


class ShownSentences(models.TextChoices):
    """Sentences of the model that an answer shows."""

    AUTOMATIC = "automatic", gettext_lazy("Automatic, by the reading check")
    VERIFIED = "verified", gettext_lazy("Verified sentences only")
    ALL = "all", gettext_lazy("All sentences")


class AssistantQuerySet(models.QuerySet["Assistant"]):
    """Access queries of assistants."""

    def visible_to(self, user: AnyUser) -> AssistantQuerySet:
        """Return the assistants that the user may use."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(Q(owner=user) | Q(is_default=True) | Q(everyone=True) | _shared_with(user))

    def editable_by(self, user: AnyUser) -> AssistantQuerySet:
        """Return the assistants that the user may change; administrators may change the site's own."""
        if not user.is_authenticated:
            return self.none()
        may = Q(owner=user) | _shared_with(user, AssistantShare.Role.EDITOR)
        return self.filter(may | Q(is_default=True) if user.is_administrator else may)

    def owned_by(self, user: AnyUser) -> AssistantQuerySet:
        """Return the assistants that the user may share and delete."""
        return self.filter(owner=user) if user.is_authenticated else self.none()


def _shared_with(user: User, *roles: str) -> Q:
    """Return the condition for shares with a confirmed address or a group of the user."""
    confirmed = EmailAddress.objects.filter(user=user, verified=True).order_by().values("email")
    theirs = AssistantShare.objects.filter(Q(email__in=confirmed) | Q(group__user=user)).order_by()
    return Q(pk__in=(theirs.filter(role__in=roles) if roles else theirs).values("assistant"))


class Assistant(models.Model):
    """Assistant of a conversation. The one with `is_default` is the site's own and answers if none was chosen."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="assistants"
    )
    everyone = models.BooleanField(default=False)  # whether all signed-in users can use it
    is_default = models.BooleanField(default=False)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=200, blank=True)
    picture = models.BinaryField(default=b"", blank=True)  # PNG, encoded again from the uploaded file
    instructions = models.TextField(blank=True, max_length=4000)
    examples = models.JSONField(default=list, blank=True)  # [{question, answer}]: example answers
    starters = models.JSONField(default=list, blank=True)  # starter questions
    style = models.CharField(max_length=16, choices=AnswerStyle.choices, default=AnswerStyle.AUTOMATIC)
    shown_sentences = models.CharField(max_length=16, choices=ShownSentences.choices, default=ShownSentences.AUTOMATIC)
    model = models.CharField(max_length=60, blank=True)  # name of the model in the settings; empty: the site's default
    preset = models.CharField(max_length=16, choices=SamplingPreset.choices, default=SamplingPreset.BALANCED)
    sampling = models.JSONField(default=dict, blank=True)  # sampling values that differ from the preset
    # collections that are searched; empty: all that the user can read
    collections = models.ManyToManyField(Collection, blank=True, related_name="assistants")
    tools = models.JSONField(default=dict, blank=True)  # {name: permission} where stricter than the site
    # strictness of the safety checks
    strictness = models.CharField(max_length=12, choices=Strictness.choices, default=Strictness.SITE)
    version = models.PositiveIntegerField(default=1)
    created = models.DateTimeField(default=timezone.now)
    changed = models.DateTimeField(auto_now=True)

    objects = AssistantQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-is_default", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="one_default_assistant"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def default(cls) -> Assistant:
        """Return the site's own assistant, created if missing."""
        if (found := cls.objects.filter(is_default=True).first()) is not None:
            return found
        row, _ = cls.objects.get_or_create(is_default=True, defaults={"name": "Openbook"})
        return row


class AssistantShare(models.Model):
    """Share of an assistant with an email address or a group. An address counts once an account has confirmed it."""

    class Role(models.TextChoices):
        """Permission of a share."""

        READER = "reader", gettext_lazy("Can use")
        EDITOR = "editor", gettext_lazy("Can edit")

    assistant = models.ForeignKey(Assistant, on_delete=models.CASCADE, related_name="shares")
    email = models.EmailField(blank=True)  # in lower case; empty for a group
    group = models.ForeignKey(
        "auth.Group", on_delete=models.CASCADE, null=True, blank=True, related_name="assistant_shares"
    )
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.READER)

    class Meta:
        ordering: ClassVar = ["email", "group__name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["assistant", "email"], condition=~Q(email=""), name="one_share_an_assistant_and_address"
            ),
            models.UniqueConstraint(
                fields=["assistant", "group"],
                condition=Q(group__isnull=False),
                name="one_share_an_assistant_and_group",
            ),
            models.CheckConstraint(
                condition=Q(email="", group__isnull=False) | (~Q(email="") & Q(group__isnull=True)),
                name="an_assistant_is_shared_with_an_address_or_a_group",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email or self.group_id} {self.role} {self.assistant_id}"


class AssistantVersion(models.Model):
    """Complete content of an assistant at one version, from which it can be restored."""

    assistant = models.ForeignKey(Assistant, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    content: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["assistant", "number"], name="one_version_a_number")]

    def __str__(self) -> str:
        return f"{self.assistant_id} version {self.number}"

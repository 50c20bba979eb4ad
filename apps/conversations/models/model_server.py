"""Models of chat-model servers that administrators add on the page, beside those of the environment."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy

from apps.lib.db.encrypted_fields import EncryptedText, UndecryptableText


class ModelServer(models.Model):
    """Server that speaks the OpenAI protocol. Its key is encrypted, and no page, log or API shows it."""

    name = models.CharField(max_length=60, unique=True)
    url = models.CharField(max_length=400)  # with its /v1, without a slash at the end
    key = EncryptedText(blank=True)
    outside = models.BooleanField(default=True)  # texts leave the house when its models are asked
    enabled = models.BooleanField(default=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_key_lost(self) -> bool:
        """Return whether the stored key cannot be decrypted, so that it must be entered again."""
        return isinstance(self.key, UndecryptableText)

    @property
    def usable_key(self) -> str:
        """Return the key to send; "" if there is none or it cannot be decrypted."""
        return "" if self.is_key_lost else self.key


class HelperServer(models.Model):
    """Server of the OpenAI protocol that judges sentences, guards texts or draws pictures, for the whole site."""

    class Kind(models.TextChoices):
        """Task of the server, by its name in `settings.ENGINES`."""

        JUDGE = "judge", gettext_lazy("Judge of citations")
        GUARD = "guard", gettext_lazy("Guard model")
        IMAGE = "image", gettext_lazy("Picture server")

    kind = models.CharField(max_length=8, choices=Kind.choices, unique=True)
    url = models.CharField(max_length=400)  # with its /v1, without a slash at the end
    model = models.CharField(max_length=255)
    form = models.CharField(max_length=32)  # format of requests and answers; of a picture server, what it can do
    key = EncryptedText(blank=True)

    def __str__(self) -> str:
        return self.get_kind_display()

    @property
    def usable_key(self) -> str:
        """Return the key to send; "" if there is none or it cannot be decrypted."""
        return "" if isinstance(self.key, UndecryptableText) else self.key


class RestrictedModel(models.Model):
    """Groups that may use a chat model of the environment; without a row everyone may."""

    name = models.CharField(max_length=60, unique=True)  # in LLM_MORE
    groups = models.ManyToManyField("auth.Group", blank=True, related_name="+")  # none: nobody may use it

    def __str__(self) -> str:
        return self.name


class ServedModel(models.Model):
    """Chat model of such a server that users can choose."""

    class Reasoning(models.TextChoices):
        """Reasoning of a model before its answer."""

        NONE = "", gettext_lazy("It does not think")
        YES = "yes", gettext_lazy("It thinks")
        BEGUN = "begun", gettext_lazy("It thinks, and its answer begins inside its thoughts")

    server = models.ForeignKey(ModelServer, on_delete=models.CASCADE, related_name="models")
    served_name = models.CharField(max_length=255)  # on the server
    name = models.CharField(max_length=60, unique=True)  # that users see, and rows hold
    description = models.CharField(max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0)  # place in the menu; of equal ones the name decides
    enabled = models.BooleanField(default=True)
    is_default = models.BooleanField(default=False)  # answers where nothing was chosen
    for_everyone = models.BooleanField(default=True)  # else only for `groups`, for nobody if there are none
    groups = models.ManyToManyField("auth.Group", blank=True, related_name="+")
    context_tokens = models.PositiveIntegerField(default=0)  # window; 0: as the server says
    tools = models.BooleanField(default=False)
    pictures = models.BooleanField(default=False)
    reasoning = models.CharField(max_length=8, choices=Reasoning.choices, blank=True)

    class Meta:
        ordering: ClassVar = ["position", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="one_default_served_model"
            ),
            models.CheckConstraint(
                condition=models.Q(is_default=False) | models.Q(for_everyone=True), name="the_default_model_is_for_all"
            ),
        ]

    def __str__(self) -> str:
        return self.name

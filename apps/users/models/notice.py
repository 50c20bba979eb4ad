"""Model of notices about things that concern a user; decisions of review have notices of their own in `apps.safety`."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy, ngettext


class UserNotice(models.Model):
    """Notice of a user: something was shared, the user was added to a group, or an answer or documents are ready.

    `subject` is the id of the conversation, collection, assistant or group, `name` its name at that time.
    """

    class Kind(models.TextChoices):
        """Occasion of a notice."""

        COLLECTION = "collection", gettext_lazy("Collection shared")
        ASSISTANT = "assistant", gettext_lazy("Assistant shared")
        GROUP = "group", gettext_lazy("Added to a group")
        DOCUMENTS = "documents", gettext_lazy("Documents ready")
        ANSWER = "answer", gettext_lazy("Answer ready")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="user_notices")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    subject = models.CharField(max_length=36)
    name = models.CharField(max_length=120)
    details = models.JSONField(default=dict, blank=True, help_text="by: who shared it; ready, failed: documents")
    seen = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-created"]
        indexes: ClassVar = [models.Index(fields=["user", "-created"], name="notices_of_a_user")]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """Return the notice as a sentence in the active language."""
        return _TITLES[self.kind](self) % {"name": self.name, **self.details}

    @property
    def url(self) -> str:
        """Return the page of the subject."""
        if self.kind == self.Kind.ASSISTANT:
            return f"{reverse('conversations:new')}?assistant={self.subject}"
        if self.kind == self.Kind.GROUP:  # its page is for administrators
            return reverse("documents:collections")
        return reverse(_PAGES[self.kind], args=[self.subject])


def _title_shared_collection(row: UserNotice) -> str:
    if row.details.get("by"):
        return gettext("%(by)s shared the collection “%(name)s” with you.")
    return gettext("The collection “%(name)s” was shared with you.")


def _title_shared_assistant(row: UserNotice) -> str:
    if row.details.get("by"):
        return gettext("%(by)s shared the assistant “%(name)s” with you.")
    return gettext("The assistant “%(name)s” was shared with you.")


def _title_group(row: UserNotice) -> str:
    if row.details.get("by"):
        return gettext("%(by)s added you to the group “%(name)s”. You can open what is shared with it.")
    return gettext("You were added to the group “%(name)s”. You can open what is shared with it.")


def _title_documents(row: UserNotice) -> str:
    ready, failed = row.details.get("ready", 0), row.details.get("failed", 0)
    parts = []
    if ready or not failed:
        parts.append(
            ngettext(
                "%(ready)s document is ready in “%(name)s”.", "%(ready)s documents are ready in “%(name)s”.", ready
            )
        )
    if failed:
        parts.append(
            ngettext("%(failed)s document failed in “%(name)s”.", "%(failed)s documents failed in “%(name)s”.", failed)
        )
    return " ".join(parts)


def _title_answer(row: UserNotice) -> str:
    if row.details.get("failed"):
        return gettext("The answer in “%(name)s” failed.")
    return gettext("The answer in “%(name)s” is ready.")


_TITLES: dict[str, Callable[[UserNotice], str]] = {
    UserNotice.Kind.COLLECTION: _title_shared_collection,
    UserNotice.Kind.ASSISTANT: _title_shared_assistant,
    UserNotice.Kind.GROUP: _title_group,
    UserNotice.Kind.DOCUMENTS: _title_documents,
    UserNotice.Kind.ANSWER: _title_answer,
}
_PAGES: dict[str, str] = {
    UserNotice.Kind.COLLECTION: "documents:collection",
    UserNotice.Kind.DOCUMENTS: "documents:collection",
    UserNotice.Kind.ANSWER: "conversations:conversation",
}

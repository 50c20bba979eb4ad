"""Model of notices about things that concern a user; decisions of review have notices of their own in `apps.safety`."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy, ngettext


class DocumentFault(models.TextChoices):
    """Fault that a reader finds in a page of a document."""

    OUTDATED = "outdated", gettext_lazy("Out of date")
    WRONG = "wrong", gettext_lazy("Wrong")
    UNREADABLE = "unreadable", gettext_lazy("Not read correctly")


class UserNotice(models.Model):
    """Notice of a user: something was shared, the user was added to a group, an answer or documents are ready, a reader
    found fault with a document, staff read a conversation by break-glass access, or an administrator removed the
    second factor. Administrators have notices of visitors who ask for an account.

    `subject` is the id of the conversation, collection, document, assistant, group, access or account, `name` its name
    at that time; of an access, the title of the conversation; of an account, "".
    """

    class Kind(models.TextChoices):
        """Occasion of a notice."""

        COLLECTION = "collection", gettext_lazy("Collection shared")
        ASSISTANT = "assistant", gettext_lazy("Assistant shared")
        GROUP = "group", gettext_lazy("Added to a group")
        DOCUMENTS = "documents", gettext_lazy("Documents ready")
        DOCUMENT = "document", gettext_lazy("A reader found fault with a document")
        ANSWER = "answer", gettext_lazy("Answer ready")
        JOIN = "join", gettext_lazy("Account asked for")
        READING = "reading", gettext_lazy("Conversation read by staff")
        SECOND_FACTOR = "factor", gettext_lazy("Second factor removed")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="user_notices")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    subject = models.CharField(max_length=36)
    name = models.CharField(max_length=120)
    # by: who shared it, or found fault; handed_over: the user owns it now; ready, failed: documents;
    # fault: a DocumentFault; page: of the document, from 1; reading: by_administrator, listed, approval
    details = models.JSONField(default=dict, blank=True)
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
        return _TITLES[self.kind](self) % {"name": self.name, "by": gettext("Somebody"), **self.details}

    @property
    def is_listing(self) -> bool:
        """Return whether staff saw only dates and titles of the user's conversations."""
        return bool(self.details.get("listed"))

    @property
    def url(self) -> str:
        """Return the page of the subject."""
        if self.kind == self.Kind.ASSISTANT:
            return f"{reverse('conversations:new')}?assistant={self.subject}"
        if self.kind == self.Kind.GROUP:  # its page is for administrators
            return reverse("documents:collections")
        if self.kind == self.Kind.JOIN:
            return f"{reverse('users:people')}#waiting"
        if self.kind == self.Kind.DOCUMENT:
            return f"{reverse('documents:document', args=[self.subject])}?page={self.details.get('page', 1)}"
        if self.kind == self.Kind.READING:
            return f"{reverse('safety:notices')}?show=reads"
        if self.kind == self.Kind.SECOND_FACTOR:
            return reverse("users:security")
        return reverse(_PAGES[self.kind], args=[self.subject])


def _title_shared_collection(row: UserNotice) -> str:
    if row.details.get("handed_over"):
        return gettext("An administrator handed the collection “%(name)s” over to you.")
    if row.details.get("by"):
        return gettext("%(by)s shared the collection “%(name)s” with you.")
    return gettext("The collection “%(name)s” was shared with you.")


def _title_shared_assistant(row: UserNotice) -> str:
    if row.details.get("handed_over"):
        return gettext("An administrator handed the assistant “%(name)s” over to you.")
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


def _title_document(row: UserNotice) -> str:
    match row.details.get("fault"):
        case DocumentFault.OUTDATED:
            words = gettext("%(by)s says that page %(page)s of “%(name)s” is out of date.")
        case DocumentFault.UNREADABLE:
            words = gettext("%(by)s says that page %(page)s of “%(name)s” was not read correctly.")
        case _:
            words = gettext("%(by)s says that page %(page)s of “%(name)s” is wrong.")
    return words


def _title_answer(row: UserNotice) -> str:
    if row.details.get("failed"):
        return gettext("The answer in “%(name)s” failed.")
    return gettext("The answer in “%(name)s” is ready.")


def _title_join(row: UserNotice) -> str:
    return gettext("%(name)s asks for an account.")


def _title_reading(row: UserNotice) -> str:
    """Return who read what and who approved it. `details`: `by_administrator`, `listed` (only dates and titles were
    seen), and `approval`: second, self or emergency."""
    by_administrator = row.details.get("by_administrator")
    if row.is_listing:
        reading = (
            gettext("An administrator saw the dates and titles of your conversations.")
            if by_administrator
            else gettext("A reviewer saw the dates and titles of your conversations.")
        )
    elif row.name:
        reading = (
            gettext("An administrator read your conversation “%(name)s”.")
            if by_administrator
            else gettext("A reviewer read your conversation “%(name)s”.")
        )
    else:
        reading = (
            gettext("An administrator read one of your conversations.")
            if by_administrator
            else gettext("A reviewer read one of your conversations.")
        )
    match row.details.get("approval"):
        case "emergency":
            approval = gettext("It was opened in an emergency and is reviewed afterwards.")
        case "self":
            approval = gettext("No second member of staff could approve it.")
        case _:
            approval = gettext("A second member of staff approved it.")
    return f"{reading} {approval}"


def _title_second_factor(row: UserNotice) -> str:
    return gettext("An administrator removed your second factor and signed you out everywhere. Set up a new one.")


_TITLES: dict[str, Callable[[UserNotice], str]] = {
    UserNotice.Kind.COLLECTION: _title_shared_collection,
    UserNotice.Kind.ASSISTANT: _title_shared_assistant,
    UserNotice.Kind.GROUP: _title_group,
    UserNotice.Kind.DOCUMENTS: _title_documents,
    UserNotice.Kind.DOCUMENT: _title_document,
    UserNotice.Kind.ANSWER: _title_answer,
    UserNotice.Kind.JOIN: _title_join,
    UserNotice.Kind.READING: _title_reading,
    UserNotice.Kind.SECOND_FACTOR: _title_second_factor,
}
_PAGES: dict[str, str] = {
    UserNotice.Kind.COLLECTION: "documents:collection",
    UserNotice.Kind.DOCUMENTS: "documents:collection",
    UserNotice.Kind.ANSWER: "conversations:conversation",
}

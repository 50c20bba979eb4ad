"""Review cases about questions and answers: what reviewers see, withhold, redact and restore.

Entry points: `MessageReviewable` (registered per kind in `apps.py`), `open_case`, `find_sealed_answers`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext_lazy

from apps.conversations.models import Feedback, Message
from apps.conversations.moderation import message_redaction, retraction
from apps.safety.moderation import cases, sealed_cases
from apps.safety.moderation.reviewable import ContentLocation, ContextItem
from apps.safety.policy.schema import Stage
from apps.safety.policy.verdicts import EvaluationRecord
from apps.users.models import User

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django_stubs_ext import StrOrPromise

KINDS = {retraction.QUESTION: gettext_lazy("a question"), "answer": gettext_lazy("an answer")}
_BEFORE = 4  # messages before the case that a reviewer sees, at most


class MessageReviewable:
    """Reviewable content of one kind, "question" or "answer".

    The subject is always the id of the answer, which names the turn.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    @property
    def name(self) -> StrOrPromise:
        """Return the words for this kind of content."""
        return KINDS[self.kind]

    def exists(self, subject: str) -> bool:
        """Return whether the answer still exists."""
        return Message.objects.filter(pk=subject).exists()

    def context(self, subject: str) -> list[ContextItem]:
        """Return the last four messages up to the answer, and the comments of users who reported it."""
        message: Message | None = Message.objects.filter(pk=subject).first()
        turns: list[ContextItem] = []
        closed = _find_sealed(message) if message is not None else set()
        while message is not None and len(turns) < _BEFORE:
            label = "Question" if message.role == Message.Role.USER else "Answer"
            if message.text:
                turns.append(ContextItem(label, message.text[:2000], message.pk in closed))
            message = message.parent
        return turns[::-1] + _list_reports(subject)

    def locate(self, user: User, subjects: Collection[str]) -> dict[str, ContentLocation]:
        """Return title and URL of the conversation by subject, for those that the user may read."""
        rows = Message.objects.visible_to(user).filter(pk__in=subjects).select_related("conversation", "parent")
        return {
            str(row.pk): ContentLocation(
                row.conversation.title,
                f"{reverse('conversations:conversation', args=[row.conversation_id])}#turn-{row.pk}",
                row.parent.text if row.parent is not None else "",
            )
            for row in rows
            if row.conversation.deleted is None
        }

    def withhold(self, subject: str, message: str) -> dict[str, Any]:
        """Retract the message inside the transaction of the decision; return what `restore` needs."""
        return retraction.retract(self.kind, subject, message)

    def restore(self, subject: str, restore_data: dict[str, Any]) -> None:
        """Restore what `withhold` retracted, inside the transaction of the decision."""
        retraction.restore(restore_data)

    def redact(self, subject: str, terms: Sequence[str]) -> dict[str, Any]:
        """Redact the terms inside the transaction of the decision; return what `restore_redacted` needs."""
        return message_redaction.redact(self.kind, subject, terms)

    def restore_redacted(self, restore_data: dict[str, Any]) -> None:
        """Restore what `redact` redacted, inside the transaction of the decision."""
        message_redaction.restore(restore_data)


def _list_reports(subject: str) -> list[ContextItem]:
    """Return the reasons and notes of users who reported the answer."""
    rows = Feedback.objects.filter(answer__pk=subject, reported__isnull=False)
    return [
        ContextItem("Report by the user", ". ".join([*row.reason_words, *filter(None, [row.note])])) for row in rows
    ]


def find_sealed_answers() -> QuerySet[Message]:
    """Return the answers of turns with a sealed case, and all other answers to the same questions."""
    turns = Message.objects.filter(pk__in=list(sealed_cases.sealed_subjects(*KINDS)))
    return Message.objects.answers().filter(parent__in=turns.values("parent"))


def _find_sealed(message: Message) -> set[UUID | None]:
    """Return the ids of the sealed questions and answers of the conversation."""
    rows = find_sealed_answers().filter(conversation=message.conversation_id)
    return {pk for row in rows.values_list("pk", "parent") for pk in row}


def open_case(answer: UUID, asked_by: int, evaluation: EvaluationRecord | None) -> None:
    """Open a case of the turn if the policy asks for a review. Call inside the transaction that closes the turn."""
    if evaluation is not None:
        cases.flag_evaluated(get_case_kind(evaluation), answer, asked_by, evaluation)


def get_case_kind(evaluation: EvaluationRecord) -> str:
    """Return the kind of the case of a turn: of its question, or of its answer."""
    return retraction.QUESTION if evaluation.stage == Stage.QUESTION else "answer"

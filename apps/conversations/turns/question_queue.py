"""Queue of follow-up questions that wait on the server while an answer is written.

Each row has a client id, so a question sent twice, from two processes or after a crash, is asked once. The turn that
ends asks the next one; `recovery.py` does so if its process died. Entry points for the
socket: `queue_question`, `change_queue`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max, Min
from django.utils.translation import gettext

from apps.conversations.assistants import assistant_choice
from apps.conversations.core import notifications, requests
from apps.conversations.core.requests import AskRequest, QueuedCommand
from apps.conversations.errors import ConversationBusy, RequestRefused
from apps.conversations.models import Conversation, Message, QueuedQuestion
from apps.conversations.moderation import findings
from apps.lib.concurrency.threads import in_db
from apps.safety.gate import gate
from apps.safety.models.strictness import Strictness
from apps.users.models import User

log = logging.getLogger(__name__)

MAX_QUEUED = 20  # in one conversation
_KEPT = ("collections", "filters", "sampling", "without_documents", "picture", "model", "attached")
MAX_POSITION = 1_000_000  # greatest absolute position that the page may send


async def queue_question(user: User, ask: AskRequest, message: Mapping[str, Any]) -> dict[str, Any]:
    """Queue the question of a socket message and return the reply for the socket.

    Raise RequestRefused, also if the gate withholds the question; a case is then opened if the policy requires one.
    """
    verdict = await gate.check_question(ask.text, level=await in_db(_get_level, user, ask.conversation))
    if not verdict.allowed:
        await findings.open_case_for_question(user, verdict)
        raise RequestRefused(verdict.message)
    conversation_id = await in_db(enqueue_question, user, ask, message)
    return await _notify(user, conversation_id, {"type": "queued"})


async def change_queue(user: User, command: QueuedCommand) -> dict[str, Any]:
    """Remove a queued question or move it to the front, and return the reply for the socket. Raise RequestRefused."""
    if command.action == "unqueue":
        row = await in_db(remove_question, user, command.queued)
        return await _notify(user, row.conversation_id, _make_unqueued_reply(row))
    conversation_id, running = await in_db(move_to_front, user, command.queued)
    return await _notify(user, conversation_id, {"type": "first", "turn": str(running) if running else ""})


async def _notify(user: User, conversation_id: UUID, reply: dict[str, Any]) -> dict[str, Any]:
    await notifications.notify_conversation_changed(user.pk, conversation_id)
    return {**reply, "conversation": str(conversation_id)}


def _make_unqueued_reply(row: QueuedQuestion) -> dict[str, Any]:
    attached = row.settings.get("attached") or []
    return {"type": "unqueued", "text": row.text, "position": row.position, "attached": attached}


def enqueue_question(user: User, ask: AskRequest, message: Mapping[str, Any]) -> UUID:
    """Queue the question in the user's conversation and return the conversation's id. For `in_db`.

    A repeated client id is stored once. Raise RequestRefused if the conversation is gone or MAX_QUEUED questions wait.
    """
    rows = Conversation.objects.visible_to(user)
    if ask.conversation is None or (conversation := rows.filter(pk=ask.conversation).first()) is None:
        raise RequestRefused(gettext("This conversation is no longer available. Reload the page."))
    if Message.objects.filter(asked_by=user, client_id=ask.client_id).exists():
        return conversation.pk  # sent again after a reconnect; it has been asked meanwhile
    if conversation.queued.count() >= MAX_QUEUED:
        raise RequestRefused(
            gettext("%(most)s questions are already waiting. Wait until some are answered.") % {"most": MAX_QUEUED}
        )
    settings = {name: message[name] for name in _KEPT if name in message}
    try:
        with transaction.atomic():
            QueuedQuestion.objects.create(
                conversation=conversation,
                text=ask.text,
                settings=settings,
                client_id=ask.client_id,
                position=_choose_position(conversation, message.get("position")),
            )
    except IntegrityError:
        log.info("A question was queued twice")
    return conversation.pk


def remove_question(user: User, pk: UUID) -> QueuedQuestion:
    """Delete the queued question and return its row.

    Raise RequestRefused if it was asked or is not the user's. For `in_db`.
    """
    row = _get_queued(user, pk)
    if not QueuedQuestion.objects.filter(pk=pk).delete()[0]:
        raise RequestRefused(_ALREADY_ASKED)
    return row


def move_to_front(user: User, pk: UUID) -> tuple[UUID, UUID | None]:
    """Make the question the next one. Return the conversation, and the answer running there or None. For `in_db`.

    Raise RequestRefused if the question was asked meanwhile or is not the user's.
    """
    row = _get_queued(user, pk)
    least = QueuedQuestion.objects.filter(conversation=row.conversation_id).aggregate(least=Min("position"))["least"]
    if least is None or not QueuedQuestion.objects.filter(pk=pk).update(position=least - 1, problem=""):
        raise RequestRefused(_ALREADY_ASKED)
    return row.conversation_id, _get_running_answer(row.conversation_id)


def list_waiting(user: User, conversation: Conversation) -> list[QueuedQuestion]:
    """Return the queued questions in order; [] if the conversation is not the user's."""
    return list(conversation.queued.all()) if conversation.owner_id == user.pk else []


def find_ready_conversations() -> list[UUID]:
    """Return the conversations in which a question waits and no answer runs. For `in_db`."""
    rows = QueuedQuestion.objects.filter(problem="", conversation__deleted__isnull=True)
    busy = Message.objects.filter(status=Message.Status.WRITING).values("conversation")
    return list(rows.exclude(conversation__in=busy).order_by().values_list("conversation", flat=True).distinct())


def get_next_question(conversation_id: UUID) -> tuple[User, AskRequest, QueuedQuestion] | None:
    """Return the next question of the conversation with its owner; None if none waits or the account is inactive.

    Questions that can no longer be asked are marked and skipped. For `in_db`.
    """
    rows = QueuedQuestion.objects.filter(conversation=conversation_id, conversation__deleted__isnull=True, problem="")
    row = rows.select_related("conversation__owner").first()
    if row is None or not row.conversation.owner.is_active:
        return None
    message = {**row.settings, "text": row.text, "client_id": row.client_id, "conversation": str(conversation_id)}
    try:
        return row.conversation.owner, requests.parse_ask(message), row
    except RequestRefused as refusal:  # for example, its model was removed meanwhile
        mark_refused(row.pk, refusal)
        return get_next_question(conversation_id)


def mark_asked(pk: UUID) -> None:
    """Delete the queued question, once it was asked. For `in_db`."""
    QueuedQuestion.objects.filter(pk=pk).delete()


def mark_refused(pk: UUID, refusal: RequestRefused) -> None:
    """Store the reason with a question that cannot be asked. A ConversationBusy leaves it waiting. For `in_db`."""
    if not isinstance(refusal, ConversationBusy):
        QueuedQuestion.objects.filter(pk=pk).update(problem=str(refusal)[:400])


_ALREADY_ASKED = "This question has already been sent."


def _choose_position(conversation: Conversation, requested: Any) -> int:
    """Return the position behind all others, or the earlier one of a question that was taken out to be reworded."""
    if isinstance(requested, int) and abs(requested) < MAX_POSITION:
        return requested
    last = conversation.queued.aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1


def _get_level(user: User, pk: UUID | None) -> Strictness:
    conversation = Conversation.objects.visible_to(user).with_assistant().filter(pk=pk).first() if pk else None
    if conversation is None:
        raise RequestRefused(gettext("This conversation is no longer available. Reload the page."))
    return assistant_choice.resolve_level(user, conversation)


def _get_queued(user: User, pk: UUID) -> QueuedQuestion:
    row = QueuedQuestion.objects.filter(pk=pk, conversation__in=Conversation.objects.visible_to(user)).first()
    if row is None:
        raise RequestRefused(_ALREADY_ASKED)
    return row


def _get_running_answer(conversation_id: UUID) -> UUID | None:
    rows = Message.objects.filter(conversation=conversation_id, status=Message.Status.WRITING)
    return rows.values_list("pk", flat=True).first()

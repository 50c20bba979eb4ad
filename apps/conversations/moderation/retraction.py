"""Retract a question or an answer that a reviewer withholds, and restore it.

The text moves into a `RetractedMessage` row; so does that of copies and continuing answers, with citations, traces and
titles. After commit, the turn log forgets the answers and open pages are told. A restore brings all of it back.

Entry points: `retract`, `restore`, `list_retracted`, `lock_messages`, `lock_conversations`, `announce_change`.
Permission and audit entry belong to the review decision that calls.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.conversations.core import picture_request
from apps.conversations.core.events import Retracted, encode_event
from apps.conversations.models import AnswerTrace, Citation, Conversation, Message, RetractedMessage, Share
from apps.engines import registry
from apps.engines.types import EngineError
from apps.lib import websocket_push
from apps.lib.concurrency.threads import on_loop
from apps.users.models import User

log = logging.getLogger(__name__)

QUESTION = "question"  # kind of a case about a question; all its answers are retracted with it
_MAX_REASON = 400  # Message.reason
_EMPTY_FIELDS: dict[str, Any] = {
    "text": "", "quotes": [], "steps": [], "tools": [], "links": [], "picture_request": {}, "nothing_found": False,
}  # fmt: skip
_STORED_FIELDS = (*_EMPTY_FIELDS, "status", "reason", "usage")
_CITATION_FIELDS = (
    "id", "sentence", "start", "end", "source_id", "source_start", "source_end", "score", "tool", "quoted",
    "compared", "contradicted", "checked_by", "check_version",
)  # fmt: skip
_HIDDEN_USAGE = ("thoughts", "finish")  # keys of `usage` by which the page offers reasoning and continuation
TitleOrigin = Conversation.TitleOrigin


def retract(kind: str, subject: str, words: str) -> dict[str, Any]:
    """Retract the answer with its copies, the answers that it continues and those that continue it.

    Must run inside the transaction of the review decision. `subject` is the id of the answer; kind QUESTION also
    retracts its question and all answers to that. `words` is the reason for the user. Return what `restore` needs: by
    message id `{"reason": …}` with the earlier reason if the message was retracted before, else {}; {} if the answer
    is deleted.
    """
    rows = _lock_affected(kind, subject)
    for row in rows:
        if row.retracted is None:
            _store_retracted(row)
    Message.objects.filter(pk__in=[row.pk for row in rows]).update(
        status=Message.Status.WITHHELD, reason=words[:_MAX_REASON], lease_token="", lease_until=None
    )
    announce_change(rows, words[:_MAX_REASON])
    return {str(row.pk): {"reason": row.reason} if row.retracted else {} for row in rows}


def restore(before: dict[str, Any]) -> None:
    """Restore what the `retract` call returned, as far as it still exists, and copies made since.

    Must run inside the transaction of the review decision.
    """
    for pk, saved in before.items():
        if saved:
            Message.objects.filter(pk=pk, retracted__isnull=False).update(**saved)
    newly_retracted = [UUID(pk) for pk, saved in before.items() if not saved]
    origins = Message.objects.filter(pk__in=newly_retracted, origin__isnull=False).values_list("origin", flat=True)
    of_them = Q(pk__in=newly_retracted) | Q(message__origin__in=[*newly_retracted, *origins])
    retracted = list(
        RetractedMessage.objects.filter(of_them).select_related("message__conversation").order_by("-message__created")
    )
    for row in retracted:
        _restore(row)
    RetractedMessage.objects.filter(pk__in=[row.pk for row in retracted]).delete()
    announce_change([row.message for row in retracted], None)


def list_retracted(user: User, conversation: UUID) -> list[dict[str, Any]]:
    """Return the retracted answers of the user's conversation as socket messages, for a page that may have missed them.

    For `in_db`.
    """
    rows = Message.objects.visible_to(user).answers().filter(conversation=conversation, retracted__isnull=False)
    return [_describe_retraction(row, row.reason) for row in rows.select_related("parent")]


def _lock_affected(kind: str, subject: str) -> list[Message]:
    """Return the messages to retract, locked: the answer or the question with its answers, copies and continuations."""
    answer = Message.objects.filter(pk=subject).select_related("parent").first()
    if answer is None:
        return []
    found = lock_messages(partial(_find_affected, kind, answer))
    rows = Message.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=found)
    return list(rows.select_related("parent", "conversation").order_by("created", "pk"))


def _find_affected(kind: str, answer: Message) -> set[UUID]:
    found = find_family([answer])
    if kind == QUESTION and answer.parent is not None:
        asked = find_family([answer.parent])
        answers = Message.objects.answers().filter(parent__in=asked)
        found = {*asked, *find_family(answers), *found}
    return found


def lock_messages(find_ids: Callable[[], set[UUID]]) -> set[UUID]:
    """Lock the conversations of the messages that `find_ids` returns, and return these messages.

    Until the transaction ends, no other transaction copies these conversations or stores an answer there. `find_ids` is
    called again after locking, so copies made meanwhile are included.
    """
    locked: set[UUID] = set()
    while True:
        found = find_ids()
        conversation_ids = set(Message.objects.filter(pk__in=found).values_list("conversation", flat=True)) - locked
        if not conversation_ids:
            return found
        lock_conversations(conversation_ids)
        locked |= conversation_ids


def lock_conversations(conversation_ids: Collection[UUID]) -> None:
    """Lock the conversation rows until the transaction ends, in order of id.

    Storing an answer, copying and retracting all take this lock, before any lock on messages.
    """
    rows = Conversation.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=conversation_ids)
    list(rows.order_by("pk").values_list("pk"))


def find_family(rows: Iterable[Message]) -> set[UUID]:
    """Return the ids of the messages, all their copies, and answers that they continue or that continue them."""
    found: set[UUID] = set()
    new = list(rows)
    while new:
        found |= {row.pk for row in new}
        origins = {row.origin or row.pk for row in new}
        begun = [row.continues_id for row in new if row.continues_id]
        near = Q(pk__in=origins) | Q(origin__in=origins) | Q(continues__in=new) | Q(pk__in=begun)
        new = list(Message.objects.filter(near).exclude(pk__in=found))
    return found


def _store_retracted(row: Message) -> None:
    retracted = RetractedMessage(
        message=row,
        fields={name: getattr(row, name) for name in _STORED_FIELDS},
        citations=list(Citation.objects.filter(answer=row).order_by("pk").values(*_CITATION_FIELDS)),
        title=_remove_titles(row),
    )
    if (record := AnswerTrace.objects.filter(answer=row).first()) is not None:
        retracted.trace = bytes(record.data)
    retracted.save(force_insert=True)
    AnswerTrace.objects.filter(answer=row).delete()
    Citation.objects.filter(answer=row).delete()
    usage = {name: value for name, value in row.usage.items() if name not in _HIDDEN_USAGE}
    Message.objects.filter(pk=row.pk).update(retracted=timezone.now(), usage=usage, **_EMPTY_FIELDS)


def _restore(retracted: RetractedMessage) -> None:
    fields = dict(retracted.fields)
    if fields["status"] == Message.Status.WRITING:  # its process has lost the lease
        fields["status"] = Message.Status.INTERRUPTED
    Message.objects.filter(pk=retracted.pk).update(retracted=None, **fields)
    Citation.objects.bulk_create(Citation(answer_id=retracted.pk, **values) for values in retracted.citations)
    if retracted.trace:
        AnswerTrace.objects.create(answer_id=retracted.pk, data=bytes(retracted.trace))
    if retracted.title:
        title, origin, instead = retracted.title
        unchanged = Conversation.objects.filter(
            pk=retracted.message.conversation_id, title=instead, title_origin=TitleOrigin.QUESTION
        )
        unchanged.update(title=title, title_origin=origin)


def _remove_titles(row: Message) -> list[str]:
    """Replace the title of the conversation if it is made of this message; return what `_restore` needs, else []."""
    asks = row.role == Message.Role.USER
    question = row if asks else row.parent
    conversation = Conversation.objects.filter(pk=row.conversation_id).first()
    if conversation is None or question is None or not conversation.title or not _can_name(question):
        return []
    if conversation.title_origin != TitleOrigin.MODEL and not (
        asks and conversation.title_origin == TitleOrigin.QUESTION
    ):
        return []
    instead = "" if asks or question.retracted else picture_request.make_title(question.text)
    Conversation.objects.filter(pk=conversation.pk).update(title=instead, title_origin=TitleOrigin.QUESTION)
    return [conversation.title, str(conversation.title_origin), instead]


def _can_name(question: Message) -> bool:
    """Return whether the conversation may have its title from this question: only small talk stands before it."""
    answer = question.parent
    while answer is not None and (asked := answer.parent) is not None:
        if asked.text and not answer.small_talk:
            return False
        answer = asked.parent
    return True


@dataclass(frozen=True, slots=True)
class _Announcement:
    """Message to pages about one answer."""

    turn: str
    owner: int
    link: int | None  # id of the open link that shows the conversation
    message: dict[str, Any]
    event: bytes  # replaces the turn log; b"" deletes it


def _describe_retraction(row: Message, reason: str) -> dict[str, Any]:
    asked = row.parent is not None and row.parent.retracted is not None
    return {"turn": str(row.pk), "reason": reason, "question": asked}


def announce_change(rows: Sequence[Message], reason: str | None) -> None:
    """After commit, remove the answers from the turn logs and tell open pages.

    `reason` is why they were retracted; None means that they are visible again or changed. Also tells readers of open
    links.
    """
    answers = [row for row in rows if row.role == Message.Role.ASSISTANT]
    questions = {row.pk for row in rows if row.role == Message.Role.USER}
    conversation_ids = [row.conversation_id for row in answers]
    links = dict(Share.objects.open().filter(conversation__in=conversation_ids).values_list("conversation", "pk"))
    announcements = []
    for row in answers:
        about: dict[str, Any] = {"turn": str(row.pk), "conversation": str(row.conversation_id)}
        if reason is None:
            message, event = {"type": "released", **about}, b""
        else:
            asked = row.parent_id in questions or (row.parent is not None and row.parent.retracted is not None)
            retracted = Retracted(reason, asked)
            message = {"type": "retracted", **about, "reason": reason, "question": asked}
            event = encode_event(retracted, turn=str(row.pk))
        announcements.append(
            _Announcement(str(row.pk), row.conversation.owner_id, links.get(row.conversation_id), message, event)
        )
    if announcements:
        transaction.on_commit(partial(on_loop, _push_announcements, announcements), robust=True)


async def _push_announcements(announcements: Sequence[_Announcement]) -> None:
    for one in announcements:
        seq = 0
        try:
            if one.event:
                seq = await registry.get_turn_log().retract(one.turn, one.event)
            else:
                await registry.get_turn_log().forget(one.turn)
        except EngineError as error:  # followers read the row, which is already changed
            log.warning("The log of a turn could not be taken back: %s", error)
        numbered = {**one.message, "seq": seq} if seq else one.message
        await websocket_push.push_message(websocket_push.get_user_channel(one.owner), numbered)
        await websocket_push.push_message(
            websocket_push.get_user_channel(one.owner), {"type": "hint", "conversation": one.message["conversation"]}
        )
        if one.link is not None:
            await websocket_push.push_message(
                websocket_push.get_link_channel(one.link), {"type": one.message["type"], "turn": one.turn}
            )

"""Retract a question or an answer that a reviewer withholds, and restore it.

The text moves into a `RetractedMessage` row; so does that of copies and continuing answers, with citations, traces and
titles.
After commit, the turn log forgets the answers and open pages are told. A restore brings all of it back.

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
from apps.conversations.moderation import withheld_records
from apps.engines import registry
from apps.engines.types import EngineError
from apps.lib import websocket_push
from apps.lib.concurrency.threads import on_loop
from apps.users.models import User

log = logging.getLogger(__name__)

QUESTION = "question"  # kind of a case about a question; all its answers are retracted with it
_REASON = 400  # Message.reason
_EMPTY: dict[str, Any] = {
    "text": "", "quotes": [], "steps": [], "tools": [], "links": [], "draws": {}, "nothing_found": False,
}  # fmt: skip
_HELD = (*_EMPTY, "status", "reason", "usage")
_CITED = (
    "id", "sentence", "start", "end", "source_id", "source_start", "source_end", "score", "tool", "quoted",
    "check_version",
)  # fmt: skip
_SAYS = ("thoughts", "finish")  # keys of `usage` by which the page offers reasoning and continuation
Titled = Conversation.Titled


def retract(kind: str, subject: str, words: str) -> dict[str, Any]:
    """Hide the message and everything that repeats it. Must run inside the transaction of the review decision.

    `subject` is the id of the answer; kind QUESTION also retracts the question and all its answers. `words` is the
    reason for the user. Return what `restore` needs: per message id, the earlier reason if it was retracted before,
    else {}.
    """
    rows = _lock_affected(kind, subject)
    for row in rows:
        if row.retracted is None:
            _move_to_withdrawn(row)
    Message.objects.filter(pk__in=[row.pk for row in rows]).update(
        status=Message.Status.WITHHELD, reason=words[:_REASON], lease_token="", lease_until=None
    )
    announce_change(rows, words[:_REASON])
    announce_change(withheld_records.find_completed_notices({row.conversation_id for row in rows}), None)
    return {str(row.pk): {"reason": row.reason} if row.retracted else {} for row in rows}


def restore(before: dict[str, Any]) -> None:
    """Restore what the `retract` call returned, as far as it still exists, and copies made since.

    Must run inside the transaction of the review decision.
    """
    for pk, said in before.items():
        if said:
            Message.objects.filter(pk=pk, retracted__isnull=False).update(**said)
    whole = [UUID(pk) for pk, said in before.items() if not said]
    origins = Message.objects.filter(pk__in=whole, origin__isnull=False).values_list("origin", flat=True)
    of_them = Q(pk__in=whole) | Q(message__origin__in=[*whole, *origins])
    held = list(
        RetractedMessage.objects.filter(of_them).select_related("message__conversation").order_by("-message__created")
    )
    for row in held:
        _restore(row)
    RetractedMessage.objects.filter(pk__in=[row.pk for row in held]).delete()
    noticed = withheld_records.find_completed_notices({row.message.conversation_id for row in held})
    announce_change([row.message for row in held] + noticed, None)


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


def lock_messages(reached: Callable[[], set[UUID]]) -> set[UUID]:
    """Lock the conversations of the messages that `reached` returns, and return these messages.

    Until the transaction ends, no other transaction copies these conversations or stores an answer there. `reached` is
    called again after locking, so copies made meanwhile are included.
    """
    locked: set[UUID] = set()
    while True:
        found = reached()
        places = set(Message.objects.filter(pk__in=found).values_list("conversation", flat=True)) - locked
        if not places:
            return found
        lock_conversations(places)
        locked |= places


def lock_conversations(places: Collection[UUID]) -> None:
    """Lock the conversation rows until the transaction ends, in order of id.

    Storing an answer, copying and retracting all take this lock, before any lock on messages.
    """
    rows = Conversation.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=places)
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


def _move_to_withdrawn(row: Message) -> None:
    held = RetractedMessage(
        message=row, fields={name: getattr(row, name) for name in _HELD},
        citations=list(Citation.objects.filter(answer=row).order_by("pk").values(*_CITED)), title=_remove_titles(row),
    )  # fmt: skip
    if (record := AnswerTrace.objects.filter(answer=row).first()) is not None:
        held.trace = bytes(record.data)
    held.save(force_insert=True)
    AnswerTrace.objects.filter(answer=row).delete()
    Citation.objects.filter(answer=row).delete()
    usage = {name: value for name, value in row.usage.items() if name not in _SAYS}
    Message.objects.filter(pk=row.pk).update(retracted=timezone.now(), usage=usage, **_EMPTY)


def _restore(held: RetractedMessage) -> None:
    fields = dict(held.fields)
    if fields["status"] == Message.Status.WRITING:  # its process has lost the lease
        fields["status"] = Message.Status.INTERRUPTED
    Message.objects.filter(pk=held.pk).update(retracted=None, **fields)
    Citation.objects.bulk_create(Citation(answer_id=held.pk, **values) for values in held.citations)
    if held.trace:
        AnswerTrace.objects.create(answer_id=held.pk, data=bytes(held.trace))
    if held.title:
        title, titled, instead = held.title
        unchanged = Conversation.objects.filter(pk=held.message.conversation_id, title=instead, titled=Titled.QUESTION)
        unchanged.update(title=title, titled=titled)


def _remove_titles(row: Message) -> list[str]:
    """Replace the title of the conversation if it is made of this message; return what `_restore` needs, else []."""
    asks = row.role == Message.Role.USER
    question = row if asks else row.parent
    place = Conversation.objects.filter(pk=row.conversation_id).first()
    if place is None or question is None or not place.title or not _can_name(question):
        return []
    if place.titled != Titled.MODEL and not (asks and place.titled == Titled.QUESTION):
        return []
    instead = "" if asks or question.retracted else picture_request.make_title(question.text)
    Conversation.objects.filter(pk=place.pk).update(title=instead, titled=Titled.QUESTION)
    return [place.title, str(place.titled), instead]


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
    gone = {row.pk for row in rows if row.role == Message.Role.USER}
    places = [row.conversation_id for row in answers]
    links = dict(Share.objects.open().filter(conversation__in=places).values_list("conversation", "pk"))
    told = []
    for row in answers:
        about: dict[str, Any] = {"turn": str(row.pk), "conversation": str(row.conversation_id)}
        if reason is None:
            message, event = {"type": "released", **about}, b""
        else:
            asked = row.parent_id in gone or (row.parent is not None and row.parent.retracted is not None)
            said = Retracted(reason, asked)
            message = {"type": "retracted", **about, "reason": reason, "question": asked}
            event = encode_event(said, turn=str(row.pk))
        told.append(
            _Announcement(str(row.pk), row.conversation.owner_id, links.get(row.conversation_id), message, event)
        )
    if told:
        transaction.on_commit(partial(on_loop, _push_announcements, told), robust=True)


async def _push_announcements(told: Sequence[_Announcement]) -> None:
    for one in told:
        seq = 0
        try:
            if one.event:
                seq = await registry.get_turn_log().take_back(one.turn, one.event)
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

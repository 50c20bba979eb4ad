"""Opens a turn: who asks, what was said before, and the rows of question and answer, in one transaction."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.conversations import sources
from apps.conversations.asks import Again, Ask, Refused
from apps.conversations.models import Assistant, Conversation, Message
from apps.conversations.path import Exchange, before, path
from apps.conversations.session import signed_in
from apps.documents.models import Collection
from apps.users.models import User

LEASE_S = 15  # renewed every 2 s; a killed process is noticed within this time
RUNNING_LIMIT = 3  # answers that one person may have written at once
_TITLE = 60  # characters
_KEPT = {Message.Status.COMPLETE, Message.Status.STOPPED, Message.Status.INTERRUPTED, Message.Status.FAILED}


class SignedOut(Exception):
    """The session is over, the account is closed, or the password was changed."""


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier exchange, as the prompt repeats it."""

    question: str
    answer: str
    given: tuple[sources.Given, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a question and its answer are kept."""

    user: User
    conversation: UUID
    question: UUID
    answer: UUID


@dataclass(frozen=True, slots=True)
class Opening(Kept):
    """What a turn needs to run, and the rows that `keep` stores."""

    text: str
    collections: tuple[UUID, ...]
    without_documents: bool
    lease: str
    history: tuple[Past, ...]
    numbers: sources.Numbers
    assistant: Assistant
    place: Conversation
    new: bool  # the conversation begins with this turn
    rows: tuple[Message, ...]  # the question, where it is a new one, and the answer
    chosen: tuple[UUID, ...] | None  # collections that the conversation shall have; None: as it has them


def recall(user: User, wish: Ask | Again) -> Opening:
    """What was said before, and where to search; reads only. Raises Refused. For `in_db`."""
    return _asked(user, wish) if isinstance(wish, Ask) else _again(user, wish)


def keep(opening: Opening, key: str) -> Kept:
    """The rows are stored, in one transaction; where the same ask had come before, the rows of then.

    Whether the session still is that person's is asked again here, beside the search: before this is done, nothing
    leaves for a model or a page. Raises SignedOut, Refused. For `in_db`.
    """
    if signed_in(key) != opening.user:
        raise SignedOut
    client_id = next((row.client_id for row in opening.rows if row.client_id), "")
    try:
        with transaction.atomic():
            _store(opening)
    except (IntegrityError, Refused):
        if (known := repeated(opening.user, client_id)) is None:
            raise
        return known
    return opening


def repeated(user: User, client_id: str) -> Kept | None:
    """What was kept of an ask that had come before, under that id."""
    row = Message.objects.filter(asked_by=user, client_id=client_id).first() if client_id else None
    if row is None:
        return None
    answer = row if row.role == Message.Role.ASSISTANT else row.children.order_by("created").first()
    if answer is None or answer.parent_id is None:
        return None
    return Kept(user, row.conversation_id, answer.parent_id, answer.pk)


def _asked(user: User, ask: Ask) -> Opening:
    exchanges: list[Exchange] = []
    place = Conversation(owner=user, title=title(ask.text))
    if ask.conversation is not None:
        place = _conversation(user, ask.conversation)
        exchanges = path(place.messages.all())
    collections = _collections(user, place, ask)
    last = exchanges[-1].answer if exchanges else None
    question = Message(
        conversation=place, parent=last, role=Message.Role.USER, text=ask.text, asked_by=user, client_id=ask.client_id
    )
    answer = _answer(question, user, ask.without_documents)
    chosen = None if ask.collections is None else collections
    return _opening(user, place, ask.conversation is None, (question, answer), exchanges, collections, chosen)


def _again(user: User, wish: Again) -> Opening:
    old = Message.objects.visible_to(user).answers().filter(pk=wish.turn).select_related("parent").first()
    if old is None or old.parent is None:
        raise Refused("That answer is no longer there. Reload the page.")
    place = _conversation(user, old.conversation_id)
    exchanges = before(path(place.messages.all()), old.parent.pk)
    collections = _chosen_before(user, place)
    without = old.without_documents if wish.without_documents is None else wish.without_documents
    answer = _answer(old.parent, user, without)
    answer.client_id = wish.client_id
    return _opening(user, place, False, (answer,), exchanges, collections, None)


def _conversation(user: User, pk: UUID) -> Conversation:
    row = Conversation.objects.visible_to(user).select_related("assistant").filter(pk=pk).first()
    if row is None:
        raise Refused("That conversation is no longer there. Reload the page.")
    return row


def _collections(user: User, place: Conversation, ask: Ask) -> tuple[UUID, ...]:
    """Where to search; () is everywhere."""
    visible = Collection.objects.visible_to(user)
    if ask.collections:
        found = tuple(visible.filter(pk__in=ask.collections).values_list("pk", flat=True))
        if len(found) != len(set(ask.collections)):
            raise Refused("One of the chosen collections is no longer there. Choose again.")
        return found
    if ask.collections is None and ask.conversation is not None:
        return _chosen_before(user, place)
    return ()


def _chosen_before(user: User, place: Conversation) -> tuple[UUID, ...]:
    """The conversation's own collections, as far as they may be read. Where none of them may be any more, everywhere is
    not what was meant."""
    found = Collection.objects.visible_to(user).filter(conversations=place).values_list("pk", flat=True)
    if not (kept := tuple(found)) and place.collections.exists():
        raise Refused("The collections of this conversation are no longer shared with you. Choose others.")
    return kept


def _answer(question: Message, user: User, without_documents: bool) -> Message:
    return Message(
        conversation_id=question.conversation_id, parent=question, role=Message.Role.ASSISTANT, asked_by=user,
        status=Message.Status.WRITING, without_documents=without_documents, lease_token=secrets.token_hex(16),
        lease_until=timezone.now() + timedelta(seconds=LEASE_S), attempts=1,
    )  # fmt: skip


def _opening(
    user: User, place: Conversation, new: bool, rows: tuple[Message, ...], exchanges: list[Exchange],
    collections: tuple[UUID, ...], chosen: tuple[UUID, ...] | None,
) -> Opening:  # fmt: skip
    answer, question = rows[-1], rows[-1].parent
    if question is None:
        raise ValueError("An answer has a question")
    kept = [row for item in exchanges if (row := item.answer) and row.text and row.status in _KEPT]
    questions = {item.answer.pk: item.question.text for item in exchanges if item.answer}
    given = sources.given(user, [row.pk for row in kept]) if kept else {}
    return Opening(
        user, place.pk, question.pk, answer.pk, question.text, collections, answer.without_documents,
        answer.lease_token, tuple(Past(questions[row.pk], row.text, given.get(row.pk, ())) for row in kept),
        sources.numbers(place.pk) if exchanges else sources.Numbers(), place.assistant or Assistant.default(),
        place, new, rows, chosen,
    )  # fmt: skip


def _store(opening: Opening) -> None:
    place = opening.place
    if opening.new:
        place.save(force_insert=True)
    elif not Conversation.objects.filter(pk=place.pk).update(changed=timezone.now()):  # the row is locked by this
        raise Refused("That conversation is no longer there. Reload the page.")
    writing = Message.objects.filter(asked_by=opening.user, status=Message.Status.WRITING)
    running = list(writing.order_by().values_list("conversation", flat=True))
    if place.pk in running:
        raise Refused("An answer is still being written in this conversation. Wait for it, or stop it.")
    if len(running) >= RUNNING_LIMIT:
        raise Refused(f"{RUNNING_LIMIT} of your answers are still being written. Wait for one, or stop one.")
    Message.objects.bulk_create(opening.rows)
    if opening.chosen is not None and (opening.chosen or not opening.new):
        place.collections.set(Collection.objects.filter(pk__in=opening.chosen))


def title(text: str) -> str:
    """The first words of a question, as the name of its conversation."""
    line = " ".join(text.split())
    if len(line) <= _TITLE:
        return line
    return line[:_TITLE].rsplit(" ", 1)[0].rstrip(",;:.") + " …"

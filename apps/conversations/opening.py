"""Opens a turn: who asks, what was said before, and the rows of question and answer, in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.conversations import sources
from apps.conversations.asks import Again, Ask, Refused
from apps.conversations.models import Assistant, Conversation, Message, ModelProfile
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
    """A turn that was just opened, and what it needs to run."""

    text: str
    collections: tuple[UUID, ...]
    without_documents: bool
    lease: str
    history: tuple[Past, ...]
    numbers: sources.Numbers
    assistant: Assistant
    profile: ModelProfile | None


def open_turn(key: str, wish: Ask | Again, model: str = "") -> Kept:
    """The Opening of a turn for the person behind that session; only where it is Kept if the same ask had come before.

    `model` is the one that will probably answer. Raises SignedOut, Refused. For `in_db`.
    """
    user = signed_in(key)
    if user is None:
        raise SignedOut
    if (known := _repeated(user, wish.client_id)) is not None:
        return known
    try:
        with transaction.atomic():
            return _asked(user, wish, model) if isinstance(wish, Ask) else _again(user, wish, model)
    except IntegrityError:  # the same ask came twice at once, and the other one won
        if (known := _repeated(user, wish.client_id)) is not None:
            return known
        raise


def _repeated(user: User, client_id: str) -> Kept | None:
    row = Message.objects.filter(asked_by=user, client_id=client_id).first() if client_id else None
    if row is None:
        return None
    answer = row if row.role == Message.Role.ASSISTANT else row.children.order_by("created").first()
    if answer is None or answer.parent_id is None:
        raise Refused("This question was sent before, and its answer is gone. Ask again.")
    return Kept(user, row.conversation_id, answer.parent_id, answer.pk)


def _asked(user: User, ask: Ask, model: str) -> Opening:
    if ask.conversation is None:
        conversation = Conversation(owner=user, title=title(ask.text))
        conversation.save(force_insert=True)
        exchanges: list[Exchange] = []
    else:
        conversation = _conversation(user, ask.conversation)
        exchanges = path(conversation.messages.all())
    collections = _collections(user, conversation, ask)
    last = exchanges[-1].answer if exchanges else None
    question = Message(
        conversation=conversation,
        parent=last,
        role=Message.Role.USER,
        text=ask.text,
        asked_by=user,
        client_id=ask.client_id,
    )
    answer = _answer(question, user, ask.without_documents)
    Message.objects.bulk_create([question, answer])
    return _opening(user, conversation, question, answer, exchanges, collections, model)


def _again(user: User, wish: Again, model: str) -> Opening:
    old = Message.objects.visible_to(user).answers().filter(pk=wish.turn).select_related("parent").first()
    if old is None or old.parent is None:
        raise Refused("That answer is no longer there. Reload the page.")
    conversation = _conversation(user, old.conversation_id)
    exchanges = before(path(conversation.messages.all()), old.parent.pk)
    collections = tuple(
        Collection.objects.visible_to(user).filter(conversations=conversation).values_list("pk", flat=True)
    )
    without = old.without_documents if wish.without_documents is None else wish.without_documents
    answer = _answer(old.parent, user, without)
    answer.client_id = wish.client_id
    answer.save(force_insert=True)
    return _opening(user, conversation, old.parent, answer, exchanges, collections, model)


def _conversation(user: User, pk: UUID) -> Conversation:
    """The person's conversation, locked and without a running turn."""
    conversation = Conversation.objects.visible_to(user).select_for_update().filter(pk=pk).first()
    if conversation is None:
        raise Refused("That conversation is no longer there. Reload the page.")
    if conversation.messages.filter(status=Message.Status.WRITING).exists():
        raise Refused("An answer is still being written in this conversation. Wait for it, or stop it.")
    conversation.save(update_fields=["changed"])
    return conversation


def _collections(user: User, conversation: Conversation, ask: Ask) -> tuple[UUID, ...]:
    visible = Collection.objects.visible_to(user)
    if ask.collections is None:
        return (
            ()
            if ask.conversation is None
            else tuple(visible.filter(conversations=conversation).values_list("pk", flat=True))
        )
    if ask.conversation is None and not ask.collections:
        return ()
    chosen = tuple(visible.filter(pk__in=ask.collections).values_list("pk", flat=True)) if ask.collections else ()
    if len(chosen) != len(set(ask.collections)):
        raise Refused("One of the chosen collections is no longer there. Choose again.")
    conversation.collections.set(chosen)
    return chosen


def _answer(question: Message, user: User, without_documents: bool) -> Message:
    if Message.objects.filter(asked_by=user, status=Message.Status.WRITING).count() >= RUNNING_LIMIT:
        raise Refused(f"{RUNNING_LIMIT} of your answers are still being written. Wait for one, or stop one.")
    return Message(
        conversation_id=question.conversation_id, parent=question, role=Message.Role.ASSISTANT, asked_by=user,
        status=Message.Status.WRITING, without_documents=without_documents, lease_token=secrets.token_hex(16),
        lease_until=timezone.now() + timedelta(seconds=LEASE_S), attempts=1,
    )  # fmt: skip


def _opening(
    user: User, conversation: Conversation, question: Message, answer: Message, exchanges: list[Exchange],
    collections: Sequence[UUID], model: str,
) -> Opening:  # fmt: skip
    kept = [item for item in exchanges if item.answer and item.answer.text and item.answer.status in _KEPT]
    given = sources.given(user, [item.answer.pk for item in kept if item.answer]) if kept else {}
    return Opening(
        user, conversation.pk, question.pk, answer.pk, question.text, tuple(collections), answer.without_documents,
        answer.lease_token,
        tuple(Past(item.question.text, item.answer.text, given.get(item.answer.pk, ())) for item in kept if item.answer),
        sources.numbers(conversation.pk) if exchanges else sources.Numbers(),
        conversation.assistant or Assistant.default(),
        ModelProfile.objects.filter(name=model).first() if model else None,
    )  # fmt: skip


def title(text: str) -> str:
    """The first words of a question, as the name of its conversation."""
    line = " ".join(text.split())
    if len(line) <= _TITLE:
        return line
    return line[:_TITLE].rsplit(" ", 1)[0].rstrip(",;:.") + " …"

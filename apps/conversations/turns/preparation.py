"""Open a turn: read who asks and what was said before, then store question and empty answer in one transaction.

`recall` reads, `keep` stores. Only what `keep` stored runs (`turns.py`).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.conversations.assistants import assistant_choice, collection_choice
from apps.conversations.assistants.instructions import briefing, personal
from apps.conversations.attachments import queries
from apps.conversations.attachments.queries import Attached
from apps.conversations.core import model_choice, picture_request
from apps.conversations.core.message_tree import Exchange, before, path, turned
from apps.conversations.core.requests import Again, Ask, Busy, Refused
from apps.conversations.core.sampling import Chosen
from apps.conversations.core.session_user import signed_in
from apps.conversations.errors import WITHHELD
from apps.conversations.evidence import source_numbering
from apps.conversations.models import Assistant, Conversation, Message
from apps.conversations.tools import call_cards
from apps.conversations.turns.small_talk.recognition import recognise, without_small_talk
from apps.documents.candidates import Scope, scope
from apps.documents.filters import EVERYTHING, Filters, read_kept
from apps.documents.models import Collection
from apps.engines.chat.offered import MAIN
from apps.users import limits
from apps.users.models import User

LEASE_S = 15  # renewed every 2 s; a killed process is noticed within this time
RUNNING_LIMIT = 3  # answers that one person may have written at once
KEPT = {Message.Status.COMPLETE, Message.Status.STOPPED, Message.Status.INTERRUPTED, Message.Status.FAILED}


class SignedOut(Exception):
    """The session is over, the account is closed, or the password was changed."""


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier exchange, as the prompt repeats it."""

    question: str
    answer: str
    given: tuple[source_numbering.Given, ...] = ()
    attached: tuple[Attached, ...] = ()
    notes: tuple[str, ...] = ()  # what the prompt says of them, and of what the person had a tool do
    pictures: tuple[str, ...] = ()  # they themselves, for a model that sees

    @property
    def called(self) -> bool:
        """A person had a tool do something in it, and nothing was said."""
        return not self.answer and bool(self.notes)


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
    numbers: source_numbering.Numbers
    assistant: Assistant
    place: Conversation
    new: bool  # the conversation begins with this turn
    rows: tuple[Message, ...]  # the question, where it is a new one, and the answer
    chosen: tuple[UUID, ...] | None  # collections that the conversation shall have; None: as it has them
    turned: tuple[UUID, ...] = ()  # messages on the way here that the remembered path had passed by
    written: str = ""  # what an unfinished answer had, where this one writes on
    sampling: Chosen = field(default_factory=Chosen)
    instructions: str = ""  # of the assistant and of the person
    scope: Scope | None = None  # what may be searched at this moment
    address: str = ""  # where the question comes from
    model: str = MAIN  # that writes, by its name in the settings
    gone: str = ""  # one that was chosen and is no longer offered
    unshared: str = ""  # the name of an assistant that was chosen and may no longer be asked
    filters: Filters = EVERYTHING  # which documents there are searched
    attached: tuple[Attached, ...] = ()  # pictures of the question
    names: bool = False  # the conversation gets its title from this question


def recall(user: User, key: str | None, wish: Ask | Again, address: str = "") -> Opening | Kept:
    """Return who asks, what was said before and where to search, as of now; for a repeated ask where it is stored.

    Read only. Raise SignedOut where the session `key` is no longer the user's (None: a question of the queue), and
    Refused. For `in_db`.
    """
    if (now := user if key is None else signed_in(key)) is None or now != user:
        raise SignedOut
    if (known := repeated(now, wish.client_id)) is not None:
        return known
    opening = _asked(now, wish) if isinstance(wish, Ask) else _again(now, wish)
    try:
        has_place(opening)  # `keep` looks again; before that, a question that has to wait must cost nothing
    except Refused:
        if (known := repeated(now, wish.client_id)) is None:
            raise
        return known
    place = None if opening.without_documents else opening.filters.narrowed(scope(now, opening.collections))
    model, gone = model_choice.of(opening.place, opening.assistant, wish.model)
    return replace(opening, address=address, scope=place, model=model, gone=gone)


def keep(opening: Opening) -> Kept:
    """Store the rows in one transaction and count the question; return the opening, or where the same ask is stored.

    Raise Refused, also where an answer has to end first, and OverLimit. For `in_db`.
    """
    client_id = next((row.client_id for row in opening.rows if row.client_id), "")
    try:
        with transaction.atomic():
            limits.check(opening.user, limits.Resource.TOKENS)
            limits.take(opening.user, limits.Resource.MESSAGES)
            _store(opening)
    except (IntegrityError, Refused, limits.OverLimit):
        if (known := repeated(opening.user, client_id)) is None:
            raise
        return known  # the same ask was stored a moment ago, and may itself be what stands in the way
    return opening


def repeated(user: User, client_id: str) -> Kept | None:
    """Return where an earlier ask with that id is stored; None where there is none."""
    row = Message.objects.filter(asked_by=user, client_id=client_id).first() if client_id else None
    if row is None:
        return None
    answer = row if row.role == Message.Role.ASSISTANT else row.children.order_by("created").first()
    if answer is None or answer.parent_id is None:
        return None
    return Kept(user, row.conversation_id, answer.parent_id, answer.pk)


def _asked(user: User, ask: Ask) -> Opening:
    exchanges: list[Exchange] = []
    if ask.conversation is None:
        wanted = assistant_choice.asked(user, ask.assistant)
        place = Conversation(owner=user, assistant=wanted)
    else:
        place = _conversation(user, ask.conversation)
        exchanges = _said_before(place, ask)
    if names := _names(place, ask.text, exchanges):
        place.title = picture_request.title(ask.text)
    model_choice.keep(place, ask, model=ask.model)
    assistant, unshared = assistant_choice.of(user, place)
    collections = collection_choice.collections(user, place, ask, assistant)
    last = exchanges[-1].answer if exchanges else None
    question = Message(
        conversation=place, parent=last, role=Message.Role.USER, text=ask.text, asked_by=user, client_id=ask.client_id
    )
    answer = _answer(question, user, ask.without_documents)
    answer.draws = ask.picture.record() if ask.picture else {}
    chosen = collections if ask.collections else ask.collections  # where none are chosen, the assistant's may change
    new, rows = ask.conversation is None, (question, answer)
    opening = _opening(user, place, assistant, new, rows, exchanges, collections, chosen, turned(exchanges))
    return replace(opening, attached=queries.chosen(user, ask.attached), unshared=unshared, names=names)


def _names(place: Conversation, text: str, exchanges: list[Exchange]) -> bool:
    """Return whether the conversation gets its title from this question: the first that is no small talk."""
    before = [item.question.text for item in exchanges]
    return not (place.title or recognise(text) or without_small_talk(before))


def _again(user: User, wish: Again) -> Opening:
    old = Message.objects.visible_to(user).answers().filter(pk=wish.turn).select_related("parent").first()
    if old is None or old.parent is None:
        raise Refused("That answer is no longer there. Reload the page.")
    if old.parent.retracted:
        raise Refused(WITHHELD)
    if wish.on and not old.unfinished:
        raise Refused("That answer is finished. Ask a follow-up instead.")
    place = _conversation(user, old.conversation_id)
    way = path(place.messages.all(), old.pk)
    assistant, unshared = assistant_choice.of(user, place)
    collections = collection_choice.chosen_before(user, place, assistant)
    without = old.without_documents if wish.without_documents is None else wish.without_documents
    answer = _answer(old.parent, user, without)
    answer.client_id, answer.continues, answer.draws = wish.client_id, old if wish.on else None, _draws(old)
    model_choice.keep(place, wish)
    passed = turned(way, old.parent.pk)
    opening = _opening(user, place, assistant, False, (answer,), before(way, old.parent.pk), collections, None, passed)
    return replace(opening, attached=queries.of([old.parent.pk]).get(old.parent.pk, ()), unshared=unshared)


def _draws(old: Message) -> dict[str, Any]:
    """What a new answer to the same question draws: nothing, where the question was reworded to ask for no picture."""
    return dict(old.draws) if old.parent and picture_request.words(old.parent.text) else {}


def _said_before(place: Conversation, ask: Ask) -> list[Exchange]:
    """The exchanges up to the answer that is followed, or up to the question that gets another wording."""
    exchanges = path(place.messages.all(), ask.beside or ask.after)
    if ask.beside is not None:
        if any(item.question.pk == ask.beside for item in exchanges):
            return before(exchanges, ask.beside)
    elif ask.after is None:
        return exchanges
    else:
        for position, item in enumerate(exchanges, 1):
            if item.answer is not None and item.answer.pk == ask.after:
                return exchanges[:position]
    raise Refused("What this follows is no longer there. Reload the page.")


def _conversation(user: User, pk: UUID) -> Conversation:
    row = Conversation.objects.visible_to(user).with_assistant().filter(pk=pk).first()
    if row is None:
        raise Refused("That conversation is no longer there. Reload the page.")
    return row


def _answer(question: Message, user: User, without_documents: bool) -> Message:
    return Message(
        conversation_id=question.conversation_id, parent=question, role=Message.Role.ASSISTANT, asked_by=user,
        status=Message.Status.WRITING, without_documents=without_documents, lease_token=secrets.token_hex(16),
        lease_until=timezone.now() + timedelta(seconds=LEASE_S), attempts=1,
    )  # fmt: skip


def _opening(
    user: User, place: Conversation, assistant: Assistant, new: bool, rows: tuple[Message, ...],
    exchanges: list[Exchange], collections: tuple[UUID, ...], chosen: tuple[UUID, ...] | None, passed: tuple[UUID, ...],
) -> Opening:  # fmt: skip
    answer, question = rows[-1], rows[-1].parent
    if question is None:
        raise ValueError("An answer has a question")
    kept = [
        row
        for item in exchanges
        if (row := item.answer) and row.status in KEPT and (row.text or call_cards.told(row.tools))
    ]
    questions = {item.answer.pk: item.question for item in exchanges if item.answer}
    had = source_numbering.given(user, [row.pk for row in kept]) if kept else {}
    seen = queries.of(questions[row.pk].pk for row in kept) if kept else {}
    return Opening(
        user,
        place.pk,
        question.pk,
        answer.pk,
        question.text,
        collections,
        answer.without_documents,
        answer.lease_token,
        _past(kept, questions, had, seen),
        source_numbering.Numbers() if new else source_numbering.numbers(place.pk),
        assistant,
        place,
        new,
        rows,
        chosen,
        passed,
        answer.continues.text if answer.continues else "",
        assistant_choice.sampling(place, assistant),
        briefing(assistant, personal(user)),
        filters=read_kept(place.filters),
    )


def _past(
    answers: list[Message], questions: dict[UUID, Message],
    had: dict[UUID, tuple[source_numbering.Given, ...]], seen: dict[UUID, tuple[Attached, ...]],
) -> tuple[Past, ...]:  # fmt: skip
    asked = [questions[row.pk] for row in answers]
    return tuple(
        Past(question.text, row.text, had.get(row.pk, ()), seen.get(question.pk, ()), call_cards.told(row.tools))
        for row, question in zip(answers, asked, strict=True)
    )


def _store(opening: Opening) -> None:
    place = opening.place
    if opening.chosen is not None:
        place.narrow = bool(opening.chosen)
    if opening.new:
        place.save(force_insert=True)
    elif not Conversation.objects.filter(pk=place.pk, deleted__isnull=True).update(
        changed=timezone.now(),
        sampling=place.sampling,
        narrow=place.narrow,
        model=place.model,
        filters=place.filters,
    ):  # the row is locked by this
        raise Refused("That conversation is no longer there. Reload the page.")
    elif opening.names:
        unnamed = Conversation.objects.filter(pk=place.pk, title="", titled=Conversation.Titled.QUESTION)
        unnamed.update(title=place.title)
    has_place(opening)
    Message.objects.bulk_create(opening.rows)
    if len(opening.rows) > 1:
        queries.put(opening.question, opening.attached)
    if opening.turned:
        Message.objects.filter(pk__in=opening.turned).update(chosen=timezone.now())
    if opening.chosen is not None and (opening.chosen or not opening.new):
        place.collections.set(Collection.objects.filter(pk__in=opening.chosen))


def has_place(opening: Opening, others: int = 0) -> None:
    """Raises Refused where an answer has to end before this one may begin; `others` run and have no rows."""
    rows = Message.objects.filter(asked_by=opening.user, status=Message.Status.WRITING).order_by()
    running = list(rows.values_list("conversation_id", flat=True))
    if opening.conversation in running:
        raise Busy("An answer is still being written in this conversation. Wait for it, or stop it.")
    if len(running) + others >= RUNNING_LIMIT:
        raise Busy("%(limit)s of your answers are still being written. Wait for one, or stop one.", limit=RUNNING_LIMIT)

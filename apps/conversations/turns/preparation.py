"""Prepare a turn and store its question and empty answer. `prepare_turn` only reads; `save_question` writes.

`runner.py` calls both, and runs only turns that `save_question` stored.
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
from apps.conversations.assistants.instructions import build_instructions, get_personal_instructions
from apps.conversations.attachments import chat_files, queries
from apps.conversations.attachments.queries import AttachedPictureView
from apps.conversations.core import model_choice, picture_request
from apps.conversations.core.message_tree import Exchange, cut_before, find_branch_changes, find_path
from apps.conversations.core.requests import AskRequest, ConversationBusy, RequestRefused, RetryRequest
from apps.conversations.core.sampling import SamplingChoice
from apps.conversations.core.session_user import get_session_user
from apps.conversations.errors import QUESTION_WITHHELD
from apps.conversations.evidence import source_numbering
from apps.conversations.models import Assistant, Conversation, Message
from apps.conversations.tools import call_cards
from apps.conversations.turns.small_talk.recognition import drop_small_talk, recognise_small_talk
from apps.documents.models import Collection
from apps.documents.retrieval.candidates import SearchScope, resolve_scope
from apps.documents.retrieval.filters import NO_FILTERS, SearchFilters, parse_stored_filters
from apps.engines.chat.model_catalog import MAIN
from apps.users import rate_limits
from apps.users.models import User

LEASE_S = 15  # seconds; renewed every 2 s; a killed process is noticed within this time
MAX_RUNNING = 3  # answers that may be written for one user at once
KEPT_STATUSES = {Message.Status.COMPLETE, Message.Status.STOPPED, Message.Status.INTERRUPTED, Message.Status.FAILED}


class SessionEnded(Exception):
    """Raised if the session has expired, the account is closed, or the password was changed."""


@dataclass(frozen=True, slots=True)
class PastExchange:
    """Earlier question and answer, as the prompt repeats them."""

    question: str
    answer: str
    given: tuple[source_numbering.PromptedSource, ...] = ()
    attached: tuple[AttachedPictureView, ...] = ()
    notes: tuple[str, ...] = ()  # lines of the prompt about attached pictures and tool calls of the user
    pictures: tuple[str, ...] = ()  # attached pictures as data URLs, for a model with vision

    @property
    def called(self) -> bool:
        """Return whether the user only had a tool called in this exchange, so that there is no answer text."""
        return not self.answer and bool(self.notes)


@dataclass(frozen=True, slots=True)
class TurnIds:
    """Ids under which a question and its answer are stored."""

    user: User
    conversation: UUID
    question: UUID
    answer: UUID


@dataclass(frozen=True, slots=True)
class PreparedTurn(TurnIds):
    """Everything that a turn needs to run, and the rows that `save_question` stores."""

    text: str
    collections: tuple[UUID, ...]
    without_documents: bool
    lease: str
    history: tuple[PastExchange, ...]
    numbers: source_numbering.SourceNumbers
    assistant: Assistant
    place: Conversation
    new: bool  # the conversation is created with this turn
    rows: tuple[Message, ...]  # the question if it is new, and the answer
    chosen: tuple[UUID, ...] | None  # new collections of the conversation; None leaves them
    turned: tuple[UUID, ...] = ()  # messages whose branch becomes the chosen one
    written: str = ""  # text of the unfinished answer that this one continues
    sampling: SamplingChoice = field(default_factory=SamplingChoice)
    instructions: str = ""  # of the assistant and of the user
    scope: SearchScope | None = None  # read when the turn was prepared; None without documents
    address: str = ""  # IP address of the client
    model: str = MAIN  # name in the settings of the model that writes
    gone: str = ""  # name of a chosen model that is no longer offered
    compared: bool = False  # whether another assistant than the conversation's answers, to be compared
    unshared: str = ""  # name of a chosen assistant that is no longer shared with the user
    filters: SearchFilters = NO_FILTERS  # filters within the collections
    attached: tuple[AttachedPictureView, ...] = ()  # pictures of the question
    files: UUID | None = None  # files of the conversation, among `collections`; None if it has none
    files_first: bool = False  # the other collections are searched only if the files hold no answer
    names: bool = False  # the conversation gets its title from this question

    @property
    def searched_first(self) -> tuple[UUID, ...]:
        """Return the collections that the first search looks in; () means all that the user may read."""
        return (self.files,) if self.files_first and self.files else self.collections


def prepare_turn(
    user: User, key: str | None, wish: AskRequest | RetryRequest, address: str = ""
) -> PreparedTurn | TurnIds:
    """Return the turn as it can run now; for a repeated request, the ids under which the first one is stored.

    Reads only. `key` is the session; None for a question of the queue. Raise SessionEnded if that session is not the
    user's, and RequestRefused, or its subclass ConversationBusy if another answer must end first. For `in_db`.
    """
    if (now := user if key is None else get_session_user(key)) is None or now != user:
        raise SessionEnded
    if (known := find_repeated(now, wish.client_id)) is not None:
        return known
    opening = _prepare_question(now, wish) if isinstance(wish, AskRequest) else _prepare_retry(now, wish)
    try:
        check_capacity(opening)  # checked early so that a refused question costs nothing; `save_question` checks again
    except RequestRefused:
        if (known := find_repeated(now, wish.client_id)) is None:
            raise
        return known
    opening = _add_files(opening)
    place = None if opening.without_documents else resolve_first_scope(opening)
    model, gone = model_choice.resolve_model(opening.place, opening.assistant, wish.model)
    return replace(opening, address=address, scope=place, model=model, gone=gone)


def resolve_first_scope(opening: PreparedTurn) -> SearchScope:
    """Return the scope of the turn's first search as it is now. For `in_db`."""
    return opening.filters.narrowed(resolve_scope(opening.user, opening.searched_first))


def save_question(opening: PreparedTurn) -> TurnIds:
    """Store the rows in one transaction and consume one message of the rate limit. For `in_db`.

    Return `opening` itself if it was stored, else the ids of the earlier request with the same client id. Raise
    RequestRefused, ConversationBusy and RateLimited.
    """
    client_id = next((row.client_id for row in opening.rows if row.client_id), "")
    try:
        with transaction.atomic():
            rate_limits.check_limits(opening.user, rate_limits.LimitedResource.TOKENS)
            rate_limits.consume(opening.user, rate_limits.LimitedResource.MESSAGES)
            _store_rows(opening)
    except (IntegrityError, RequestRefused, rate_limits.RateLimited):
        if (known := find_repeated(opening.user, client_id)) is None:
            raise
        return known  # stored a moment ago by the same request, which may itself cause the refusal
    return opening


def find_repeated(user: User, client_id: str) -> TurnIds | None:
    """Return the ids of the earlier request with this client id; None if there is none."""
    row = Message.objects.filter(asked_by=user, client_id=client_id).first() if client_id else None
    if row is None:
        return None
    answer = row if row.role == Message.Role.ASSISTANT else row.children.order_by("created").first()
    if answer is None or answer.parent_id is None:
        return None
    return TurnIds(user, row.conversation_id, answer.parent_id, answer.pk)


def _prepare_question(user: User, ask: AskRequest) -> PreparedTurn:
    exchanges: list[Exchange] = []
    if ask.conversation is None:
        wanted = assistant_choice.get_chosen_assistant(user, ask.assistant)
        place = Conversation(owner=user, assistant=wanted, files=chat_files.get_draft(user, ask.files))
    else:
        place = _get_conversation(user, ask.conversation)
        exchanges = _find_earlier_exchanges(place, ask)
    if names := _gives_title(place, ask.text, exchanges):
        place.title = picture_request.make_title(ask.text)
    model_choice.apply_settings(place, ask, model=ask.model)
    assistant, unshared = assistant_choice.resolve_assistant(user, place)
    collections = collection_choice.resolve_collections(user, place, ask, assistant)
    last = exchanges[-1].answer if exchanges else None
    question = Message(
        conversation=place, parent=last, role=Message.Role.USER, text=ask.text, asked_by=user, client_id=ask.client_id
    )
    answer = _make_answer(question, user, ask.without_documents)
    answer.draws = ask.picture.record() if ask.picture else {}
    # With none chosen, the collections of the assistant apply, also after they change.
    chosen = collections if ask.collections else ask.collections
    new, rows = ask.conversation is None, (question, answer)
    opening = _make_prepared_turn(
        user, place, assistant, new, rows, exchanges, collections, chosen, find_branch_changes(exchanges)
    )
    return replace(opening, attached=queries.select_for_question(user, ask.attached), unshared=unshared, names=names)


def _add_files(opening: PreparedTurn) -> PreparedTurn:
    """Add the files of the conversation to what is searched.

    They are searched together with collections that the user chose, and before all others.
    """
    files = opening.place.files_id
    if files is None or opening.without_documents or not chat_files.has_searchable_files(files):
        return opening
    narrow = opening.place.narrow if opening.chosen is None else bool(opening.chosen)
    others = opening.collections or chat_files.list_readable_collections(opening.user)
    return replace(opening, collections=(*others, files), files=files, files_first=not narrow)


def _gives_title(place: Conversation, text: str, exchanges: list[Exchange]) -> bool:
    """Return whether the conversation gets its title from this question: the first that is not small talk."""
    before = [item.question.text for item in exchanges]
    return not (place.title or recognise_small_talk(text) or drop_small_talk(before))


def _prepare_retry(user: User, wish: RetryRequest) -> PreparedTurn:
    old = Message.objects.visible_to(user).answers().filter(pk=wish.turn).select_related("parent").first()
    if old is None or old.parent is None:
        raise RequestRefused("This answer is no longer available. Reload the page.")
    if old.parent.retracted:
        raise RequestRefused(QUESTION_WITHHELD)
    if wish.on and not old.unfinished:
        raise RequestRefused("This answer is already finished. Ask a follow-up instead.")
    place = _get_conversation(user, old.conversation_id)
    way = find_path(place.messages.all(), old.pk)
    assistant, unshared = assistant_choice.resolve_assistant(user, place)
    other = assistant_choice.get_chosen_assistant(user, wish.assistant)
    if other is not None:
        assistant, unshared = other, ""
    collections = collection_choice.get_conversation_collections(user, place, assistant)
    without = old.without_documents if wish.without_documents is None else wish.without_documents
    answer = _make_answer(old.parent, user, without)
    answer.client_id, answer.continues, answer.draws = (
        wish.client_id,
        old if wish.on else None,
        _get_picture_record(old),
    )
    model_choice.apply_settings(place, wish)
    passed = find_branch_changes(way, old.parent.pk)
    opening = _make_prepared_turn(
        user, place, assistant, False, (answer,), cut_before(way, old.parent.pk), collections, None, passed
    )
    return replace(
        opening,
        attached=queries.load_by_question([old.parent.pk]).get(old.parent.pk, ()),
        unshared=unshared,
        compared=other is not None,
    )


def _get_picture_record(old: Message) -> dict[str, Any]:
    """Return the picture request of the old answer, for a new one; {} if the question no longer asks for a picture."""
    return dict(old.draws) if old.parent and picture_request.parse_prompt(old.parent.text) else {}


def _find_earlier_exchanges(place: Conversation, ask: AskRequest) -> list[Exchange]:
    """Return the exchanges up to the answer that is followed, or before the question that is reworded.

    Raise RequestRefused if that message is gone.
    """
    exchanges = find_path(place.messages.all(), ask.beside or ask.after)
    if ask.beside is not None:
        if any(item.question.pk == ask.beside for item in exchanges):
            return cut_before(exchanges, ask.beside)
    elif ask.after is None:
        return exchanges
    else:
        for position, item in enumerate(exchanges, 1):
            if item.answer is not None and item.answer.pk == ask.after:
                return exchanges[:position]
    raise RequestRefused("The message before this one is no longer available. Reload the page.")


def _get_conversation(user: User, pk: UUID) -> Conversation:
    row = Conversation.objects.visible_to(user).with_assistant().filter(pk=pk).first()
    if row is None:
        raise RequestRefused("This conversation is no longer available. Reload the page.")
    return row


def _make_answer(question: Message, user: User, without_documents: bool) -> Message:
    return Message(
        conversation_id=question.conversation_id,
        parent=question,
        role=Message.Role.ASSISTANT,
        asked_by=user,
        status=Message.Status.WRITING,
        without_documents=without_documents,
        lease_token=secrets.token_hex(16),
        lease_until=timezone.now() + timedelta(seconds=LEASE_S),
        attempts=1,
    )


def _make_prepared_turn(
    user: User,
    place: Conversation,
    assistant: Assistant,
    new: bool,
    rows: tuple[Message, ...],
    exchanges: list[Exchange],
    collections: tuple[UUID, ...],
    chosen: tuple[UUID, ...] | None,
    passed: tuple[UUID, ...],
) -> PreparedTurn:
    answer, question = rows[-1], rows[-1].parent
    if question is None:
        raise ValueError("An answer has a question")
    kept = [
        row
        for item in exchanges
        if (row := item.answer)
        and row.status in KEPT_STATUSES
        and (row.text or call_cards.make_history_notes(row.tools))
    ]
    questions = {item.answer.pk: item.question for item in exchanges if item.answer}
    had = source_numbering.load_prompted_sources(user, [row.pk for row in kept]) if kept else {}
    seen = queries.load_by_question(questions[row.pk].pk for row in kept) if kept else {}
    return PreparedTurn(
        user, place.pk, question.pk, answer.pk, question.text, collections, answer.without_documents,
        answer.lease_token, _make_history(kept, questions, had, seen),
        source_numbering.SourceNumbers() if new else source_numbering.load_numbers(place.pk), assistant, place, new,
        rows, chosen, passed, answer.continues.text if answer.continues else "",
        assistant_choice.resolve_sampling(place, assistant),
        build_instructions(assistant, get_personal_instructions(user)), filters=parse_stored_filters(place.filters),
    )  # fmt: skip


def _make_history(
    answers: list[Message],
    questions: dict[UUID, Message],
    had: dict[UUID, tuple[source_numbering.PromptedSource, ...]],
    seen: dict[UUID, tuple[AttachedPictureView, ...]],
) -> tuple[PastExchange, ...]:
    asked = [questions[row.pk] for row in answers]
    return tuple(
        PastExchange(
            question.text,
            row.text,
            had.get(row.pk, ()),
            seen.get(question.pk, ()),
            call_cards.make_history_notes(row.tools),
        )
        for row, question in zip(answers, asked, strict=True)
    )


def _store_rows(opening: PreparedTurn) -> None:
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
    ):  # this update locks the row
        raise RequestRefused("This conversation is no longer available. Reload the page.")
    elif opening.names:
        unnamed = Conversation.objects.filter(pk=place.pk, title="", titled=Conversation.Titled.QUESTION)
        unnamed.update(title=place.title)
    check_capacity(opening)
    Message.objects.bulk_create(opening.rows)
    if len(opening.rows) > 1:
        queries.attach_to_question(opening.question, opening.attached)
    if opening.turned:
        Message.objects.filter(pk__in=opening.turned).update(chosen=timezone.now())
    if opening.chosen is not None and (opening.chosen or not opening.new):
        place.collections.set(Collection.objects.filter(pk__in=opening.chosen))


def check_capacity(opening: PreparedTurn, others: int = 0) -> None:
    """Raise ConversationBusy if an answer runs in this conversation, or MAX_RUNNING answers of the user run.

    `others` is the number of running turns without rows, as in temporary chats.
    """
    rows = Message.objects.filter(asked_by=opening.user, status=Message.Status.WRITING).order_by()
    running = list(rows.values_list("conversation_id", flat=True))
    if opening.conversation in running:
        raise ConversationBusy("An answer is still being written in this conversation. Wait for it, or stop it.")
    if len(running) + others >= MAX_RUNNING:
        raise ConversationBusy(
            "%(limit)s of your answers are still being written. Wait for one, or stop one.", limit=MAX_RUNNING
        )

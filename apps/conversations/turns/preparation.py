"""Prepare a turn and store its question and empty answer. `prepare_turn` only reads; `save_question` writes.

`runner.py` calls both, and runs only turns that `save_question` stored.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.conversations.assistants import assistant_choice, collection_choice
from apps.conversations.assistants.instructions import build_instructions, get_personal_instructions
from apps.conversations.attachments import chat_files, queries
from apps.conversations.core import model_choice, picture_request
from apps.conversations.core.message_tree import Exchange, cut_before, find_branch_changes, find_path
from apps.conversations.core.numbered_sources import SourceNumbers
from apps.conversations.core.requests import AskRequest, RetryRequest
from apps.conversations.core.session_user import get_session_user
from apps.conversations.core.turn_input import PastExchange, TurnIds, TurnInput
from apps.conversations.errors import QUESTION_WITHHELD, ConversationBusy, RequestRefused
from apps.conversations.evidence import source_numbering
from apps.conversations.models import Assistant, Conversation, Message
from apps.conversations.tools import call_cards
from apps.conversations.turns.inside_collections import keep_inside
from apps.conversations.turns.repetition import LOOP_FINISH, drop_repetitions
from apps.conversations.turns.small_talk.recognition import drop_small_talk, recognise_small_talk
from apps.documents.models import Collection
from apps.documents.retrieval.candidates import SearchScope, resolve_scope
from apps.documents.retrieval.filters import parse_stored_filters
from apps.users import rate_limits
from apps.users.models import User

LEASE_S = 15  # seconds; renewed every 2 s; a killed process is noticed within this time
MAX_RUNNING = 3  # answers that may be written for one user at once
PROMPTED_STATUSES = {Message.Status.COMPLETE, Message.Status.STOPPED, Message.Status.INTERRUPTED, Message.Status.FAILED}


class SessionEnded(Exception):
    """Raised if the session has expired, the account is closed, or the password was changed."""


def prepare_turn(user: User, session_key: str | None, request: AskRequest | RetryRequest) -> TurnInput | TurnIds:
    """Return the turn as it can run now; for a repeated request, the ids under which the first one is stored.

    Reads only. `session_key` is None for a question of the queue. Raise SessionEnded if that session is not the user's,
    and RequestRefused, or its subclass ConversationBusy if another answer must end first. For `in_db`.
    """
    if (now := user if session_key is None else get_session_user(session_key)) is None or now != user:
        raise SessionEnded
    try:
        prepared = _prepare_question(now, request) if isinstance(request, AskRequest) else _prepare_retry(now, request)
        check_capacity(prepared)  # checked early so that a refused question costs nothing; `save_question` checks again
    except RequestRefused:
        if (known := find_repeated(now, request.client_id)) is None:
            raise
        return known
    prepared = _add_files(prepared)
    model, gone = model_choice.resolve_model(now, prepared.conversation, prepared.assistant, request.model)
    prepared = keep_inside(replace(prepared, model=model, missing_model=gone, model_writes=request.model_writes))
    scope = None if prepared.without_documents else resolve_first_scope(prepared)
    return replace(prepared, scope=scope)


def resolve_first_scope(prepared: TurnInput) -> SearchScope:
    """Return the scope of the turn's first search as it is now. For `in_db`."""
    return prepared.filters.narrow_scope(resolve_scope(prepared.user, prepared.first_collections))


def save_question(prepared: TurnInput) -> TurnIds:
    """Store the rows in one transaction and consume one message of the rate limit. For `in_db`.

    Return `prepared` itself if it was stored, else the ids of the earlier request with the same client id. Raise
    RequestRefused, ConversationBusy and RateLimited.
    """
    client_id = next((row.client_id for row in prepared.rows if row.client_id), "")
    try:
        with transaction.atomic():
            model_choice.consume_question(prepared.user, prepared.model)
            _store_rows(prepared)
    except (IntegrityError, RequestRefused, rate_limits.RateLimited):
        if (known := find_repeated(prepared.user, client_id)) is None:
            raise
        return known  # stored a moment ago by the same request, which may itself cause the refusal
    return prepared


def find_repeated(user: User, client_id: str) -> TurnIds | None:
    """Return the ids of the earlier request with this client id; None if there is none."""
    row = Message.objects.filter(asked_by=user, client_id=client_id).first() if client_id else None
    if row is None:
        return None
    answer = row if row.role == Message.Role.ASSISTANT else row.children.order_by("created").first()
    if answer is None or answer.parent_id is None:
        return None
    return TurnIds(user=user, conversation_id=row.conversation_id, question_id=answer.parent_id, answer_id=answer.pk)


def _prepare_question(user: User, ask: AskRequest) -> TurnInput:
    exchanges: list[Exchange] = []
    if ask.conversation is None:
        wanted = assistant_choice.get_chosen_assistant(user, ask.assistant)
        conversation = Conversation(owner=user, assistant=wanted, files=chat_files.get_draft(user, ask.files))
    else:
        conversation = _get_conversation(user, ask.conversation)
        exchanges = _find_earlier_exchanges(conversation, ask)
    if gives_title := _gives_title(conversation, ask.text, exchanges):
        conversation.title = picture_request.make_title(ask.text)
    model_choice.apply_settings(conversation, ask, model=ask.model)
    assistant, unshared = assistant_choice.resolve_assistant(user, conversation)
    collections = collection_choice.resolve_collections(user, conversation, ask, assistant)
    last = exchanges[-1].answer if exchanges else None
    question = Message(
        conversation=conversation,
        parent=last,
        role=Message.Role.USER,
        text=ask.text,
        asked_by=user,
        client_id=ask.client_id,
    )
    answer = _make_answer(question, user, ask.without_documents)
    answer.picture_request = ask.picture.record() if ask.picture else {}
    # With none chosen, the collections of the assistant apply, also after they change.
    chosen = collections if ask.collections else ask.collections
    new, rows = ask.conversation is None, (question, answer)
    prepared = _make_turn_input(
        user, conversation, assistant, new, rows, exchanges, collections, chosen, find_branch_changes(exchanges)
    )
    return replace(
        prepared,
        attached=queries.select_for_question(user, ask.attached),
        unshared_assistant=unshared,
        gives_title=gives_title,
    )


def _add_files(prepared: TurnInput) -> TurnInput:
    """Add the files of the conversation to what is searched.

    They are searched together with collections that the user chose, and before all others.
    """
    files = prepared.conversation.files_id
    if files is None or prepared.without_documents or not chat_files.has_searchable_files(files):
        return prepared
    restricted = (
        prepared.conversation.chosen_collection_count if prepared.new_collections is None else prepared.new_collections
    )
    others = prepared.collections or chat_files.list_readable_collections(prepared.user)
    return replace(prepared, collections=(*others, files), files=files, files_first=not restricted)


def _gives_title(conversation: Conversation, text: str, exchanges: list[Exchange]) -> bool:
    """Return whether the conversation gets its title from this question: the first that is not small talk."""
    before = [item.question.text for item in exchanges]
    return not (conversation.title or recognise_small_talk(text) or drop_small_talk(before))


def _prepare_retry(user: User, request: RetryRequest) -> TurnInput:
    old = Message.objects.visible_to(user).answers().filter(pk=request.turn).select_related("parent").first()
    if old is None or old.parent is None:
        raise RequestRefused("This answer is no longer available. Reload the page.")
    if old.parent.retracted:
        raise RequestRefused(QUESTION_WITHHELD)
    if request.continues and not old.unfinished:
        raise RequestRefused("This answer is already finished. Ask a follow-up instead.")
    conversation = _get_conversation(user, old.conversation_id)
    path = find_path(conversation.messages.all(), old.pk)
    assistant, unshared = assistant_choice.resolve_assistant(user, conversation)
    other = assistant_choice.get_chosen_assistant(user, request.assistant)
    if other is not None:
        assistant, unshared = other, ""
    collections = collection_choice.get_conversation_collections(user, conversation, assistant)
    without = old.without_documents if request.without_documents is None else request.without_documents
    answer = _make_answer(old.parent, user, without)
    answer.client_id, answer.continues = request.client_id, old if request.continues else None
    answer.picture_request = _get_picture_record(old)
    model_choice.apply_settings(conversation, request)
    branch_changes = find_branch_changes(path, old.parent.pk)
    before = cut_before(path, old.parent.pk)
    prepared = _make_turn_input(
        user, conversation, assistant, False, (answer,), before, collections, None, branch_changes
    )
    return replace(
        prepared,
        attached=queries.load_by_question([old.parent.pk]).get(old.parent.pk, ()),
        unshared_assistant=unshared,
        is_comparison=other is not None,
    )


def _get_picture_record(old: Message) -> dict[str, Any]:
    """Return the picture request of the old answer, for a new one; {} if the question no longer asks for a picture."""
    return dict(old.picture_request) if old.parent and picture_request.parse_prompt(old.parent.text) else {}


def _find_earlier_exchanges(conversation: Conversation, ask: AskRequest) -> list[Exchange]:
    """Return the exchanges up to the answer that is followed, or before the question that is reworded.

    Raise RequestRefused if that message is gone.
    """
    exchanges = find_path(conversation.messages.all(), ask.reworded_question or ask.after)
    if ask.reworded_question is not None:
        if any(item.question.pk == ask.reworded_question for item in exchanges):
            return cut_before(exchanges, ask.reworded_question)
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


def _make_turn_input(
    user: User,
    conversation: Conversation,
    assistant: Assistant,
    new: bool,
    rows: tuple[Message, ...],
    exchanges: list[Exchange],
    collections: tuple[UUID, ...],
    chosen: tuple[UUID, ...] | None,
    branch_changes: tuple[UUID, ...],
) -> TurnInput:
    answer, question = rows[-1], rows[-1].parent
    if question is None:
        raise ValueError("An answer has a question")
    return TurnInput(
        user=user,
        conversation_id=conversation.pk,
        question_id=question.pk,
        answer_id=answer.pk,
        text=question.text,
        collections=collections,
        without_documents=answer.without_documents,
        lease=answer.lease_token,
        history=_load_history(user, exchanges),
        numbers=SourceNumbers() if new else source_numbering.load_numbers(conversation.pk),
        assistant=assistant,
        conversation=conversation,
        is_new=new,
        rows=rows,
        new_collections=chosen,
        lost_collections=max(0, conversation.chosen_collection_count - len(collections)) if chosen is None else 0,
        branch_changes=branch_changes,
        text_so_far=answer.continues.text if answer.continues else "",
        sampling=assistant_choice.resolve_sampling(conversation, assistant),
        instructions=build_instructions(assistant, get_personal_instructions(user)),
        filters=parse_stored_filters(conversation.filters),
    )


def _load_history(user: User, exchanges: list[Exchange]) -> tuple[PastExchange, ...]:
    """Return the exchanges whose answers have text, quotes or tool calls, with their sources and pictures."""
    answers = [
        row
        for item in exchanges
        if (row := item.answer)
        and row.status in PROMPTED_STATUSES
        and (row.text or row.quotes or call_cards.make_history_notes(row.tools))
    ]
    questions = {item.answer.pk: item.question for item in exchanges if item.answer}
    sources = source_numbering.load_prompted_sources(user, [row.pk for row in answers]) if answers else {}
    pictures = queries.load_by_question(questions[row.pk].pk for row in answers) if answers else {}
    return tuple(
        PastExchange(
            questions[row.pk].text,
            drop_repetitions(row.text) if row.usage.get("finish") == LOOP_FINISH else row.text,
            sources.get(row.pk, ()),
            pictures.get(questions[row.pk].pk, ()),
            call_cards.make_history_notes(row.tools),
        )
        for row in answers
    )


def _store_rows(prepared: TurnInput) -> None:
    conversation = prepared.conversation
    if prepared.new_collections is not None:
        conversation.chosen_collection_count = len(prepared.new_collections)
    if prepared.is_new:
        conversation.save(force_insert=True)
    elif not Conversation.objects.filter(pk=conversation.pk, deleted__isnull=True).update(
        changed=timezone.now(),
        sampling=conversation.sampling,
        chosen_collection_count=conversation.chosen_collection_count,
        model=conversation.model,
        filters=conversation.filters,
    ):  # this update locks the row
        raise RequestRefused("This conversation is no longer available. Reload the page.")
    elif prepared.gives_title:
        unnamed = Conversation.objects.filter(
            pk=conversation.pk, title="", title_origin=Conversation.TitleOrigin.QUESTION
        )
        unnamed.update(title=conversation.title)
    check_capacity(prepared)
    Message.objects.bulk_create(prepared.rows)
    if len(prepared.rows) > 1:
        queries.attach_to_question(prepared.question_id, prepared.attached)
    if prepared.branch_changes:
        Message.objects.filter(pk__in=prepared.branch_changes).update(chosen=timezone.now())
    if prepared.new_collections is not None and (prepared.new_collections or not prepared.is_new):
        conversation.collections.set(Collection.objects.filter(pk__in=prepared.new_collections))


def check_capacity(prepared: TurnInput, others: int = 0) -> None:
    """Raise ConversationBusy if an answer runs in this conversation, or MAX_RUNNING answers of the user run.

    `others` is the number of running turns without rows, as in temporary chats.
    """
    rows = Message.objects.filter(asked_by=prepared.user, status=Message.Status.WRITING).order_by()
    running = list(rows.values_list("conversation_id", flat=True))
    if prepared.conversation_id in running:
        raise ConversationBusy("An answer is still being written in this conversation. Wait for it, or stop it.")
    if len(running) + others >= MAX_RUNNING:
        raise ConversationBusy(
            "%(limit)s of your answers are still being written. Wait for one, or stop one.", limit=MAX_RUNNING
        )

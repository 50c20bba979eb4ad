"""Turns of a temporary chat. Entry points: `prepare_temporary_turn` and `make_temporary_turn`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from apps.conversations.assistants import assistant_choice, collection_choice
from apps.conversations.assistants.instructions import build_instructions
from apps.conversations.core import model_choice
from apps.conversations.core.numbered_sources import SourceNumbers
from apps.conversations.core.requests import AskRequest
from apps.conversations.core.session_user import get_session_user
from apps.conversations.core.turn_input import PastExchange, TurnInput
from apps.conversations.errors import RequestRefused
from apps.conversations.models import Conversation
from apps.conversations.tools import slash_commands
from apps.conversations.turns import preparation
from apps.conversations.turns.ephemeral import can_ask
from apps.conversations.turns.inside_collections import keep_inside
from apps.conversations.turns.preparation import SessionEnded
from apps.conversations.turns.sinks import TemporarySink
from apps.conversations.turns.state import Turn
from apps.conversations.turns.temporary_sources import rewrite_source_links
from apps.documents.retrieval import search
from apps.documents.retrieval.candidates import resolve_scope
from apps.documents.retrieval.filters import parse_stored_filters
from apps.engines.types import TurnLog
from apps.lib.concurrency.threads import PoolTask, in_db
from apps.lib.ids import new_id
from apps.users.models import User

if TYPE_CHECKING:
    from apps.engines.types import Vectors

MAX_EXCHANGES = 100  # latest exchanges that a chat remembers


def make_temporary_turn(prepared: TurnInput, vector: PoolTask[Vectors] | None, log: TurnLog) -> Turn:
    """Return a turn that writes its events to the log of its chat."""
    sink = TemporarySink(log, str(prepared.answer_id))
    turn = Turn(prepared, vector, sink)
    sink.rewrite_links = partial(rewrite_source_links, turn)
    return turn


def make_exchange(turn: Turn) -> PastExchange:
    """Return the exchange of the turn as the next prompt repeats it."""
    own = [item.to_prompted(item.new_spans, item.text) for item in turn.passages if item.new_spans]
    return PastExchange(turn.input.text, turn.text, tuple(sorted(own, key=lambda item: item.number)))


def get_numbers(turn: Turn) -> SourceNumbers:
    """Return the numbers of all sources of the chat so far, those of the turn included."""
    own = {(item.passage.document_id, item.passage.chunk_id): item.number for item in turn.passages}
    before = turn.input.numbers
    return SourceNumbers({**before.by_chunk, **own}, max([before.highest, *own.values()]))


def prepare_temporary_turn(
    user: User,
    session_key: str,
    request: AskRequest,
    past: tuple[PastExchange, ...],
    numbers: SourceNumbers,
    others: int,
) -> TurnInput:
    """Return the turn as it can run now, and consume one message of the rate limit. For `in_db`.

    `others` is the number of the user's running turns without rows. Personal instructions are not applied. Raise
    SessionEnded, RequestRefused (also for pictures and commands), ConversationBusy and RateLimited.
    """
    if (now := get_session_user(session_key)) is None or now != user:
        raise SessionEnded
    _refuse_what_is_saved(request)
    conversation = Conversation(owner=now, assistant=assistant_choice.get_chosen_assistant(now, request.assistant))
    model_choice.apply_settings(conversation, request, model=request.model)
    assistant, _ = assistant_choice.resolve_assistant(now, conversation)
    collections = collection_choice.resolve_collections(
        now, conversation, replace(request, conversation=None), assistant
    )
    model, gone = model_choice.resolve_model(now, conversation, assistant, request.model)
    filters = parse_stored_filters(conversation.filters)
    begun = TurnInput(
        user=now, conversation_id=conversation.pk, question_id=new_id(), answer_id=new_id(), text=request.text,
        collections=collections, without_documents=request.without_documents, history=filter_readable(now, past),
        numbers=numbers, assistant=assistant, conversation=conversation,
        sampling=assistant_choice.resolve_sampling(conversation, assistant),
        instructions=build_instructions(assistant), model=model, missing_model=gone, filters=filters,
        model_writes=request.model_writes,
    )  # fmt: skip
    begun = keep_inside(begun)
    if not request.without_documents:
        begun = replace(begun, scope=filters.narrow_scope(resolve_scope(now, begun.collections)))
    preparation.check_capacity(begun, others)
    model_choice.consume_question(now, begun.model)
    return begun


def _refuse_what_is_saved(request: AskRequest) -> None:
    """Raise RequestRefused for pictures, commands and files, which would be saved."""
    if request.picture is not None or slash_commands.parse_command(request.text) is not None:
        raise RequestRefused(
            "Pictures and tools save their results, so temporary chats cannot use them. Start a new chat."
        )
    if request.attached or request.files:
        raise RequestRefused("Attached files are saved, so temporary chats cannot have any. Start a new chat.")


def filter_readable(user: User, past: tuple[PastExchange, ...]) -> tuple[PastExchange, ...]:
    """Return the exchanges without sources that the user may no longer read. For `in_db`."""
    known = [item for exchange in past for item in exchange.sources]
    locations = [(item.document_id, item.page_number, [list(span) for span in item.spans]) for item in known]
    texts = search.read_spans(user, locations, for_answers=True)
    gone = {item for item, text in zip(known, texts, strict=True) if text is None}
    return tuple(replace(one, sources=tuple(item for item in one.sources if item not in gone)) for one in past)


async def wait_for_suspension(user: User, every_s: float) -> None:
    """Return when the account is no longer active; read every `every_s` seconds."""
    while await in_db(can_ask, user.pk):
        await asyncio.sleep(every_s)

"""Prepare the answer while the user types, when the composer pauses. Entry points: `start_prefetch`, `cancel_prefetch`.

The draft is gated, searched with and laid out. If its model server is idle, the model reads the request and writes one
token, which is discarded. Its prefix cache then holds the prompt, in the user's own part. Nothing is stored, shown or
logged. Each user has one prefetch at a time; a changed text or the question itself cancels it.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import replace

from django.conf import settings

from apps.conversations.core import model_choice
from apps.conversations.core.requests import AskRequest
from apps.conversations.core.turn_input import TurnInput
from apps.conversations.errors import RequestRefused
from apps.conversations.tools import availability, slash_commands
from apps.conversations.turns import generation, model_queue, preparation, retrieval
from apps.conversations.turns.preparation import SessionEnded
from apps.conversations.turns.sinks import DraftSink
from apps.conversations.turns.state import Turn
from apps.engines.chat.model_catalog import MAIN
from apps.engines.types import EngineError, Sampling
from apps.lib.concurrency.threads import in_db
from apps.safety.gate.gate import Withheld
from apps.safety.models.verdict_log import Surface
from apps.safety.verdict_log.recorder import current_surface
from apps.users import rate_limits
from apps.users.models import User
from apps.users.models.rate_limit import LimitedResource
from apps.users.rate_limits import RateLimited

log = logging.getLogger(__name__)

MAX_AT_ONCE = 2  # users, in this process
MAX_SECONDS = 10.0
_ONE_TOKEN = Sampling(max_tokens=1, temperature=0.0)

_prefetches: dict[int, asyncio.Task[None]] = {}  # by user id


def start_prefetch(user: User, session_key: str, request: AskRequest) -> None:
    """Start a prefetch for the draft, in place of the user's earlier one.

    Do nothing if the setting is off, the model server is busy, or MAX_AT_ONCE users have one. Drafts of temporary
    chats, with attached pictures or with commands are skipped.
    """
    cancel_prefetch(user)
    if request.temporary or request.attached or slash_commands.parse_command(request.text) is not None:
        return  # temporary chats keep drafts off the server; pictures must be read first; commands call a tool
    if (
        not settings.WARM_WHILE_TYPING
        or not model_queue.get_model_queue(request.model or MAIN).idle
        or len(_prefetches) >= MAX_AT_ONCE
    ):
        return
    task = asyncio.create_task(_prefetch(user, session_key, request), name="prefetch")
    _prefetches[user.pk] = task
    task.add_done_callback(lambda done: _finish_prefetch(user.pk, done))


def cancel_prefetch(user: User) -> None:
    """Cancel the user's prefetch, if one runs."""
    if (task := _prefetches.pop(user.pk, None)) is not None:
        task.cancel()


def _finish_prefetch(user_id: int, task: asyncio.Task[None]) -> None:
    if _prefetches.get(user_id) is task:
        del _prefetches[user_id]
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("A prefetch failed", exc_info=error)


async def _prefetch(user: User, session_key: str, request: AskRequest) -> None:
    """Run one prefetch for MAX_SECONDS at most. Errors are dropped: asking the question reports them."""
    current_surface.set(Surface.UNRECORDED)  # for this task: a draft leaves no record in the verdict log
    try:
        async with asyncio.timeout(MAX_SECONDS):
            prepared = await in_db(preparation.prepare_turn, user, session_key, request)
            if isinstance(prepared, TurnInput):
                await in_db(rate_limits.check_limits, user, LimitedResource.MESSAGES)
                await in_db(model_choice.check_limits, user, prepared.model)
                await _read_ahead(prepared)
    except (RequestRefused, SessionEnded, Withheld, RateLimited, EngineError, TimeoutError):
        pass


async def _read_ahead(prepared: TurnInput) -> None:
    vector = None if prepared.without_documents else retrieval.embed_question(prepared.text)
    turn = Turn(prepared, vector, DraftSink())
    found = await retrieval.retrieve_passages(turn, retrieval.FileWait(scope=prepared.scope))
    if found is not None and not found.has_passages:
        return
    extras = generation.PromptExtras(tools=await availability.load_prepared_tools(prepared))
    request = replace((await generation.build_request(turn, found, extras)).request, sampling=_ONE_TOKEN)
    if model_queue.get_model_queue(prepared.model).idle:
        async with aclosing(turn.chat.stream(request)) as items:
            async for _ in items:
                pass

"""Warm while typing: on a pause in the composer, what an answer would need first is done once ahead.

The question so far is judged, searched with, and laid out like any other; where no answer is being written here, the
model server reads the request and writes one token of it, which is thrown away. What it has read stays in its prefix
cache, in the person's own part. Nothing is stored, shown or logged. One at a time for each person: a change of the
text, or the question itself, ends it.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import replace

from django.conf import settings

from apps.conversations.core.requests import AskRequest, RequestRefused
from apps.conversations.tools import availability, slash_commands
from apps.conversations.turns import generation, model_queue, preparation, retrieval
from apps.conversations.turns.ephemeral import EphemeralTurn
from apps.conversations.turns.preparation import PreparedTurn, SessionEnded, TurnIds
from apps.engines.chat.model_catalog import MAIN
from apps.engines.types import EngineError, Sampling
from apps.lib.concurrency.threads import in_db
from apps.safety.gate.gate import Withheld
from apps.safety.models.verdict_log import Surface
from apps.safety.verdict_log.recorder import current_surface
from apps.users import rate_limits
from apps.users.models import User
from apps.users.rate_limits import RateLimited

log = logging.getLogger(__name__)

MAX_AT_ONCE = 2  # people, in this process
MAX_SECONDS = 10.0
_ONE_TOKEN = Sampling(max_tokens=1, temperature=0.0)

_warming: dict[int, asyncio.Task[None]] = {}  # by person


def start_prefetch(user: User, key: str, wish: AskRequest) -> None:
    """What this question would need is done ahead, in place of what was begun for this person before; nothing where
    it is switched off, or others need the machine."""
    cancel_prefetch(user)
    if wish.temporary or wish.attached or slash_commands.parse_command(wish.text) is not None:
        return  # nothing is done with it before it is asked, or before its pictures are read; or a tool will be called
    if (
        not settings.WARM_WHILE_TYPING
        or not model_queue.get_model_queue(wish.model or MAIN).idle
        or len(_warming) >= MAX_AT_ONCE
    ):
        return
    task = asyncio.create_task(_warm(user, key, wish), name="warm while typing")
    _warming[user.pk] = task
    task.add_done_callback(lambda done: _ended(user.pk, done))


def cancel_prefetch(user: User) -> None:
    """Nothing is done ahead for this person any more."""
    if (task := _warming.pop(user.pk, None)) is not None:
        task.cancel()


def _ended(person: int, task: asyncio.Task[None]) -> None:
    if _warming.get(person) is task:
        del _warming[person]
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("Warming while typing failed", exc_info=error)


async def _warm(user: User, key: str, wish: AskRequest) -> None:
    """Whatever stands against it is said when the question is asked."""
    current_surface.set(Surface.NOWHERE)  # for this task: a draft leaves no trace
    try:
        async with asyncio.timeout(MAX_SECONDS):
            opened = await in_db(_recall, user, key, wish)
            if isinstance(opened, PreparedTurn):
                await _ahead(opened)
    except (RequestRefused, SessionEnded, Withheld, RateLimited, EngineError, TimeoutError):
        pass


def _recall(user: User, key: str, wish: AskRequest) -> PreparedTurn | TurnIds:
    """Recall the turn, if the question could be asked now. Raise SignedOut, Refused, OverLimit."""
    opened = preparation.prepare_turn(user, key, wish)
    if isinstance(opened, PreparedTurn):
        preparation.check_capacity(opened)
        rate_limits.check_limits(user, rate_limits.LimitedResource.MESSAGES, rate_limits.LimitedResource.TOKENS)
    return opened


async def _ahead(opened: PreparedTurn) -> None:
    vector = None if opened.without_documents else retrieval.embed_question(opened.text)
    turn = EphemeralTurn(opened, vector)
    found = await retrieval.retrieve_passages(turn)
    if found is not None and not found.passages:
        return
    turn.kit = await availability.load_prepared_tools(opened)
    request = replace(await generation.build_request(turn, found), sampling=_ONE_TOKEN)
    if model_queue.get_model_queue(opened.model).idle:
        async with aclosing(turn.chat.stream(request)) as items:
            async for _ in items:
                pass

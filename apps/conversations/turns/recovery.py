"""Periodic jobs of the web process: close orphaned turns, purge deleted conversations, ask queued questions, and repeat
lost messages to workers.

Entry point: `run_sweeper`. Each job is guarded: a failure is logged and retried, and stops no other job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager, suppress
from typing import TypeVar
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext

from apps.conversations.core.events import Closed, encode_event
from apps.conversations.models import Message, ShownSentences
from apps.conversations.rendering.answer_renderer import render_answer
from apps.conversations.turns import question_queue
from apps.engines import registry
from apps.engines.types import EngineRefused
from apps.lib import periodic_jobs
from apps.lib.celery import notify
from apps.lib.concurrency.threads import in_db, in_pool
from apps.lib.db import leases
from apps.users.i18n import use_language_of

T = TypeVar("T")

SWEEP_INTERVAL_S = 5.0
RESTART_REASON = "The server was restarted while this answer was being written."


def close_orphaned_turns() -> dict[UUID, str]:
    """Close turns whose lease has expired as interrupted; return their last stored texts by answer id.

    For `in_db`, or a worker.
    """
    dead = leases.list_expired(Message.objects.filter(status=Message.Status.WRITING))
    closed = {"status": Message.Status.INTERRUPTED, "reason": RESTART_REASON, "lease_token": "", "lease_until": None}
    # A conditional update per turn: a slow process may have renewed its lease meanwhile.
    return {
        pk: text
        for pk, text in list(dead.values_list("pk", "text"))
        if dead.filter(pk=pk).update(**closed, ended=timezone.now())
    }


async def run_sweeper(ask_next: Callable[[UUID], Awaitable[None]], purge: Callable[[], object]) -> None:
    """Run all jobs every SWEEP_INTERVAL_S seconds until cancelled, whatever a job raises.

    `ask_next` is called for each conversation in which a question was left waiting. `purge` is called in each round, in
    a database thread.
    """
    unannounced: dict[UUID, str] = {}
    while True:
        await run_jobs_once(ask_next, purge, unannounced)
        await asyncio.sleep(SWEEP_INTERVAL_S)


async def run_jobs_once(
    ask_next: Callable[[UUID], Awaitable[None]], purge: Callable[[], object], unannounced: dict[UUID, str]
) -> None:
    """Run each job once. `unannounced` keeps closed turns, with their text, whose listeners could not be told yet."""

    async def tell(turn: UUID) -> None:
        await _announce_end(str(turn), unannounced[turn])
        del unannounced[turn]

    with _guard_job("close dead turns"):
        unannounced.update(await in_db(close_orphaned_turns))
    with _guard_job("tell of closed turns"):
        await _do_for_each(list(unannounced), tell)
    with _guard_job("purge deleted conversations"):
        await in_db(purge)
    with _guard_job("repeat lost messages to workers"):
        await in_pool(notify.repeat_missed)
    with _guard_job("ask queued questions"):
        await _do_for_each(await in_db(question_queue.find_ready_conversations), ask_next)


def _guard_job(name: str) -> AbstractContextManager[None]:
    return periodic_jobs.guard_job("web", name, SWEEP_INTERVAL_S)


async def _do_for_each(items: Iterable[T], work: Callable[[T], Awaitable[None]]) -> None:
    """Do the work for every item. Raise an ExceptionGroup of the failures after the last item."""
    failed: list[Exception] = []
    for item in items:
        try:
            await work(item)
        except Exception as error:  # noqa: BLE001 - raised below
            failed.append(error)
    if failed:
        raise ExceptionGroup(f"{type(failed[0]).__name__}: {failed[0]}", failed)


async def _announce_end(turn: str, text: str) -> None:
    turnlog = registry.get_turn_log()
    closed = await in_db(_make_closed_event, turn, text)
    if await turnlog.exists(turn):
        with suppress(EngineRefused):  # the log is finished: its followers fetch the row
            await turnlog.append(turn, encode_event(closed, turn=turn))
        await turnlog.finish(turn)


def _make_closed_event(turn: str, text: str) -> Closed:
    """Return the last event of the turn, in the asking user's language, as a reload shows it."""
    row = Message.objects.select_related("asked_by").filter(pk=turn).first()
    only_verified = row is not None and row.shown_sentences == ShownSentences.VERIFIED
    with use_language_of(row.asked_by if row else None):
        html = render_answer(text, [], turn, only_verified=only_verified) if text else ""
        return Closed(Message.Status.INTERRUPTED, html, gettext(RESTART_REASON), bool(text))

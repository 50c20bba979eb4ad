"""A call that asks first: the person allows it, denies it, or says nothing, which is no."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from apps.conversations.errors import RequestRefused
from apps.conversations.models import Message
from apps.conversations.models.tool import ToolConsent
from apps.lib.concurrency.batched_polling import BatchedPoller
from apps.lib.concurrency.threads import in_db
from apps.users.models import User

DECISION_TIMEOUT_S = 120.0  # for so long a call waits for its person
_LOOK_S = 0.5  # between looks, one for all calls that wait: any process may have taken the answer
_OVER = "That call no longer waits for an answer."


def save_decision(user: User, answer: UUID, message: Mapping[str, Any]) -> None:
    """What the person says to a call of a running answer of theirs; what was said first holds. Raises Refused."""
    call, allowed = message.get("call"), message.get("allow") is True
    running = Message.objects.visible_to(user).answers().filter(pk=answer, status=Message.Status.WRITING)
    if not isinstance(call, str) or not call.isdecimal() or len(call) > 4 or not running.exists():
        raise RequestRefused(_OVER)
    ToolConsent.objects.get_or_create(answer_id=answer, call=call, defaults={"allowed": allowed})


async def wait_for_decision(answer: UUID, call: str) -> bool | None:
    """Return what the person says, as soon as they say it; None where they say nothing within ASK_S seconds."""
    with suppress(TimeoutError):  # what was said in the last moment still counts
        await asyncio.wait_for(_rounds.over((answer, call)), DECISION_TIMEOUT_S)
    return await in_db(_said, answer, call)


def _said(answer: UUID, call: str) -> bool | None:
    return ToolConsent.objects.filter(answer=answer, call=call).values_list("allowed", flat=True).first()


async def _still_wait(calls: list[tuple[UUID, str]]) -> Sequence[bool]:
    """Return for each call whether its person has said nothing yet: one query for all."""
    said = await in_db(_said_among, {answer for answer, _ in calls})
    return [call not in said for call in calls]


def _said_among(answers: set[UUID]) -> set[tuple[UUID, str]]:
    return set(ToolConsent.objects.filter(answer__in=answers).values_list("answer", "call"))


_rounds: BatchedPoller[tuple[UUID, str]] = BatchedPoller(lambda: _LOOK_S, _still_wait)

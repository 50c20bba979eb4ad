"""Approvals of tool calls: the user allows or denies a call; no decision within the timeout counts as a denial.

Entry points: `save_decision`, `wait_for_decision`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from apps.conversations.errors import RequestRefused
from apps.conversations.models import Message
from apps.conversations.models.tool import ToolConsent
from apps.lib.concurrency.batched_polling import BatchedPoller
from apps.lib.concurrency.threads import in_db
from apps.users.models import User

DECISION_TIMEOUT_S = 120.0  # seconds that a call waits for a decision
_POLL_S = 0.5  # seconds between queries for all waiting calls: any process may have stored the decision
_OVER = "This tool call no longer needs your approval."


def save_decision(user: User, answer: UUID, call: str, allowed: bool) -> None:
    """Store the user's decision on a call of their running answer; the first decision holds.

    Raise RequestRefused if the answer no longer runs or is not theirs. For `in_db`.
    """
    running = Message.objects.visible_to(user).answers().filter(pk=answer, status=Message.Status.WRITING)
    if not running.exists():
        raise RequestRefused(_OVER)
    ToolConsent.objects.get_or_create(answer_id=answer, call=call, defaults={"allowed": allowed})


async def wait_for_decision(answer: UUID, call: str) -> bool | None:
    """Return the user's decision once any process has stored it: True if the call is allowed, False if it is refused,
    None if there is no decision after DECISION_TIMEOUT_S."""
    with suppress(TimeoutError):  # a decision at the last moment still counts
        await asyncio.wait_for(_poller.wait_until_over((answer, call)), DECISION_TIMEOUT_S)
    return await in_db(_read_decision, answer, call)


def _read_decision(answer: UUID, call: str) -> bool | None:
    return ToolConsent.objects.filter(answer=answer, call=call).values_list("allowed", flat=True).first()


async def _check_waiting(calls: list[tuple[UUID, str]]) -> Sequence[bool]:
    """Return for each call whether it has no decision yet, with one query for all."""
    decided = await in_db(_list_decided, {answer for answer, _ in calls})
    return [call not in decided for call in calls]


def _list_decided(answers: set[UUID]) -> set[tuple[UUID, str]]:
    return set(ToolConsent.objects.filter(answer__in=answers).values_list("answer", "call"))


_poller: BatchedPoller[tuple[UUID, str]] = BatchedPoller(lambda: _POLL_S, _check_waiting)

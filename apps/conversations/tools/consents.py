"""A call that asks first: the person allows it, denies it, or says nothing, which is no."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from apps.conversations.models import Message
from apps.conversations.refusal import Refused
from apps.conversations.tools.rows import ToolConsent
from apps.lib.threads import in_db
from apps.users.models import User

ASK_S = 120.0  # for so long a call waits for its person
_LOOK_S = 0.3  # between looks: any process may have taken the answer
_OVER = "That call no longer waits for an answer."


def decide(user: User, answer: UUID, message: Mapping[str, Any]) -> None:
    """What the person says to a call of a running answer of theirs; what was said first holds. Raises Refused."""
    call, allowed = message.get("call"), message.get("allow") is True
    running = Message.objects.visible_to(user).answers().filter(pk=answer, status=Message.Status.WRITING)
    if not isinstance(call, str) or not call.isdecimal() or len(call) > 4 or not running.exists():
        raise Refused(_OVER)
    ToolConsent.objects.get_or_create(answer_id=answer, call=call, defaults={"allowed": allowed})


async def decided(answer: UUID, call: str) -> bool | None:
    """What the person says, as soon as they say it; None where they say nothing in time."""
    until = time.monotonic() + ASK_S
    while True:
        said = await in_db(_said, answer, call)
        if said is not None or time.monotonic() > until:
            return said
        await asyncio.sleep(_LOOK_S)


def _said(answer: UUID, call: str) -> bool | None:
    return ToolConsent.objects.filter(answer=answer, call=call).values_list("allowed", flat=True).first()

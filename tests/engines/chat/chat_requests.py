"""Requests and scripted answers for tests of chat engines."""

from __future__ import annotations

from contextlib import aclosing

from apps.engines.types import ChatEngine, ChatMessage, ChatRequest, Delta, Finish
from tests.engines.chat.scripted_server import DONE, event, stream

USAGE = {"prompt_tokens": 11, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 8}}
GOOD = stream(event("Hello "), event("there."), event(None, "stop"), event(None, usage=USAGE, choices=[]), DONE)
ASK = ChatRequest((ChatMessage("system", "Be brief."), ChatMessage("user", "Hello?")))


async def collect(chat: ChatEngine, request: ChatRequest = ASK) -> list[Delta | Finish]:
    """Return all items that the engine streams."""
    async with aclosing(chat.stream(request)) as items:  # type: ignore[type-var]
        return [item async for item in items]


def text(items: list[Delta | Finish]) -> str:
    """Return the text of the items."""
    return "".join(item.text for item in items if isinstance(item, Delta))

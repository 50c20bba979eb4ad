"""A model server in memory that takes its time, so that a person can stop, reload and ask on while it writes."""

from __future__ import annotations

from typing import Any

from apps.engines.base import ChatRequest
from apps.engines.chat.fake import FakeChat

LONG = " ".join(f"This is sentence number {n} of a long answer about parental leave." for n in range(1, 60))


class PacedChat(FakeChat):
    """As FakeChat, forty words a second; a question with "in detail" gets a long answer."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.first_token_s, self.gap_s = 0.2, 0.025

    def _say(self, request: ChatRequest) -> str:
        return LONG if "in detail" in request.messages[-1].content else super()._say(request)

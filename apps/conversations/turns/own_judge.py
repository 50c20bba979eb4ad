"""Judge of an answer's sentences by the model that wrote it, where no other judge is set up. Entry point: `OwnJudge`.

Its requests begin like the answer's, so that the server's prefix cache serves them. They run in places that no turn
needs, and end as soon as one does: text never waits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from django.conf import settings

from apps.conversations.turns.model_queue import PlaceTaken, get_model_queue
from apps.engines.judge.follow_up import FollowUpJudge
from apps.engines.judge.protocol import JudgedSource, SentenceJudgement
from apps.engines.types import ChatMessage, ChatRequest, EngineUnavailable
from apps.safety.text.prompt_tokens import escape_template_tokens

if TYPE_CHECKING:
    from apps.conversations.turns.state import Turn


class OwnJudge:
    """JudgeEngine of one turn. Raise EngineRefused if its model was removed meanwhile."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self.name, self.timeout_s = turn.model, float(settings.SUPPORT_SECONDS)
        self._judge = FollowUpJudge(turn.chat, self.name, self._build_request, self.timeout_s)
        self.key = self._judge.key

    async def judge(self, sources: Sequence[JudgedSource], sentences: Sequence[str]) -> Mapping[int, SentenceJudgement]:
        """Return the outcomes as JudgeEngine says; waits for a spare place, and again where a turn took it."""
        queue = get_model_queue(self._turn.input.model)
        while True:
            try:
                return await queue.run_in_spare_place(lambda: self._judge.judge(sources, sentences))
            except PlaceTaken:
                continue

    def _build_request(self) -> ChatRequest:
        """Return the latest request of the answer, followed by the text so far."""
        request = self._turn.output.request
        if request is None:
            raise EngineUnavailable("The model was not asked.")
        messages = request.messages
        if messages[-1].role == "assistant":  # an answer that was continued
            messages = messages[:-1]
        written = ChatMessage("assistant", escape_template_tokens(self._turn.text.strip()))
        return replace(request, messages=(*messages, written))

"""Judge by the chat model that wrote an answer: it is asked after its answer, in the same conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from apps.engines.judge.formats import RESPONSE_FORMAT, ChatJudge
from apps.engines.judge.protocol import JudgedSource, SentenceJudgement
from apps.engines.types import ChatEngine, ChatMessage, ChatRequest, Delta, EngineUnavailable, Finish, Sampling


class FollowUpJudge:
    """Judge whose requests go on from `get_request()`, the request of the answer with what was written so far: their
    beginning is the same, so the server's prefix cache holds the sources. `name` is that of the model."""

    def __init__(
        self, chat: ChatEngine, name: str, get_request: Callable[[], ChatRequest], timeout_s: float = 10.0
    ) -> None:
        self.name, self.key, self.timeout_s = name, f"own {name}", timeout_s
        self._chat, self._get_request, self._format = chat, get_request, ChatJudge()

    async def judge(self, sources: Sequence[JudgedSource], sentences: Sequence[str]) -> Mapping[int, SentenceJudgement]:
        """Return the outcomes as JudgeEngine says. `sources` are not sent: the model has read them."""
        asked = self._build_request(sentences)
        pieces: list[str] = []
        reason = "stop"
        try:
            async with asyncio.timeout(self.timeout_s), aclosing(self._chat.stream(asked)) as stream:
                async for part in stream:
                    if isinstance(part, Delta):
                        pieces.append(part.text)
                    elif isinstance(part, Finish):
                        reason = part.reason
        except TimeoutError as error:
            raise EngineUnavailable("The judge did not answer in time.") from error
        choice = {"message": {"content": "".join(pieces)}, "finish_reason": reason}
        return self._format.read([choice], len(sentences))

    def _build_request(self, sentences: Sequence[str]) -> ChatRequest:
        request = self._get_request()
        return replace(
            request,
            messages=(*request.messages, ChatMessage("user", self._format.build_follow_up(sentences))),
            sampling=Sampling(max_tokens=self._format.count_answer_tokens(len(sentences)), temperature=0.0, seed=1),
            tool_choice="none" if request.tools else None,  # the tools stay: they stand at the beginning
            extra_body={"response_format": RESPONSE_FORMAT},
            reasoning=False,
        )

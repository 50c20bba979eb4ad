"""Fake model server in memory, for tests: answers from the sources in its prompt, deterministically, or as it is told.

chat = FakeChat()                      # quotes the first sentence of the first two sources, with their marks
chat.replies.append("The answer.")     # the next answer; "<think>…</think>" before it is reasoning
chat.calls.append((ToolCall(…),))      # the next tool calls, if the request offers tools
chat.tools = True                      # the server accepts tools
chat.beams = 8                         # the widest beam search that the server accepts
chat.unavailable = True                # the server cannot be reached
chat.fail = EngineBusy("…")            # raised by the next stream, after `fail_after` pieces
chat.first_token_s, chat.gap_s = 1, 0.05
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from apps.engines.chat.http_errors import NO_BEAMS
from apps.engines.chat.reasoning_tags import ReasoningTagParser
from apps.engines.chat.token_counter import TokenCounter
from apps.engines.types import (
    ChatRequest,
    Delta,
    EngineError,
    EngineRefused,
    EngineUnavailable,
    Finish,
    ModelInfo,
    Sampling,
    TokenProb,
    ToolCall,
    Usage,
)

_PIECE = re.compile(r"\s*\S+")
_SOURCE = re.compile(r"^\[(\d+)\][ \t]*(.*(?:\n(?!\[\d|Question:).+)*)", re.MULTILINE)
_SENTENCE = re.compile(r"[^.!?\n]{10,}[.!?]")


# Options of the real engine that the fake ignores: a test sets `tools` itself, and no breaker is needed without a
# server.
_NOT_ITS_OWN = ("tools", "breaker")


class FakeChat:
    """Chat engine without a model. `options` are those of the real engine and any of the attributes below."""

    def __init__(
        self, url: str = "", model: str = "", api_key: str = "", tokenizer: str = "", reply: str = "", **options: Any
    ) -> None:
        self.name = model or "fake-1B"
        self.context_tokens = 8192
        self.parameters: int | None = 1_000_000_000
        self.reply = reply  # the answer while `replies` is empty; "" makes an answer from the sources
        self.replies: deque[str] = deque()
        self.calls: deque[tuple[ToolCall, ...]] = deque()
        self.tools = False
        self.accepts_all_sampling = True
        self.fingerprint = ""
        self.beams = 0
        self.say_before_calls = ""
        self.unavailable = False
        self.fail: EngineError | None = None
        self.fail_after = 0
        self.first_token_s = 0.0
        self.gap_s = 0.0
        self.finish = "stop"
        self.requests: list[ChatRequest] = []
        self.running = 0
        self.aborted = 0
        self.reasons = ""
        self._counter = TokenCounter(tokenizer)
        for name, value in options.items():
            if name not in _NOT_ITS_OWN:
                setattr(self, name, value)

    @property
    def served_name(self) -> str:
        return self.name

    async def info(self, *, fresh: bool = False) -> ModelInfo:
        self._reachable()
        return ModelInfo(self.name, self.context_tokens, self.parameters, self.accepts_all_sampling, self.fingerprint)

    async def supports_tools(self) -> bool:
        self._reachable()
        return self.tools

    async def supports_beams(self) -> bool:
        self._reachable()
        return self.beams > 0

    async def probe(self) -> float:
        self._reachable()
        await asyncio.sleep(self.first_token_s)
        return 1000 * self.first_token_s

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | Finish, None]:
        self._reachable()
        prompt = sum(self.count([message.content for message in request.messages]))
        if prompt >= self.context_tokens:
            raise EngineRefused("The question and its sources are longer than the model can read at once.")
        if request.sampling.beams > self.beams:
            raise EngineRefused(NO_BEAMS)
        self.requests.append(request)
        fail, self.fail = self.fail, None
        calls = self.calls.popleft() if request.tools and request.tool_choice != "none" and self.calls else ()
        pieces = _PIECE.findall(self.say_before_calls) if calls else _PIECE.findall(self._say(request))
        max_tokens = request.sampling.max_tokens
        if request.sampling.beams:
            pieces = ["".join(pieces[:max_tokens])]
        thinking = ReasoningTagParser(started=self.reasons == "begun")
        self.running += 1
        ended = False
        try:
            await asyncio.sleep(self.first_token_s)
            for at, piece in enumerate(pieces[:max_tokens]):
                self._go_on(fail, at)
                text, reasoning = thinking.feed(piece)
                if text or reasoning:
                    yield Delta(text, _probabilities(text, request.sampling), reasoning)
                await asyncio.sleep(self.gap_s)
            self._go_on(fail, len(pieces))
            text, reasoning = thinking.finish()
            if text or reasoning:
                yield Delta(text, (), reasoning)
            ended = True
            reason = "tool_calls" if calls else self.finish if len(pieces) <= max_tokens else "length"
            yield Finish(reason, Usage(prompt, min(len(pieces), max_tokens)), calls)
        except EngineError:
            ended = True
            raise
        finally:
            self.running -= 1
            self.aborted += not ended

    def count(self, texts: Sequence[str]) -> list[int]:
        return self._counter.count(texts)

    async def close(self) -> None:
        return None

    def _reachable(self) -> None:
        if self.unavailable:
            raise EngineUnavailable("The model server does not answer.")

    def _go_on(self, fail: EngineError | None, at: int) -> None:
        if self.unavailable:
            raise EngineUnavailable("The model server stopped in the middle of the answer.")
        if fail is not None and at >= self.fail_after:
            raise fail

    def _say(self, request: ChatRequest) -> str:
        if self.replies:
            return self.replies.popleft()
        return self.reply or quote_sources(request)


def quote_sources(request: ChatRequest) -> str:
    """Return the first sentence of each of the first two sources with its mark, or the question repeated if the prompt
    has no sources."""
    prompt = "\n".join(message.content for message in request.messages if message.role == "user")
    sentences = []
    for match in _SOURCE.finditer(prompt):
        quoted = match[2].split(': "', 1)[-1]
        sentence = _SENTENCE.search(quoted)
        if sentence:
            sentences.append(f"{sentence.group().strip()[:-1]} [{match[1]}].")
    if sentences:
        return " ".join(sentences[:2])
    question = request.messages[-1].content.strip().splitlines()
    return f"You asked: {question[-1] if question else ''}"


def _probabilities(piece: str, sampling: Sampling) -> tuple[TokenProb, ...]:
    alternatives = sampling.logprobs
    if not piece or not alternatives or sampling.beams:
        return ()
    return (TokenProb(piece, -0.1, tuple((piece if n == 0 else f"{piece}{n}", -0.1 - n) for n in range(alternatives))),)

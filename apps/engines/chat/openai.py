"""Any server that speaks the OpenAI chat protocol; vLLM first.

Nothing of a user travels but the messages: no cookies, no headers, no addresses. The base URL comes from the settings
only, redirects are not followed. Dropping the stream closes the connection, and vLLM aborts the request.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, replace

from apps.engines.base import (
    ChatMessage,
    ChatRequest,
    Delta,
    EngineBroken,
    EngineBusy,
    EngineRefused,
    EngineUnavailable,
    Finish,
    ModelInfo,
    Sampling,
)
from apps.engines.chat import wire
from apps.engines.chat.abilities import Ability
from apps.engines.chat.breaker import Breaker
from apps.engines.chat.errors import AWAY, CUT_OFF, KEY, NO_BEAMS, REFUSED, SENSELESS, SLOW, from_status
from apps.engines.chat.line import Line
from apps.engines.chat.pace import Pace, Rest
from apps.engines.chat.server import Server
from apps.engines.chat.sse import EventReader
from apps.engines.chat.thinking import Thinking
from apps.engines.chat.tokens import TokenCounter

log = logging.getLogger(__name__)

_MAX_BODY_BYTES = 1024 * 1024  # of a list of models, or of an error
_TRIES = 3  # of a request that the server is too busy for; only before its first token
_PAUSE_S = 0.4  # before the second try; doubled for the third, and spread so that callers do not come back together
_spread = random.SystemRandom()
_TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
_WITH_TOOL = ChatRequest((ChatMessage("user", "Hi"),), Sampling(max_tokens=1, temperature=0.0), tools=(_TOOL,))
_WITH_BEAMS = ChatRequest((ChatMessage("user", "Hi"),), Sampling(max_tokens=1, temperature=0.0, beams=2))
_PROBE = ChatRequest((ChatMessage("user", "Hi"),), Sampling(max_tokens=1, temperature=0.0))


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds."""

    connect: float = 3
    first_token: float = 60
    gap: float = 20
    total: float = 600


class OpenAIChat:
    def __init__(
        self, url: str, model: str = "", api_key: str = "", tokenizer: str = "",
        connect_s: float = 3, first_token_s: float = 60, gap_s: float = 20, total_s: float = 600, tools: bool = True,
        context_tokens: int = 0, reasons: str = "", breaker: Breaker | None = None,
    ) -> None:  # fmt: skip
        self._model = model
        headers = {"User-Agent": "openbook"} | ({"Authorization": f"Bearer {api_key.strip()}"} if api_key else {})
        self._server = Server(url, headers, connect_s)
        self._limits = Timeouts(connect_s, first_token_s, gap_s, total_s)
        self._counter = TokenCounter(tokenizer)
        self._breaker = breaker or Breaker()
        self._context_tokens = context_tokens  # 0: as the server says
        self._reasons = reasons
        self._tools = tools  # may be offered
        self._with_tools = Ability(_WITH_TOOL, self.info, self._attempt)
        self._with_beams = Ability(_WITH_BEAMS, self.info, self._attempt)
        self._pace = Pace()
        self._served: tuple[ModelInfo, bool] | None = None

    async def info(self) -> ModelInfo:
        return (await self._known())[0]

    async def takes_tools(self) -> bool:
        return self._tools and await self._with_tools.has()

    async def takes_beams(self) -> bool:
        return (await self._known())[1] and await self._with_beams.has()

    async def probe(self) -> float:
        start = time.perf_counter()
        self._served = None  # the server may have come back with another model
        await self._known()
        async with aclosing(self._attempt(_PROBE)) as answer:
            async for _ in answer:
                pass
        self._breaker.success()
        return 1000 * (time.perf_counter() - start)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | Finish, None]:
        if not self._breaker.admits():
            raise EngineUnavailable(AWAY)
        begun = False
        for attempt in range(_TRIES):
            try:
                async with aclosing(self._attempt(request)) as answer:
                    async for item in answer:
                        begun = True
                        yield item
                self._breaker.success()
                return
            except EngineRefused as error:
                if request.sampling.beams and str(error) == REFUSED:
                    raise EngineRefused(NO_BEAMS) from error
                raise
            except EngineBusy:
                self._breaker.success()  # an answer is a sign of life
                if begun or attempt == _TRIES - 1:
                    raise
            except (EngineUnavailable, EngineBroken):
                self._served = None
                self._breaker.failure()
                raise
            await asyncio.sleep(_PAUSE_S * 2**attempt * _spread.uniform(0.5, 1.5))

    def count(self, texts: Sequence[str]) -> list[int]:
        return self._counter.count(texts)

    async def close(self) -> None:
        self._server.close()

    async def _known(self) -> tuple[ModelInfo, bool]:
        if self._served is None:
            with _errors(AWAY):
                by = _now() + self._limits.gap
                line = await self._server.ask("GET", "/models", by, Accept="application/json")
                body = await self._whole(line, by)
            if line.status != 200:
                raise from_status(line.status, body)
            info, vllm = wire.model_info(body, self._model)
            window = self._context_tokens or info.context_tokens
            self._served = replace(info, context_tokens=window, samples_all=vllm), vllm
        return self._served

    async def _attempt(self, request: ChatRequest) -> AsyncGenerator[Delta | Finish, None]:
        """One request, from the first byte to the last."""
        info, vllm = await self._known()
        if request.sampling.beams and not vllm:
            raise EngineRefused(NO_BEAMS)  # another server may draw so many answers, and say the first
        began = _now()
        until, by = began + self._limits.total, began + self._limits.first_token
        goes_on = bool(request.messages) and request.messages[-1].role == "assistant"
        begun = self._reasons == "begun" and request.thinks and not goes_on
        answer, events = wire.Answer(thinking=Thinking(begun=begun)), EventReader()
        if request.sampling.beams:
            by, answer.stop = until, request.sampling.stop  # nothing comes before all of it was weighed
        line = await self._open(wire.body(request, info.name, vllm=vllm), tried=request in (_WITH_TOOL, _WITH_BEAMS))
        try:
            with Rest(self._pace, line) as rest:
                while not answer.done:
                    chunk = await self._read(line, min(by, until), begun=answer.size > 0)
                    if not chunk:
                        break
                    delta, error = answer.took(events, chunk)
                    if delta is not None:
                        yield delta
                        by = _now() + self._limits.gap
                    if error is not None:
                        raise error
                    if answer.size and not answer.done:
                        rest.take()
            if not answer.done and not answer.reason:
                raise EngineUnavailable(CUT_OFF)
            with suppress(EngineUnavailable):  # the end of the body: the connection can be used again
                await self._read(line, _now() + 0.1, begun=True)
            if (held := answer.rest()) is not None:
                yield held
            yield answer.finish()
        finally:
            self._server.give(line)

    async def _open(self, body: bytes, *, tried: bool) -> Line:
        """The line of the answer, its head read. Raises what the server says instead; where something is only `tried`,
        a refusal is the answer and no trouble for the log."""
        headers = {"Content_Type": "application/json", "Accept": "text/event-stream"}
        by = _now() + self._limits.first_token
        with _errors(AWAY):
            line = await self._server.ask("POST", "/chat/completions", by, body, **headers)
        if line.status == 200 and "event-stream" in line.kind and line.encoding in ("", "identity"):
            return line
        with _errors(AWAY):
            said = await self._whole(line, _now() + self._limits.gap)
        error = EngineBroken(SENSELESS) if line.status == 200 else from_status(line.status, said)
        if not tried or line.status >= 500:
            log.warning("The model server answered %s.", line.status)
        if isinstance(error, EngineRefused):
            self._served = None  # it may serve another model now
        raise error

    async def _read(self, line: Line, by: float, *, begun: bool) -> bytes:
        """The next bytes, empty at the end. Written out, because it runs for every token."""
        try:
            return await line.read(by)
        except TimeoutError:
            raise EngineUnavailable(SLOW) from None
        except OSError:
            raise EngineUnavailable(CUT_OFF if begun else AWAY) from None

    async def _whole(self, line: Line, by: float) -> bytes:
        """The body of a short answer, up to a limit; the line is given back."""
        body = b""
        try:
            while len(body) < _MAX_BODY_BYTES and (chunk := await line.read(by)):
                body += chunk
            return body
        finally:
            self._server.give(line)


def _now() -> float:
    return asyncio.get_running_loop().time()


@contextmanager
def _errors(words: str) -> Iterator[None]:
    """Turns what the network raises into the error tree."""
    try:
        yield
    except TimeoutError:
        raise EngineUnavailable(SLOW) from None
    except OSError:
        raise EngineUnavailable(words) from None
    except ValueError:
        raise EngineRefused(KEY) from None

"""Chat engine for any server that speaks the OpenAI chat protocol; vLLM first.

The messages are all that the server gets of a user: no cookies, no headers, no addresses. The base URL comes from the
settings only, and redirects are not followed. Dropping the stream closes the connection, and vLLM aborts the request.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from apps.engines.chat import openai_payloads
from apps.engines.chat.capability_probe import CapabilityProbe
from apps.engines.chat.circuit_breaker import CircuitBreaker
from apps.engines.chat.http_errors import AWAY, CUT_OFF, KEY, NO_BEAMS, REFUSED, SLOW, UNREADABLE, error_from_status
from apps.engines.chat.reasoning_tags import ReasoningTagParser
from apps.engines.chat.token_counter import TokenCounter
from apps.engines.types import (
    ChatMessage,
    ChatRequest,
    Delta,
    EngineBroken,
    EngineBusy,
    EngineError,
    EngineRefused,
    EngineUnavailable,
    Finish,
    ModelAbilities,
    ModelInfo,
    Sampling,
)

log = logging.getLogger(__name__)

_MAX_BODY_BYTES = 1024 * 1024  # of a list of models, or of an error
_TRIES = 3  # attempts of a request while the server is busy; only before its first token
# Seconds between two reads of an answer: `_REST_S` for each answer that is being streamed, at most `_LONGEST_REST_S`,
# for which the moderation gate holds words back anyway. With 200 concurrent answers a word then takes about two thirds
# of the CPU time.
_REST_S, _LONGEST_REST_S = 0.003, 0.4
_CREDENTIALS = re.compile(r"(?<=//)[^/@]*@")  # of an address
_PAUSE_S = 0.4  # before the second try; doubled for the third, with jitter against simultaneous retries
_spread = random.SystemRandom()
_TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
_WITH_TOOL = ChatRequest((ChatMessage("user", "Hi"),), Sampling(max_tokens=1, temperature=0.0), tools=(_TOOL,))
_WITH_BEAMS = ChatRequest((ChatMessage("user", "Hi"),), Sampling(max_tokens=1, temperature=0.0, beams=2))
_DOT = (  # a white picture of 28 x 28 pixels, the smallest that common models accept
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABwAAAAcCAAAAABXZoBIAAAAFElEQVR42mP4jwcwjEqOSo"
    "5KwgAA0FYNHp/Mo7cAAAAASUVORK5CYII="
)
_WITH_PICTURE = ChatRequest(
    (ChatMessage("user", "Hi", pictures=(_DOT,)),), Sampling(max_tokens=1, temperature=0.0), reasoning=False
)
_WITH_REASONING = ChatRequest((ChatMessage("user", "What is 3 + 4?"),), Sampling(max_tokens=32, temperature=0.0))
_PROBES = (_WITH_TOOL, _WITH_BEAMS, _WITH_PICTURE)  # whose refusal is expected
_PROBE = ChatRequest((ChatMessage("user", "Hi"),), Sampling(max_tokens=1, temperature=0.0))


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Timeouts of a request in seconds. `gap` is the longest wait between two reads."""

    connect: float = 3
    first_token: float = 60
    gap: float = 20
    total: float = 600


class OpenAIChat:
    """Chat engine of one server and model. `url` includes `/v1`; `model` "" takes the first that the server lists.
    `reasons` "begun" means that the prompt template already opened the reasoning tag. `resolve` returns the IP
    addresses to connect to for host and port, and raises an exception for a host to which no connection may be made;
    None: any host."""

    def __init__(
        self, url: str, model: str = "", api_key: str = "", tokenizer: str = "",
        connect_s: float = 3, first_token_s: float = 60, gap_s: float = 20, total_s: float = 600, tools: bool = True,
        context_tokens: int = 0, reasons: str = "", breaker: CircuitBreaker | None = None,
        resolve: Callable[[str, int], list[str]] | None = None,
    ) -> None:  # fmt: skip
        self._model = model
        self._key = api_key.strip()
        # A configured key replaces credentials in the address: no request can carry both.
        self._url = (_CREDENTIALS.sub("", url) if self._key else url).rstrip("/")
        self._limits = Timeouts(connect_s, first_token_s, gap_s, total_s)
        self._counter = TokenCounter(tokenizer)
        self._breaker = breaker or CircuitBreaker()
        self._context_tokens = context_tokens  # 0: the server's own value
        self._reasoning_mode = reasons
        self._tools = tools  # tools may be offered
        self._tool_probe = CapabilityProbe(_WITH_TOOL, self.info, self._attempt)
        self._beam_probe = CapabilityProbe(_WITH_BEAMS, self.info, self._attempt)
        self._picture_probe = CapabilityProbe(_WITH_PICTURE, self.info, self._attempt)
        self._resolve = resolve
        self._active_streams = 0  # answers that are being streamed
        self._model_info: tuple[ModelInfo, bool] | None = None

    @property
    def served_name(self) -> str:
        return self._model_info[0].name if self._model_info is not None else self._model

    async def info(self, *, fresh: bool = False) -> ModelInfo:
        return (await self._read_info(fresh=fresh))[0]

    async def supports_tools(self) -> bool:
        return self._tools and await self._tool_probe.is_supported()

    async def supports_beams(self) -> bool:
        return (await self._read_info())[1] and await self._beam_probe.is_supported()

    async def list_models(self) -> list[ModelInfo]:
        """Return the models that the server lists. Raise EngineError."""
        return openai_payloads.parse_models(await self._fetch_models())

    async def detect_abilities(self) -> ModelAbilities:
        """Return what the model can do, by requests of a few tokens that use it. Raise EngineError."""
        reasons = False
        async with aclosing(self._attempt(_WITH_REASONING)) as answer:
            async for item in answer:
                reasons = reasons or (isinstance(item, Delta) and bool(item.reasoning))
        return ModelAbilities(
            tools=await self._tool_probe.is_supported(),
            pictures=await self._picture_probe.is_supported(),
            reasoning=reasons,
        )

    async def probe(self) -> float:
        start = time.perf_counter()
        self._model_info = None  # the server may have restarted with another model
        await self._read_info()
        async with aclosing(self._attempt(_PROBE)) as answer:
            async for _ in answer:
                pass
        self._breaker.success()
        return 1000 * (time.perf_counter() - start)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | Finish, None]:
        if not self._breaker.admits():
            raise EngineUnavailable(AWAY)
        started = False
        for attempt in range(_TRIES):
            try:
                async with aclosing(self._attempt(request)) as answer:
                    async for item in answer:
                        started = True
                        yield item
                self._breaker.success()
                return
            except EngineRefused as error:
                if request.sampling.beams and str(error) == REFUSED:
                    raise EngineRefused(NO_BEAMS) from error
                raise
            except EngineBusy:
                self._breaker.success()  # an answer shows that the server is alive
                if started or attempt == _TRIES - 1:
                    raise
            except (EngineUnavailable, EngineBroken):
                self._model_info = None
                self._breaker.failure()
                raise
            await asyncio.sleep(_PAUSE_S * 2**attempt * _spread.uniform(0.5, 1.5))

    def count(self, texts: Sequence[str]) -> list[int]:
        return self._counter.count(texts)

    async def close(self) -> None:
        """Return at once: every request closes its own connection."""

    async def _read_info(self, *, fresh: bool = False) -> tuple[ModelInfo, bool]:
        if fresh or self._model_info is None:
            info, vllm = openai_payloads.parse_model_info(await self._fetch_models(), self._model)
            window = self._context_tokens or info.context_tokens
            self._model_info = replace(info, context_tokens=window, accepts_all_sampling=vllm), vllm
        return self._model_info

    async def _fetch_models(self) -> bytes:
        async with self._request("GET", "/models", self._limits.gap) as response:
            body = await self._read_body(response)
        if response.status != 200:
            raise _read_error(response, body)
        return body

    async def _attempt(self, request: ChatRequest) -> AsyncGenerator[Delta | Finish, None]:
        """Send one request and yield its answer, without retrying."""
        info, vllm = await self._read_info()
        if request.sampling.beams and not vllm:
            raise EngineRefused(NO_BEAMS)  # another server may draw as many answers and return the first
        began = _now()
        total_deadline, deadline = began + self._limits.total, began + self._limits.first_token
        continues = bool(request.messages) and request.messages[-1].role == "assistant"
        reasoning_open = self._reasoning_mode == "begun" and request.reasoning and not continues
        answer = openai_payloads.StreamAccumulator(thinking=ReasoningTagParser(started=reasoning_open))
        events = openai_payloads.EventReader()
        if request.sampling.beams:
            deadline, answer.stop = total_deadline, request.sampling.stop  # nothing arrives before the search ends
        body = openai_payloads.build_request_body(request, info.name, vllm=vllm)
        self._active_streams += 1
        try:
            async with self._request("POST", "/chat/completions", self._limits.first_token, body) as response:
                await self._expect_stream(response, is_probe=request in _PROBES)
                while not answer.done:
                    chunk = await _read(response, min(deadline, total_deadline), started=answer.size > 0)
                    if not chunk:
                        break
                    delta, error = answer.feed(events.feed(chunk))
                    if delta is not None:
                        yield delta
                        deadline = _now() + self._limits.gap
                    if error is not None:
                        raise error
                    if answer.size and not answer.done:  # words that arrive meanwhile are read together
                        await asyncio.sleep(min(self._active_streams * _REST_S, _LONGEST_REST_S))
            if not answer.done and not answer.reason:
                raise EngineUnavailable(CUT_OFF)
            if (rest := answer.flush()) is not None:
                yield rest
            yield answer.finish()
        finally:
            self._active_streams -= 1

    async def _expect_stream(self, response: aiohttp.ClientResponse, *, is_probe: bool) -> None:
        """Raise the error that the server reports instead of a stream. `is_probe` marks a probe of a feature, whose
        refusal is expected and is not logged."""
        if response.status == 200 and "event-stream" in response.headers.get("Content-Type", ""):
            return
        body = await self._read_body(response)
        error = EngineBroken(UNREADABLE) if response.status == 200 else _read_error(response, body)
        if not is_probe or response.status >= 500:
            log.warning("The model server answered %s.", response.status)
        if isinstance(error, EngineRefused):
            self._model_info = None  # the server may serve another model now
        raise error

    @asynccontextmanager
    async def _request(
        self, method: str, path: str, seconds: float, body: bytes | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request on a connection of its own and yield the response once its head is read, within `seconds`.
        Leaving the context closes the connection, and the server stops generating. Connections are never reused: bytes
        that a server sent unasked would be taken for the next answer."""
        if not self._key.isprintable():
            raise EngineRefused(KEY)
        headers = {"Accept": "text/event-stream" if body else "application/json", "Accept-Encoding": "identity"}
        headers |= {"User-Agent": "openbook"} | ({"Content-Type": "application/json"} if body else {})
        headers |= {"Authorization": f"Bearer {self._key}"} if self._key else {}
        limits = aiohttp.ClientTimeout(total=None, connect=self._limits.connect)
        resolver = _CheckedResolver(self._resolve) if self._resolve is not None else None
        connector = aiohttp.TCPConnector(force_close=True, resolver=resolver)
        async with aiohttp.ClientSession(connector=connector, timeout=limits) as session:
            with _errors(AWAY):
                async with asyncio.timeout(seconds):
                    response = await session.request(
                        method, f"{self._url}{path}", data=body, headers=headers, allow_redirects=False
                    )
            try:
                yield response
            finally:
                response.close()

    async def _read_body(self, response: aiohttp.ClientResponse) -> bytes:
        """Return the body of a short answer, truncated to about a megabyte."""
        body = b""
        with _errors(AWAY):
            async with asyncio.timeout(self._limits.gap):
                while len(body) < _MAX_BODY_BYTES and (chunk := await response.content.readany()):
                    body += chunk
        return body


class _CheckedResolver(AbstractResolver):
    """Resolver of host names that asks the function of the engine, in a thread."""

    def __init__(self, resolve: Callable[[str, int], list[str]]) -> None:
        self._resolve = resolve

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        try:
            ips = await asyncio.get_running_loop().run_in_executor(None, self._resolve, host, port)
        except Exception as error:  # whatever the function refuses with: no connection is made
            raise OSError("this host may not be connected to") from error
        return [
            ResolveResult(
                hostname=host, host=ip, port=port, proto=0, flags=socket.AI_NUMERICHOST,
                family=socket.AF_INET6 if ":" in ip else socket.AF_INET,
            )
            for ip in ips
        ]  # fmt: skip

    async def close(self) -> None:
        """Hold nothing open."""


def _read_error(response: aiohttp.ClientResponse, body: bytes) -> EngineError:
    return error_from_status(response.status, body, response.headers.get("Retry-After"))


async def _read(response: aiohttp.ClientResponse, deadline: float, *, started: bool) -> bytes:
    """Return the next bytes of a body, empty at its end. Raise EngineUnavailable after `deadline`, in seconds of the
    event loop's clock."""
    with _errors(CUT_OFF if started else AWAY):
        async with asyncio.timeout_at(deadline):
            return await response.content.readany()


def _now() -> float:
    return asyncio.get_running_loop().time()


@contextmanager
def _errors(words: str) -> Iterator[None]:
    """Translate network errors into the error tree. `words` is the message of a lost connection."""
    try:
        yield
    except TimeoutError:
        raise EngineUnavailable(SLOW) from None
    except (aiohttp.ClientError, OSError, ValueError):  # a ValueError means an invalid address
        raise EngineUnavailable(words) from None

"""Guard model behind an OpenAI-compatible server (vLLM), asked about texts on which the classifiers are unsure."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Protocol

import httpx2

from apps.engines.classify.guard_formats import FORMATS
from apps.engines.pinned_transport import Resolve, make_client
from apps.engines.types import EngineBroken, EngineBusy, EngineRefused, EngineUnavailable

_LARGEST_ANSWER = 64 * 1024  # bytes; a verdict has a few words
_TOKENS = 400  # gpt-oss-safeguard reasons before its verdict
_CHARACTERS = 20_000  # of the text: the longest question


class GuardEngine(Protocol):
    """Language model that judges texts against the policy. Async, for any event loop."""

    name: str
    fingerprint: str  # of the model's name and its prompt

    async def judge(self, text: str, answer: bool, clauses: Mapping[str, str]) -> Mapping[str, float]:
        """Return by clause code 1.0 (violates) or 0.5 (doubtful); {} means safe. `answer` True: a model wrote the text.

        Raise EngineUnavailable on a timeout or failed server, EngineBusy, EngineRefused, and EngineBroken for output
        outside the format. None of these means safe.
        """


class OpenAIGuard:
    """Guard engine of a remote model. `url` includes `/v1`; `form` is a key of FORMATS. Uses no cookies, redirects or
    proxies, and never logs or shows the server's texts."""

    def __init__(
        self, url: str, model: str, form: str, api_key: str = "", timeout_s: float = 5.0, resolve: Resolve | None = None
    ) -> None:
        if form not in FORMATS:
            raise EngineRefused(f"There is no guard format {form!r}; there are {', '.join(FORMATS)}.")
        self.name = model
        self._url, self._format, self._timeout_s = url.rstrip("/"), FORMATS[form](), timeout_s
        prompts = json.dumps([model, form, self._format.messages("", False, {}), self._format.messages("", True, {})])
        self.fingerprint = f"{form}-{hashlib.sha256(prompts.encode()).hexdigest()[:16]}"
        self._resolve = resolve
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    async def judge(self, text: str, answer: bool, clauses: Mapping[str, str]) -> Mapping[str, float]:
        payload = {
            "model": self.name, "messages": self._format.messages(text[:_CHARACTERS], answer, clauses),
            "temperature": 0, "max_tokens": _TOKENS, "stream": False,
        }  # fmt: skip
        try:
            async with asyncio.timeout(self._timeout_s):
                body = await self._post(payload)
        except TimeoutError as error:
            raise EngineUnavailable("The guard model did not answer in time.") from error
        except httpx2.HTTPError as error:
            raise EngineUnavailable("The guard model does not answer.") from error
        scores = self._format.read(_parse_answer(body))
        if unknown := set(scores) - set(clauses):
            raise EngineBroken(f"The guard model named {len(unknown)} clauses that the policy does not have.")
        return scores

    async def _post(self, payload: dict[str, Any]) -> bytes:
        body = b""
        async with (
            make_client(self._headers, self._timeout_s, self._resolve) as client,
            client.stream("POST", f"{self._url}/chat/completions", json=payload) as response,
        ):
            if response.status_code in (429, 503):
                raise EngineBusy("The guard model is busy.")
            if response.status_code != 200:
                raise EngineUnavailable(f"The guard model failed (status {response.status_code}).")
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > _LARGEST_ANSWER:
                    raise EngineBroken("The guard model's answer is too large.")
        return body


def _parse_answer(body: bytes) -> str:
    try:
        choice = json.loads(body)["choices"][0]
        text, ended = choice["message"]["content"], choice.get("finish_reason")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise EngineBroken("The guard model's answer cannot be read.") from error
    if not isinstance(text, str) or ended == "length":
        raise EngineBroken("The guard model's answer is not whole.")
    return text


class FakeGuard:
    """Guard engine for tests: `a text with {hate}` violates hate, `{hate?}` is doubtful, any other text safe; `{away}`
    and `{broken}` fail."""

    name = fingerprint = "guard-fake"

    async def judge(self, text: str, answer: bool, clauses: Mapping[str, str]) -> Mapping[str, float]:
        if "{away}" in text:
            raise EngineUnavailable("The guard model does not answer.")
        if "{broken}" in text:
            raise EngineBroken("The guard model's answer is not in its format.")
        scores = {code: 1.0 for code in clauses if f"{{{code}}}" in text}
        return scores | {code: 0.5 for code in clauses if f"{{{code}?}}" in text}

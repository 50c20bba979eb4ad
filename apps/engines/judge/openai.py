"""Judge behind a server of the OpenAI protocol (`SUPPORT_URL`)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2

from apps.engines.busy_retries import read_retry_after
from apps.engines.judge.formats import FORMATS
from apps.engines.judge.protocol import JudgedSource, SentenceJudgement
from apps.engines.pinned_transport import Resolve, make_client
from apps.engines.types import EngineBroken, EngineBusy, EngineRefused, EngineUnavailable

_LARGEST_ANSWER = 1024 * 1024  # bytes
_AT_ONCE = 4  # requests to the server, for formats that ask about one sentence at a time


class OpenAIJudge:
    """Judge of a remote model. `url` includes `/v1`; `form` is a key of FORMATS. Uses no cookies, redirects or proxies,
    and never logs or shows the server's texts."""

    def __init__(
        self,
        url: str,
        model: str,
        form: str,
        api_key: str = "",
        timeout_s: float = 10.0,
        resolve: Resolve | None = None,
    ) -> None:
        if form not in FORMATS:
            raise EngineRefused(f"There is no judge format {form!r}; there are {', '.join(FORMATS)}.")
        self.name, self.key, self.timeout_s = model, f"judge {form} {model}", timeout_s
        self._url, self._format = url.rstrip("/"), FORMATS[form]()
        self._resolve = resolve
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    async def judge(self, sources: Sequence[JudgedSource], sentences: Sequence[str]) -> Mapping[int, SentenceJudgement]:
        requests = self._format.build_requests(self.name, sources, sentences)
        at_once = asyncio.Semaphore(_AT_ONCE)
        try:
            async with (
                asyncio.timeout(self.timeout_s),
                make_client(self._headers, self.timeout_s, self._resolve) as client,
            ):
                choices = await asyncio.gather(*(self._ask(client, fields, at_once) for fields in requests))
        except TimeoutError as error:
            raise EngineUnavailable("The judge did not answer in time.") from error
        except httpx2.HTTPError as error:
            raise EngineUnavailable("The judge does not answer.") from error
        return self._format.read(choices, len(sentences))

    async def _ask(
        self, client: httpx2.AsyncClient, fields: Mapping[str, Any], at_once: asyncio.Semaphore
    ) -> Mapping[str, Any]:
        payload = {"model": self.name, "temperature": 0, "stream": False, **fields}
        body = b""
        async with at_once, client.stream("POST", f"{self._url}/chat/completions", json=payload) as response:
            if response.status_code in (429, 503):
                raise EngineBusy("The judge is busy.", read_retry_after(response.headers.get("Retry-After")))
            if 400 <= response.status_code < 500:
                raise EngineRefused(f"The judge refused the request (status {response.status_code}).")
            if response.status_code != 200:
                raise EngineUnavailable(f"The judge failed (status {response.status_code}).")
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > _LARGEST_ANSWER:
                    raise EngineBroken("The judge's answer is too large.")
        return _parse_choice(body)


def _parse_choice(body: bytes) -> Mapping[str, Any]:
    try:
        choice = json.loads(body)["choices"][0]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise EngineBroken("The judge's answer cannot be read.") from error
    if not isinstance(choice, dict):
        raise EngineBroken("The judge's answer cannot be read.")
    return choice

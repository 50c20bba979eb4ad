"""Detection of a feature of a model server by a request of one token that uses it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from apps.engines.types import (
    ChatRequest,
    Delta,
    EngineBroken,
    EngineBusy,
    EngineRefused,
    EngineUnavailable,
    Finish,
    ModelInfo,
)

_AGAIN_S = 60.0  # until a server that gave no verdict is asked again

Attempt = Callable[[ChatRequest], AsyncGenerator[Delta | Finish, None]]


class CapabilityProbe:
    """Cached answer to whether the server's model supports a feature. `feature_request` is accepted only by a
    server with the feature."""

    def __init__(
        self, feature_request: ChatRequest, info: Callable[[], Awaitable[ModelInfo]], attempt: Attempt
    ) -> None:
        self._feature_request, self._info, self._attempt = feature_request, info, attempt
        self._supported: dict[str, bool] = {}  # by the model that was asked
        self._retry_at = 0.0
        self._probing: asyncio.Task[None] | None = None

    async def is_supported(self) -> bool:
        """Return whether the model served now has the feature; False for a minute after a server gave no verdict. Raise
        EngineUnavailable while the server cannot be reached."""
        if time.monotonic() < self._retry_at:
            return False
        model = (await self._info()).name
        if model not in self._supported:  # concurrent callers share one request
            loop, probing = asyncio.get_running_loop(), self._probing
            if probing is None or probing.done() or probing.get_loop() is not loop:
                probing = self._probing = loop.create_task(self._probe(model))
            await asyncio.shield(probing)
        return self._supported.get(model, False)

    async def _probe(self, model: str) -> None:
        """Store whether the model has the feature. The first item of its answer is enough."""
        try:
            async with aclosing(self._attempt(self._feature_request)) as answer:
                async for _ in answer:
                    break
            self._supported[model] = True
        except EngineRefused:  # vLLM refuses tools this way without --enable-auto-tool-choice
            self._supported[model] = False
        except (EngineBroken, EngineBusy, EngineUnavailable):
            self._retry_at = time.monotonic() + _AGAIN_S

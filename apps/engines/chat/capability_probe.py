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
    """Cached answer to whether the server's model supports a feature. `wanting` is a request that only a server with
    the feature accepts."""

    def __init__(self, wanting: ChatRequest, info: Callable[[], Awaitable[ModelInfo]], attempt: Attempt) -> None:
        self._wanting, self._info, self._attempt = wanting, info, attempt
        self._has: dict[str, bool] = {}  # by the model that was asked
        self._later = 0.0
        self._asking: asyncio.Task[None] | None = None

    async def has(self) -> bool:
        """Return whether the model served now has the feature; False for a minute after a server gave no verdict. Raise
        EngineUnavailable while the server cannot be reached."""
        if time.monotonic() < self._later:
            return False
        model = (await self._info()).name
        if model not in self._has:  # concurrent callers share one request
            loop, asking = asyncio.get_running_loop(), self._asking
            if asking is None or asking.done() or asking.get_loop() is not loop:
                asking = self._asking = loop.create_task(self._ask(model))
            await asyncio.shield(asking)
        return self._has.get(model, False)

    async def _ask(self, model: str) -> None:
        """Store whether the model has the feature. The first item of its answer is enough."""
        try:
            async with aclosing(self._attempt(self._wanting)) as answer:
                async for _ in answer:
                    break
            self._has[model] = True
        except EngineRefused:  # vLLM refuses tools this way without --enable-auto-tool-choice
            self._has[model] = False
        except (EngineBroken, EngineBusy, EngineUnavailable):
            self._later = time.monotonic() + _AGAIN_S

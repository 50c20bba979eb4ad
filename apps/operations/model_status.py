"""Status of the chat model: warm once it has written a token since this process started."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from apps.engines import registry
from apps.engines.types import EngineError

WARMING_S = 300  # a model server that starts on the CPU takes 30 to 60 s; after this it counts as away
_PAUSE_S = 2.0  # seconds between two probes, however many pages ask
_PATIENCE_S = 10.0


@dataclass(slots=True)
class _WarmUpState:
    started: float
    warm: bool = False
    asked: float = float("-inf")


_state = _WarmUpState(time.monotonic())


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """Status of the chat model. `away`: it has not answered within WARMING_S."""

    warm: bool
    away: bool


def reset_model_status() -> None:
    """Forget the status, so that the next call probes again. For tests."""
    _state.started, _state.warm, _state.asked = time.monotonic(), False, float("-inf")


async def get_model_status() -> ModelStatus:
    """Return the status. Probes the model at most every `_PAUSE_S`, and never again once it has answered."""
    now = time.monotonic()
    if not _state.warm and now - _state.asked >= _PAUSE_S:
        _state.asked = now
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await registry.get_chat_engine().probe()
            _state.warm = True
        except (EngineError, TimeoutError):
            pass
    return ModelStatus(_state.warm, not _state.warm and now - _state.started > WARMING_S)

"""Whether the model is warm: it has written a real token since this process started."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from apps.engines import registry
from apps.engines.types import EngineError

WARMING_S = 300  # a model server that starts on the CPU takes 30 to 60 s; later than this it is away
_PAUSE_S = 2.0  # between two probes, however many pages ask
_PATIENCE_S = 10.0


@dataclass(slots=True)
class _WarmUpState:
    started: float
    warm: bool = False
    asked: float = float("-inf")


_state = _WarmUpState(time.monotonic())


@dataclass(frozen=True, slots=True)
class ModelStatus:
    warm: bool
    away: bool  # it should have been warm long since


def reset_model_status() -> None:
    """The next question probes again (tests)."""
    _state.started, _state.warm, _state.asked = time.monotonic(), False, float("-inf")


async def get_model_status() -> ModelStatus:
    """Asks the model at most every two seconds, and never again once it has answered."""
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

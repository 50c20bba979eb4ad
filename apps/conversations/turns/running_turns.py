"""Turns that run in this process, of pages, temporary chats and the API.

They are counted while they run and measured when they end.

Entry points: `track_turn`, `count_running`, `require_accepting`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from apps.conversations.errors import ServerRestarting
from apps.conversations.turns.state import Turn
from apps.engines.types import EngineError
from apps.lib import draining, metrics
from apps.safety.gate.gate import Withheld

_running: set[int] = set()  # ids of the tracked turns' objects


@dataclass(slots=True)
class TrackedTurn:
    """Turn while it runs. `outcome` is a status of `Message`; None: decided by how the block ends."""

    outcome: str | None = None


@contextmanager
def track_turn(turn: Turn, surface: Literal["chat", "temporary", "api"]) -> Iterator[TrackedTurn]:
    """Count the turn as running during the block; afterwards record its outcome, seconds and tokens.

    Without an outcome of the caller, a block that is cancelled or closed counts as stopped, one that raises as withheld
    or failed, any other as complete.
    """
    tracked = TrackedTurn()
    _running.add(id(turn))
    metrics.TURNS_RUNNING.set(len(_running))
    try:
        yield tracked
    except (GeneratorExit, asyncio.CancelledError):
        tracked.outcome = tracked.outcome or "stopped"
        raise
    except Withheld:
        tracked.outcome = tracked.outcome or "withheld"
        raise
    except BaseException as error:
        if isinstance(error, EngineError):
            metrics.ENGINE_ERRORS.labels(type(error).__name__).inc()
        tracked.outcome = tracked.outcome or "failed"
        raise
    finally:
        _running.discard(id(turn))
        _record_end(turn, surface, tracked.outcome or "complete")


def require_accepting() -> None:
    """Raise ServerRestarting while this process drains."""
    if draining.is_draining():
        raise ServerRestarting


def count_running() -> int:
    """Return the number of turns that run in this process."""
    return len(_running)


def _record_end(turn: Turn, surface: str, outcome: str) -> None:
    metrics.TURNS_RUNNING.set(len(_running))
    metrics.TURNS.labels(surface, outcome).inc()
    metrics.TURN_SECONDS.observe(turn.progress.elapsed_ms / 1000)
    metrics.TOKENS.inc(turn.tokens_used)
    if (first := turn.progress.timings.get("first_token")) is not None:
        metrics.FIRST_TOKEN_SECONDS.observe(first / 1000)

"""Ask a server again that says it is busy, for work that nobody waits for: a model that is measured.

A hosted server answers 429 to dozens of requests in a row. A question of a user is not asked this way: it is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from apps.engines.types import EngineBusy

T = TypeVar("T")

PATIENCE_S = 300.0  # seconds of waiting for one answer, in all
_FIRST_WAIT_S, _MAX_WAIT_S = 2.0, 60.0


async def ask_patiently(ask: Callable[[], Awaitable[T]], patience_s: float = PATIENCE_S) -> T:
    """Return the answer, asked again while the server is busy: after as long as it says, else ever later.

    Raise EngineBusy once the waiting would take more than `patience_s` seconds in all; other errors at once.
    """
    waited, wait = 0.0, _FIRST_WAIT_S
    while True:
        try:
            return await ask()
        except EngineBusy as error:
            pause = wait if error.retry_after_s is None else max(error.retry_after_s, _FIRST_WAIT_S)
            if waited + pause > patience_s:
                raise
        await asyncio.sleep(pause)
        waited, wait = waited + pause, min(2 * wait, _MAX_WAIT_S)


def read_retry_after(header: str | None) -> float | None:
    """Return the seconds that a header Retry-After states; None without one, or for a date, which clocks may doubt."""
    return float(header) if header is not None and header.isascii() and header.isdigit() else None

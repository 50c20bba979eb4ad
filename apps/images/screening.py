"""The gate for the words of a picture, from code that does not run in a loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from apps.safety import gate, policies
from apps.safety.check import ALLOWED, Verdict
from apps.safety.levels import Level
from apps.safety.recorded import Surface, at


def judged(texts: Iterable[str], level: Level = Level.SITE) -> Verdict:
    """Of the first text from which nothing may be drawn; allowed where there is none. Only for threads without a
    running loop."""
    if policies.stale():
        policies.refresh()
    with at(Surface.PICTURES):
        verdicts = (asyncio.run(gate.check_question(text, level=level)) for text in texts if text)
        return next((verdict for verdict in verdicts if not verdict.allowed), ALLOWED)

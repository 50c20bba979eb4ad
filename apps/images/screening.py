"""The gate for the words of a picture, from code that does not run in a loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from apps.images import names
from apps.safety import gate, policies, shadowing
from apps.safety.check import ALLOWED, Verdict
from apps.safety.levels import Level
from apps.safety.pictures import check_words
from apps.safety.recorded import Surface, at


def judged(texts: Sequence[str], level: Level = Level.SITE) -> Verdict:
    """Of the first text from which nothing may be drawn; allowed where there is none. Only for threads without a
    running loop."""
    if policies.stale():
        policies.refresh()
    with at(Surface.PICTURES):
        verdicts = (asyncio.run(gate.check_question(text, level=level)) for text in texts if text)
        said = next((verdict for verdict in verdicts if not verdict.allowed), ALLOWED)
    found = listed(texts, level) if said.allowed else said
    shadowing.write()  # what the gate left for later would wait for a loop that is over
    return found


def listed(texts: Sequence[str], level: Level = Level.SITE) -> Verdict:
    """Likewise, of what lists of the site's own say of words to draw from."""
    names.adopt()
    verdicts = (check_words(text, level=level) for text in texts if text)
    return next((verdict for verdict in verdicts if not verdict.allowed), ALLOWED)

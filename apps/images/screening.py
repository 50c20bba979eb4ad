"""The gate for the words of a picture, from code that does not run in a loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from apps.images import names
from apps.safety import gate, policies, shadowing
from apps.safety.check import Verdict, strictest
from apps.safety.levels import Level
from apps.safety.pictures import check_words
from apps.safety.recorded import Surface, at


def judged(texts: Sequence[str], level: Level = Level.SITE) -> Verdict:
    """Return the strictest verdict on words to draw from, by the checks and by the lists of the site. Call from a
    thread without a running loop."""
    policies.fresh()
    with at(Surface.PICTURES):
        said = strictest(asyncio.run(gate.check_question(text, level=level)) for text in texts if text)
    found = strictest([said, listed(texts, level)]) if said.allowed else said
    shadowing.write()  # what the gate left for later would wait for a loop that is over
    return found


def listed(texts: Sequence[str], level: Level = Level.SITE) -> Verdict:
    """Return what lists of the site's own say of words to draw from. Call from a thread that may use the database."""
    names.adopt()
    return strictest(check_words(text, level=level) for text in texts if text)

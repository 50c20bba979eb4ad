"""Moderate prompts of pictures from synchronous code."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from apps.images.moderation import blocked_names
from apps.safety.gate import gate
from apps.safety.gate.pictures import check_picture_prompt
from apps.safety.models.strictness import Strictness
from apps.safety.models.verdict_log import Surface
from apps.safety.policy import versions
from apps.safety.policy.verdicts import Verdict, strictest_verdict
from apps.safety.verdict_log import shadow
from apps.safety.verdict_log.recorder import use_surface


def check_prompts(texts: Sequence[str], level: Strictness = Strictness.SITE) -> Verdict:
    """Return the strictest verdict on the texts, by the gate and the site's blocklists.

    Call from a thread without a running event loop that may use the database.
    """
    versions.load_fresh_policy()
    with use_surface(Surface.PICTURES):
        verdict = strictest_verdict(asyncio.run(gate.check_question(text, level=level)) for text in texts if text)
    if verdict.allowed:
        verdict = strictest_verdict([verdict, match_blocklists(texts, level)])
    shadow.write_verdicts()  # written now: the event loop of the gate's deferred writes has ended
    return verdict


def match_blocklists(texts: Sequence[str], level: Strictness = Strictness.SITE) -> Verdict:
    """Return the strictest verdict of the site's blocklists on the texts. Call from a thread that may use the
    database."""
    blocked_names.adopt_names()
    return strictest_verdict(check_picture_prompt(text, level=level) for text in texts if text)

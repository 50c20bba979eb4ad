"""Verbs that seed the pictured site; see `tests/journeys/seeding.py`."""

from __future__ import annotations

from tests.journeys.seeding import Verb


def verbs() -> tuple[Verb, ...]:
    """Return the functions that can be called by name."""
    from tests.pictured import cases, content, conversations

    return (
        content.people,
        content.library,
        content.habits,
        content.helpers,
        content.golden,
        cases.review,
        conversations.tidy,
    )

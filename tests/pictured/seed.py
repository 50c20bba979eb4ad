"""Verbs that seed the pictured site; see `tests/journeys/seeding.py`."""

from __future__ import annotations

from tests.journeys.seeding import Verb


def verbs() -> tuple[Verb, ...]:
    """Return the functions that can be called by name."""
    from tests.pictured import place, reviewed, talked

    return (place.people, place.library, place.habits, place.helpers, place.golden, reviewed.review, talked.tidy)

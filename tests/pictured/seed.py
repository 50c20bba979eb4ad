"""What fills the data of the pictured site, by verb, where Django is set up (`tests/journeys/seeding.py`)."""

from __future__ import annotations

from tests.journeys.seeding import Verb


def verbs() -> tuple[Verb, ...]:
    from tests.pictured import place, reviewed, talked

    return (place.people, place.library, place.habits, place.helpers, place.golden, reviewed.review, talked.tidy)

"""What travels of an event: the bytes that its fields make as one JSON object."""

from __future__ import annotations

import pytest
from orjson import dumps

from apps.conversations.core.events import Cited, Closed, Event, Opened, Step, Text, VerifiedOnly, encode_event
from apps.conversations.models import Message


@pytest.mark.parametrize(
    "event",
    [
        Opened("c", "q", "<p>Wie groß? 😀</p>"),
        Step("search", 'Searched "all" \\ \u2028'),
        Step("search", "Searched", 7.4),
        Text(0, 12, "next words</p>"),
        Cited(0, "supported", "", (0, 1)),
        VerifiedOnly("The model is writing."),
        Closed(Message.Status.COMPLETE, "<p>x</p>", can_continue=True),
    ],
    ids=lambda event: type(event).__name__,
)
def test_an_event_is_its_type_its_fields_and_what_travels_with_it_in_order(event: Event) -> None:
    fields = {name: getattr(event, name) for name in type(event).__dataclass_fields__}
    named = {"type": type(event).__name__.lower(), **fields}
    assert encode_event(event) == dumps(named)
    assert encode_event(event, turn="t", seq=3) == dumps({**named, "turn": "t", "seq": 3})

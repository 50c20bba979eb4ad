"""What travels of an event: the bytes that its fields make as one JSON object."""

from __future__ import annotations

import pytest
from orjson import dumps

from apps.conversations.core.events import (
    Cited,
    Closed,
    Event,
    Opened,
    Retracted,
    Step,
    Text,
    VerifiedOnly,
    encode_event,
    is_last_event,
)
from apps.conversations.models import Message


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("opened", Opened("c", "q", "<p>Wie groß? 😀</p>")),
        ("step", Step("search", 'Searched "all" \\ \u2028')),
        ("step", Step("search", "Searched", 7.4)),
        ("text", Text(0, 12, "next words</p>")),
        ("cited", Cited(0, "supported", "", (0, 1))),
        ("folds", VerifiedOnly("The model is writing.")),
        ("closed", Closed(Message.Status.COMPLETE, "<p>x</p>", can_continue=True)),
    ],
)
def test_an_event_is_its_type_its_fields_and_what_travels_with_it_in_order(kind: str, event: Event) -> None:
    fields = {name: getattr(event, name) for name in type(event).__dataclass_fields__}
    named = {"type": kind, **fields}
    assert encode_event(event) == dumps(named)
    assert encode_event(event, turn="t", seq=3) == dumps({**named, "turn": "t", "seq": 3})


def test_last_event_of_a_turn_is_its_end_or_a_retraction() -> None:
    last = [Closed(Message.Status.COMPLETE, ""), Retracted("Withheld.")]
    assert all(is_last_event(encode_event(event, turn="t")) for event in last)
    assert not is_last_event(encode_event(Text(0, 0, '{"type":"closed"'), turn="t"))

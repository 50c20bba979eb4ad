"""The events of a turn, in the order in which a client may see them. The type is the class name in lower case.

A client that has seen events 1..n knows the whole answer so far; `encode` is what travels and what the turn log keeps.
HTML in an event was made by `render.py` and is inserted as it is.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Opened:
    """The question is kept and the turn runs."""

    conversation: str
    question: str  # message id
    question_html: str


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the steps: what is being done ("search", "read", "wait", "write", "verify"), in words, with its time."""

    name: str
    words: str
    ms: float | None = None  # None while it runs


@dataclass(frozen=True, slots=True)
class Sources:
    """The passages given to the model, ready to show below the answer."""

    html: str
    count: int


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing relevant was found: what was searched, and what can be done."""

    html: str


@dataclass(frozen=True, slots=True)
class Quotes:
    """The sentences of the passages that answer best, quoted and cited; shown before the model's own words."""

    html: str


@dataclass(frozen=True, slots=True)
class Text:
    """Block `block` of the answer now is its first `keep` characters of HTML followed by `html`."""

    block: int
    keep: int
    html: str


@dataclass(frozen=True, slots=True)
class Cited:
    """Sentence `sentence` has been verified: `html` are its pills; `supported` is False where no passage supports it."""

    sentence: int
    supported: bool
    html: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The model server is away; the question is kept and the turn goes on by itself when it is back."""

    words: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The end, always the last event. `html` is the finished answer as a reload would show it."""

    status: str  # Message.Status
    html: str
    reason: str = ""


Event = Opened | Step | Sources | Nothing | Quotes | Text | Cited | Waiting | Closed


def encode(event: Event, **also: Any) -> bytes:
    """JSON of the event with its `type`, and whatever else travels with it."""
    return orjson.dumps({"type": type(event).__name__.lower(), **asdict(event), **also})


@dataclass(slots=True)
class Transcript:
    """What a client holds after a run of events; the tests and the bench use it as the model of a client."""

    blocks: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def apply(self, data: bytes) -> None:
        event = orjson.loads(data)
        self.events.append(event)
        if event["type"] == "text":
            while len(self.blocks) <= event["block"]:
                self.blocks.append("")
            self.blocks[event["block"]] = self.blocks[event["block"]][: event["keep"]] + event["html"]

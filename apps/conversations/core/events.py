"""Events of a turn, as they are logged and sent to clients. The type is the class name in lower case, or in `_TYPES`.

A client that has received events 1..n has the whole answer so far. `encode_event` makes the bytes that are logged and
sent. HTML is rendered on the server and inserted as it is. Every event is one JSON object with `type`, `turn` (the id
of the answer and its turn), `seq` (1, 2, 3 … without gaps) and the fields of its class:

    {"type": "text", "turn": "…", "seq": 7, "block": 0, "keep": 12, "html": "next words</p>"}

Usual orders:

- pictures: opened, pictures, step(draw), closed
- nothing found: opened, step(search), nothing, sources (if some passages are near), closed
- answer: opened, step(search), step(write), folds (if only verified sentences are shown), sources, quotes (style
  "quotes" only), text and cited in turn, step(verify), sources, closed

`tool` and further `sources` are sent whenever a call begins, asks or ends; first of all if the user called the tool.
`waiting` may be sent while the model is awaited; the next event of another type ends it. Only `retracted` may follow
`closed`, once a reviewer withholds the answer: the log then holds that event only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Opened:
    """Event: the question is stored and the turn runs."""

    conversation: str
    question: str  # id of its message
    question_html: str
    grounded: bool = True  # False: the answer is written without documents, and nothing in it is checked


@dataclass(frozen=True, slots=True)
class Step:
    """Event: a line of the steps says what is being done, with its duration.

    `name` is "wait", "see", "read", "search", "think", "draw", "write", "verify" or "label"; or a condition of the
    answer: "collections", "window", "assistant", "model", "inside", "personal". The client keeps one line per name,
    which later events replace.
    """

    name: str
    text: str
    ms: float | None = None  # None while it runs


@dataclass(frozen=True, slots=True)
class Sources:
    """Event: the passages given to the model, rendered for below the answer
    (`conversations/evidence/_source_list.html`).

    Sent when the search is done, and again just before `closed`, divided into "Used in this answer" and "Also
    retrieved". The last one replaces earlier ones.
    """

    html: str
    count: int


@dataclass(frozen=True, slots=True)
class NothingFound:
    """Event: nothing relevant was found.

    The HTML says what was searched and what can be done (`conversations/evidence/_nothing_found.html`).
    """

    html: str


@dataclass(frozen=True, slots=True)
class Quotes:
    """Event: the best sentences of the passages, quoted and cited before the model's own words.

    Rendered from `conversations/evidence/_quotes.html`; sent before the first `text`.
    """

    html: str


@dataclass(frozen=True, slots=True)
class VerifiedOnly:
    """Event: only verified sentences are shown, each once `Cited` names it; `Closed` holds the others, collapsed.

    Sent before the first `text`, if at all. `text` stands below the answer while it is written.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Tool:
    """Event: the card of a tool call in its present state, which replaces the call's earlier card.

    Rendered from `conversations/tools/_call_card.html`.
    """

    call: str  # "1", "2" … in the answer
    html: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """Event: a piece of the model's reasoning, as plain text from character `start` on. Not part of the answer."""

    start: int
    text: str


@dataclass(frozen=True, slots=True)
class ContextGauge:
    """Event: the context gauge of the composer (`conversations/composer/_context_usage.html`)."""

    html: str


@dataclass(frozen=True, slots=True)
class Text:
    """Event: block `block` of the answer now is its first `keep` characters of HTML, followed by `html`."""

    block: int
    keep: int
    html: str


@dataclass(frozen=True, slots=True)
class Pictures:
    """Event: tiles of requested pictures, which the client refreshes while a picture is being drawn.

    Rendered from `conversations/turn/_pictures.html`.
    """

    html: str


@dataclass(frozen=True, slots=True)
class Cited:
    """Event: `sentence` was verified, and `html` holds its citation marks; a later one replaces them.

    `state` is "quoted", "supported", "unverified", "contradicted", or "" if the sentence states nothing. `revealed` are
    the sentences that appear now, if only verified ones are shown.
    """

    sentence: int
    state: str  # SentenceState
    html: str
    revealed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """Event: the model server is unreachable or busy; the turn continues by itself once it is back."""

    text: str


@dataclass(frozen=True, slots=True)
class Closed:
    """Event: the end of the turn. `html` is the finished answer as a reload shows it.

    The HTML holds the blocks of the answer only; quotes, sources and the notice of `nothing` stay on the page. `status`
    is "complete", "stopped", "withheld", "failed" or "interrupted". `reason` is a sentence for the user if the answer
    did not end by itself.
    """

    status: str  # Message.Status
    html: str
    reason: str = ""
    can_continue: bool = False  # the answer is unfinished
    mostly_unsupported: bool = False  # most of its statements have no source
    notice_html: str = ""  # notice of what was withheld; "" if nothing was
    only_quotes: bool = False  # quotes are the answer, and no model wrote


@dataclass(frozen=True, slots=True)
class Retracted:
    """Event: a reviewer withheld the answer. The turn log then holds this event only.

    Its `seq` is higher than all before, so a client that resumes from any position receives it.
    """

    reason: str  # sentence for the user, with the clause
    question: bool = False  # the question is withheld too


Event = (
    Opened | Step | Sources | NothingFound | Quotes | VerifiedOnly | Tool | Reasoning | ContextGauge | Text | Pictures
    | Cited | Waiting | Closed | Retracted
)  # fmt: skip
# Types of events whose class has another name: pages, and logs of running turns, know these.
_TYPES: dict[type, str] = {NothingFound: "nothing", VerifiedOnly: "folds", ContextGauge: "window"}
_LAST_TYPES = {"closed", "retracted"}


def is_last_event(data: bytes) -> bool:
    """Return whether the encoded event is the last of its turn: the turn ended, or a reviewer withheld it."""
    return orjson.loads(data).get("type") in _LAST_TYPES


def encode_event(event: Event, **also: Any) -> bytes:
    """Return the event as JSON with its `type` and further values (`turn`), as it is logged and sent."""
    kind = _TYPES.get(type(event)) or type(event).__name__.lower()
    named = b'{"type":"%b",%b' % (kind.encode(), orjson.dumps(event)[1:])
    return b"%b,%b" % (named[:-1], orjson.dumps(also)[1:]) if also else named

"""The events of a turn, in the order in which a client may see them. The type is the class name in lower case.

A client that has seen events 1..n knows the whole answer so far; `encode` is what travels and what the turn log keeps.
HTML in an event was made on the server and is inserted as it is. Every event is one JSON object with `type`, `turn`
(the answer's id, also the turn's), `seq` (1, 2, 3 … without gaps) and the fields of its class:

    {"type": "opened", "turn": "…", "seq": 1, "conversation": "…", "question": "…", "question_html": "<p>…</p>",
     "grounded": true}
    {"type": "step", …, "name": "search", "words": "Searched 3 collections", "ms": 7.4}
    {"type": "sources", …, "html": "<section …>", "count": 4}
    {"type": "quotes", …, "html": "<figure …>"}
    {"type": "folds", …, "words": "The model is writing. …"}
    {"type": "tool", …, "call": "1", "html": "<section …>"}
    {"type": "text", …, "block": 0, "keep": 12, "html": "next words</p>"}
    {"type": "pictures", …, "html": "<section …>"}
    {"type": "cited", …, "sentence": 0, "state": "supported", "html": "<a class=\"pill\" …>1</a>", "shown": [0]}
    {"type": "waiting", …, "words": "The model server does not answer. …"}
    {"type": "nothing", …, "html": "<div …>"}
    {"type": "closed", …, "status": "complete", "html": "<p>…</p>", "reason": "", "more": false,
     "weak": false}
    {"type": "retracted", …, "reason": "A reviewer withheld this. …", "question": false}

Orders that happen: opened, pictures, step(draw), closed; or opened, step(search), then either nothing (with
sources, where some passages come near), closed, or
step(write), folds (where only verified sentences are shown), sources, quotes (style "quotes" only), text and cited in
turn, step(verify), sources, closed. `tool` and further `sources` come among them whenever a call begins, asks, or ends;
where a person calls a tool, before all others.
A `waiting` may come wherever the model is awaited and ends with the next event of another type. After `closed` nothing
follows, but for `retracted`, whenever a reviewer withholds the answer: then nothing of it was ever there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Opened:
    """The question is kept and the turn runs."""

    conversation: str
    question: str  # message id
    question_html: str
    grounded: bool = True  # False: the answer is written without documents, and nothing in it is checked


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the steps: what is being done, in words, with its time.

    `name` is "wait", "see", "read", "search", "think", "draw", "write", "verify" or "label", or what the answer was
    made with or without: "window", "assistant", "model", "personal". A client keeps one line a name, and a later event
    replaces it ("wait" comes again while the place in the queue or the number of unread files changes).
    """

    name: str
    words: str
    ms: float | None = None  # None while it runs


@dataclass(frozen=True, slots=True)
class Sources:
    """The passages given to the model, ready to show below the answer.

    Comes when the search is done (all as "retrieved") and again just before `closed`, parted into "Used in this answer"
    and "Also retrieved": the last one is shown. Rendered from `conversations/evidence/_source_list.html`.
    """

    html: str
    count: int


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing relevant was found: what was searched, and what can be done.

    Rendered from `conversations/evidence/_nothing_found.html`.
    """

    html: str


@dataclass(frozen=True, slots=True)
class Quotes:
    """The sentences of the passages that answer best, quoted and cited; shown before the model's own words.

    Rendered from `conversations/evidence/_quotes.html`; comes before the first `text`.
    """

    html: str


@dataclass(frozen=True, slots=True)
class Folds:
    """Only verified sentences are shown, each as soon as `Cited` names it; the others are folded in `Closed`.

    Comes before the first `text`, if at all. `words` stand below the answer while it is written.
    """

    words: str


@dataclass(frozen=True, slots=True)
class Tool:
    """The call of a tool as it now is: its card, which takes the place of that call's card. From
    `conversations/tools/_call_card.html`."""

    call: str  # "1", "2" … in the answer
    html: str


@dataclass(frozen=True, slots=True)
class Thought:
    """What the model thinks before it answers goes on, from that character on. Plain text, never part of the answer."""

    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Window:
    """Share of the model's context window that the turn takes, for the gauge of the composer.

    Rendered from `conversations/composer/_context_usage.html`.
    """

    html: str


@dataclass(frozen=True, slots=True)
class Text:
    """Block `block` of the answer now is its first `keep` characters of HTML followed by `html`."""

    block: int
    keep: int
    html: str


@dataclass(frozen=True, slots=True)
class Pictures:
    """The tiles of pictures that were asked for, which from then on are fetched again while one is being drawn.

    Rendered from `conversations/turn/_pictures.html`.
    """

    html: str


@dataclass(frozen=True, slots=True)
class Cited:
    """`sentence` has been checked: `html` are its pills. `state` is "quoted", "supported", "unverified", or "" where it
    states nothing. `shown` are the sentences that appear now, where only verified ones are shown."""

    sentence: int
    state: str  # SentenceState
    html: str
    shown: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """The model server is away; the question is kept and the turn goes on by itself when it is back."""

    words: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The end, always the last event. `html` is the finished answer as a reload would show it.

    It holds the answer's blocks only: quotes, sources and the notice of `_nothing_found.html` stay as they are.

    `status` is "complete", "stopped", "withheld", "failed" or "interrupted"; `reason` is a sentence for the reader
    where the answer did not end by itself.
    """

    status: str  # Message.Status
    html: str
    reason: str = ""
    more: bool = False  # the answer is unfinished, and the model could write on
    weak: bool = False  # most of what it states has no source
    ended_html: str = ""  # what was withheld, and what can be done; empty where nothing was


@dataclass(frozen=True, slots=True)
class Retracted:
    """A reviewer withheld the answer: its words are gone from the log, and this stands in their place, the last event.

    Its number is higher than all before it, so whoever comes back from any of them gets it, and it alone.
    """

    reason: str  # for the reader: the clause
    question: bool = False  # the question is withheld too


Event = (
    Opened | Step | Sources | Nothing | Quotes | Folds | Tool | Thought | Window | Text | Pictures | Cited | Waiting
    | Closed | Retracted
)  # fmt: skip


def encode_event(event: Event, **also: Any) -> bytes:
    """JSON of the event with its `type`, and whatever else travels with it."""
    named = b'{"type":"%b",%b' % (type(event).__name__.lower().encode(), orjson.dumps(event)[1:])
    return b"%b,%b" % (named[:-1], orjson.dumps(also)[1:]) if also else named


@dataclass(slots=True)
class ClientTranscript:
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

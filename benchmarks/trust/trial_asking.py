"""Client of the trial: asks each question over the product's WebSocket, like a page, and records what is shown."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp
from lxml import html as markup

from benchmarks.lib import site as _site
from benchmarks.trust.trial_questions import Question

URL = "http://localhost:8000"  # address of the site for its own pages, whatever the port
PILLED = ("quoted", "supported")
TURN_S = 600.0  # seconds after which a turn is stopped; it counts with what it has shown


@dataclass(slots=True)
class ShownSentence:
    """Numbered sentence of an answer as the page shows it.

    `state` is "quoted", "supported", "unverified", or "" for a sentence that states nothing. `folded`: the user must
    unfold something to see it.
    """

    number: int
    text: str
    state: str
    folded: bool

    @property
    def pill(self) -> bool:
        """True if a source, or the result of a tool, is named behind the sentence."""
        return self.state in PILLED


@dataclass(slots=True)
class ShownAnswer:
    """Everything that the page showed for one question. Seconds count from the ask; None if it never came."""

    id: str
    answer: str = ""
    conversation: str = ""
    quotes: list[str] = field(default_factory=list)
    quotes_s: float | None = None
    whole_s: float = 0.0
    nothing: bool = False
    status: str = ""
    sentences: list[ShownSentence] = field(default_factory=list)
    words: str = ""  # visible text of the answer and of tool cards
    steps: list[str] = field(default_factory=list)


async def ask_questions(questions: Sequence[Question], session: str, port: int, at_once: int = 1) -> list[ShownAnswer]:
    """Return what was shown for each question, in order. Follow-ups are asked in the conversation of the question that
    they follow; `at_once` conversations run side by side."""
    chains: dict[str, list[Question]] = {}
    for question in questions:
        chains.setdefault(question.root, []).append(question)
    waiting, shown = list(reversed(chains.values())), list[ShownAnswer]()

    async def work() -> None:
        async with aiohttp.ClientSession() as http, _connect(http, session, port) as wire:
            while waiting:
                conversation = None
                for question in waiting.pop():
                    seen = await _ask(wire, question, conversation)
                    conversation = seen.conversation
                    shown.append(seen)
                    _tell(len(shown), len(questions), seen)

    await asyncio.gather(*(work() for _ in range(at_once)))
    order = {question.id: place for place, question in enumerate(questions)}
    return sorted(shown, key=lambda seen: order[seen.id])


def _connect(http: aiohttp.ClientSession, session: str, port: int) -> Any:
    address = f"ws://localhost:{port}/ws/chat/"
    return http.ws_connect(address, headers=_site.build_session_headers(URL, session), max_msg_size=0, heartbeat=None)


async def _ask(wire: Any, question: Question, conversation: str | None) -> ShownAnswer:
    """Return the content shown in one turn. Raise RuntimeError if the product refused the question."""
    seen = ShownAnswer(question.id, conversation=conversation or "")
    wish: dict[str, Any] = {
        "do": "ask",
        "client_id": uuid4().hex,
        "conversation": conversation,
        "text": question.question,
    }
    if conversation is None:
        wish["collections"] = []  # all documents of the user
    began = time.monotonic()
    await wire.send_str(json.dumps(wish))
    while True:
        left = TURN_S - (time.monotonic() - began)
        message = await wire.receive(timeout=max(1.0, left))
        event = json.loads(message.data)
        if event["type"] == "refused":
            raise RuntimeError(f"{question.id}: {event['text']}")
        take_event(seen, event, time.monotonic() - began)
        if event["type"] == "closed" and event.get("turn") == seen.answer:
            return seen
        if left <= 0:
            await wire.send_str(json.dumps({"do": "stop", "turn": seen.answer}))


def take_event(seen: ShownAnswer, event: dict[str, Any], at: float) -> None:
    """Store in `seen` what the event shows to the user, `at` seconds after the ask."""
    match event["type"]:
        case "opened":
            seen.answer, seen.conversation = event["turn"], event["conversation"]
        case "quotes":
            seen.quotes, seen.quotes_s = read_quotes(event["html"]), seen.quotes_s or at
        case "nothing":
            seen.nothing, seen.quotes_s = True, seen.quotes_s or at
        case "tool":
            seen.words += f" {_words(_parsed(event['html']))}"
        case "step":
            seen.steps.append(event["text"])
        case "closed":
            seen.whole_s, seen.status = at, event["status"]
            seen.sentences, words = read_sentences(event["html"])
            seen.words = f"{words}{seen.words}".strip()


def read_quotes(text: str) -> list[str]:
    """Return the text of each quote, its pills left out and spaces folded."""
    found = []
    for quote in _parsed(text).iter("blockquote"):
        for pills in _with_class(quote, "pills"):
            pills.drop_tree()
        found.append(_words(quote))
    return found


def read_sentences(text: str) -> tuple[list[ShownSentence], str]:
    """Return the numbered sentences of an answer's HTML, and all words that the user sees without unfolding.

    Where only verified sentences are shown, the page holds each sentence twice: open or hidden above, and in the fold.
    """
    whole = _parsed(text)
    for part in whole.xpath(".//details[.//*[@data-shows='rest']]"):
        part.drop_tree()
    states = _states(whole)
    found: dict[int, ShownSentence] = {}
    for part in _with_class(whole, "sentence"):
        number = int(part.get("data-sentence"))
        known = found.setdefault(number, ShownSentence(number, "", states.get(number, ""), _folded(part)))
        known.text = " ".join(f"{known.text} {_words(part)}".split())
    for part in dict.fromkeys([*filter(_folded, _with_class(whole, "sentence")), *filter(_folds, whole.iter("*"))]):
        part.drop_tree()
    for pills in _with_class(whole, "pills"):
        pills.drop_tree()
    return [found[number] for number in sorted(found)], _words(whole)


def _states(whole: Any) -> dict[int, str]:
    """Return the states of the sentences that have one, by number."""
    states = {}
    for part in _with_class(whole, "sentence"):
        if {"unsupported", "unverified"} & set(part.get("class").split()):
            states[int(part.get("data-sentence"))] = "unverified"
    for slot in _with_class(whole, "pills"):
        for pill in _with_class(slot, "pill")[:1]:
            states[int(slot.get("data-sentence"))] = pill.get("data-state") or "supported"
    return states


def _folded(part: Any) -> bool:
    """Return whether a sentence is hidden until the user unfolds it."""
    for above in (part, *part.iterancestors()):
        if above.get("data-shows") == "verified":
            return "revealed" not in part.get("class").split()
        if _folds(above):
            return True
    return False


def _folds(part: Any) -> bool:
    return (part.tag == "details" and part.get("open") is None) or part.get("hidden") is not None


def _parsed(text: str) -> Any:
    return markup.fragment_fromstring(text, create_parent="div")


def _with_class(part: Any, name: str) -> Any:
    return part.xpath(f".//*[contains(concat(' ', @class, ' '), ' {name} ')]")


def _words(part: Any) -> str:
    """Return the text, with a space where a cell, line or block ends."""
    for end in part.iter("td", "th", "tr", "li", "p", "br", "caption", "figcaption", "div", "dt", "dd"):
        end.tail = f" {end.tail or ''}"
    return " ".join("".join(part.itertext()).split())


def _tell(done: int, of: int, seen: ShownAnswer) -> None:
    first = "-" if seen.quotes_s is None else f"{seen.quotes_s:.2f}"
    print(f"{done} of {of}: {seen.id}, quotes {first} s, whole {seen.whole_s:.1f} s", file=sys.stderr, flush=True)

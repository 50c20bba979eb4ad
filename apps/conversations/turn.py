"""A running turn: what it was opened with, what it has so far, and how it speaks."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from apps.conversations.cite import Cite
from apps.conversations.events import Event, Step, encode
from apps.conversations.opening import Kept, Opening
from apps.conversations.quotes import Quote
from apps.conversations.render import StreamRenderer
from apps.conversations.repeats import Repeats
from apps.conversations.sources import Placed
from apps.conversations.verify import Verifier
from apps.engines import registry
from apps.engines.base import Usage

if TYPE_CHECKING:
    from apps.engines.base import Vectors


LOOP = "loop"  # the model began to repeat itself, and was stopped


class AskedBefore(Exception):
    """The same ask runs, or ran, as another turn."""


@dataclass(slots=True, eq=False)
class Turn:
    """Changed by the turn's own tasks only; whatever ends it finds here all there is to keep."""

    opening: Opening
    vector: asyncio.Task[Vectors] | None  # of the question, where it was begun already
    keeping: asyncio.Task[Kept]  # the rows of the opening are being stored
    renderer: StreamRenderer = field(default_factory=StreamRenderer)
    text: str = ""  # what was let through, exactly as the model wrote it
    begun: bool = False  # the model has said something, let through or not
    finish: str = ""  # the server's word for how the stream ended, or LOOP
    repeats: Repeats = field(default_factory=Repeats)
    usage: Usage | None = None
    model: str = ""
    style: str = ""
    placed: list[Placed] = field(default_factory=list)
    stored: bool = False  # `placed` is in the database
    quotes: list[Quote] = field(default_factory=list)
    cites: list[Cite] = field(default_factory=list)
    steps: dict[str, Step] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)  # milliseconds
    nothing: dict[str, Any] | None = None  # what was searched in vain
    started: float = field(default_factory=time.perf_counter)
    verifier: Verifier = field(init=False)
    interrupt: asyncio.Event = field(default_factory=asyncio.Event)  # set when the process ends

    def __post_init__(self) -> None:
        self.verifier = Verifier(self)

    @property
    def id(self) -> str:
        return str(self.opening.answer)

    @property
    def kept(self) -> bool:
        """Whether its rows are there, and are its own."""
        return self.keeping.done() and self.keeping.exception() is None and self.keeping.result() is self.opening

    async def opened(self) -> None:
        """Its rows are kept. Raises what stood against it."""
        if await asyncio.shield(self.keeping) is not self.opening:
            raise AskedBefore

    async def say(self, event: Event) -> None:
        """Appends the event to the turn's log."""
        await registry.turnlog().append(self.id, encode(event, turn=self.id))

    async def step(self, name: str, words: str, ms: float | None = None) -> None:
        """Says what is being done, or that it is done and how long it took."""
        step = Step(name, words, None if ms is None else round(ms, 1))
        self.steps[name] = step
        await self.say(step)

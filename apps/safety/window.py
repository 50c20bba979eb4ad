"""Cuts a stream of text into windows that can be judged: a sentence, or 24 words, or what came within 400 ms.

Each window carries the end of what was let through before it, so that a phrase is seen whole wherever it was cut.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from apps.safety.intake import normalise

WORDS = 24
WAIT_S = 0.4  # that text is held back at most, once a word of it is complete
OVERLAP = 240  # characters of the text before: longer than any phrase that the rules look for
_LONGEST_WORD = 200  # characters without a border; longer runs are cut anywhere

# A stop with what may close it, at the end or before space; or a line break; or a full-width stop.
_STOP = re.compile(r"[.!?…؟۔।]+[\"'”’»)\]}*_~`]*(?:[ \t]?\[\d{1,3}\])*(?:\s+|$)|[。！？｡][」』”’)]*|\n\s*")
_BORDER = re.compile(r"\s+|(?<=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])")
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Window:
    text: str
    since: int  # where the new part begins


class _Cutter:
    """Holds what has not been let through, and the end of what has."""

    def __init__(self) -> None:
        self.pending = ""
        self._tail = ""
        self._seen = 0  # of pending, where the search for a stop goes on

    def add(self, text: str) -> Window | None:
        """A window as soon as a sentence or 24 words are complete."""
        self.pending += text
        cut = self._sentence_end() or self._enough_words()
        return self._take(cut) if cut else None

    def overdue(self) -> Window | None:
        """What there is up to the last border of a word; nothing where not one word is complete."""
        cut = 0
        for border in _BORDER.finditer(self.pending):
            cut = border.end()
        if not cut and len(self.pending) >= _LONGEST_WORD:
            cut = len(self.pending)
        return self._take(cut) if cut and self.pending[:cut].strip() else None

    def rest(self) -> Window | None:
        return self._take(len(self.pending)) if self.pending else None

    def _sentence_end(self) -> int:
        cut = 0
        for stop in _STOP.finditer(self.pending, self._seen):
            cut = stop.end()
        self._seen = max(0, len(self.pending) - 12)  # a stop may still get closers and marks
        return cut if self.pending[:cut].strip() else 0

    def _enough_words(self) -> int:
        if len(self.pending) < 2 * WORDS:
            return 0
        if len(self.pending) >= 40 * WORDS:  # a run without spaces is no reason to wait
            return len(self.pending)
        for number, word in enumerate(_WORD.finditer(self.pending), 1):
            if number == WORDS and word.end() < len(self.pending):
                return word.end()
        return 0

    def _take(self, cut: int) -> Window:
        piece, self.pending, self._seen = self.pending[:cut], self.pending[cut:], 0
        clean = normalise(piece)
        window = Window(self._tail + clean, len(self._tail))
        self._tail = window.text[-OVERLAP:]
        return window


async def windows(deltas: AsyncIterator[str]) -> AsyncIterator[Window]:
    """The stream in windows. A window that waits for its end is given out after 400 ms, at the border of a word.

    Where `deltas` fails, what it gave before comes first, then its error.
    """
    cutter = _Cutter()
    clock = asyncio.get_running_loop().time
    due: float | None = None  # when the oldest pending text has waited long enough
    async with aclosing(_Pump(deltas)) as pump:
        while (text := await pump.next(due)) is not None:
            window = cutter.add(text) if text else cutter.overdue()
            if window is not None:
                yield window
            if window is not None or not text:
                due = None
            if due is None and cutter.pending:
                due = clock() + WAIT_S
        last = cutter.rest()
        if last is not None:
            yield last
        await pump.result()


class _Pump:
    """Reads an iterator in a task of its own, so that waiting for it can end without ending the read."""

    def __init__(self, items: AsyncIterator[str]) -> None:
        self._items = items
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()  # an answer is bounded by its engine
        self._task = asyncio.create_task(self._run())

    async def next(self, due: float | None) -> str | None:
        """The next text; an empty one when `due` has come before it, None at the end."""
        if not self._queue.empty():
            return self._queue.get_nowait()
        try:
            async with asyncio.timeout_at(due):
                return await self._queue.get()
        except TimeoutError:
            return ""

    async def result(self) -> None:
        """Raises what the iterator raised."""
        await self._task

    async def aclose(self) -> None:
        self._task.cancel()
        await asyncio.wait((self._task,))
        if not self._task.cancelled():
            self._task.exception()  # seen: whoever closes early does not want it
        close: Any = getattr(self._items, "aclose", None)
        if close is not None:
            await close()

    async def _run(self) -> None:
        try:
            async for text in self._items:
                if text:
                    self._queue.put_nowait(text)
        finally:
            self._queue.put_nowait(None)

"""Cuts a stream of text into windows that can be judged: a sentence, or 24 words, or what came within 400 ms; of the
first words, what came within 30 ms: somebody waits for them. Where judging takes longer than writing, the next window
holds all that came meanwhile: the more there is to judge, the fewer verdicts it takes.

Each window carries the end of what was let through before it, so that a phrase is seen whole wherever it was cut.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from apps.safety.text.normalization import normalise

WINDOW_WORDS = 24
WAIT_S = 0.4  # that text is held back at most, once a word of it is complete
FIRST_WAIT_S = 0.03  # likewise for the beginning of an answer; it is judged once more with the words that follow
OVERLAP = 240  # characters of the text before: longer than any phrase that the rules look for
MAX_CHARACTERS = (
    600  # characters of one window, where more has come: with the text before, what a classifier reads at once
)
_LONGEST_WORD = 200  # characters without a border; longer runs are cut anywhere
_NEARLY = 1.15  # gaps to the next text: where it would come as the pending one is due, or hardly sooner, it is late
_SMOOTH = 0.3  # of the newest gap between two texts in what the next is taken to be

_LONGEST_GAP_S = 1.0  # a pause of the model says little about the words after it

# A stop with what may close it, at the end or before space; or a line break; or a full-width stop.
_STOP = re.compile(r"[.!?…؟۔।]+[\"'”’»)\]}*_~`]*(?:[ \t]?\[\d{1,3}\])*(?:\s+|$)|[。！？｡][」』”’)]*|\n\s*")
_BORDER = re.compile(r"\s+|(?<=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])")
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class TextWindow:
    text: str
    since: int  # where the new part begins


class _Cutter:
    """Holds what has not been let through, and the end of what has."""

    def __init__(self) -> None:
        self.pending = ""
        self._tail = ""
        self._seen = 0  # of pending, where the search for a stop goes on

    def add(self, text: str) -> bool:
        """Whether a window may be complete now: a stop has come, or enough words."""
        self.pending += text
        stop = _STOP.search(self.pending, self._seen)
        self._seen = max(0, len(self.pending) - 12)  # a stop may still get closers and marks
        return stop is not None or self.pending.count(" ") >= WINDOW_WORDS or len(self.pending) >= MAX_CHARACTERS

    def take(self, *, late: bool) -> TextWindow | None:
        """All complete sentences, or what there is where that is enough words; `late`: up to the last border of a word
        anyway. Nothing where not one word is complete."""
        cut = self._border() if late else self._sentence_end() or self._enough_words()
        if cut > MAX_CHARACTERS:
            cut = self._border(MAX_CHARACTERS) or MAX_CHARACTERS
        return self._take(cut) if cut and self.pending[:cut].strip() else None

    def rest(self) -> TextWindow | None:
        return self._take(len(self.pending)) if self.pending else None

    def _sentence_end(self) -> int:
        cut = 0
        for stop in _STOP.finditer(self.pending):
            cut = stop.end()
        return cut if self.pending[:cut].strip() else 0

    def _enough_words(self) -> int:
        if len(self.pending) >= MAX_CHARACTERS:
            return self._border() or len(self.pending)
        words = [word.end() for word in _WORD.finditer(self.pending)]
        if words and words[-1] == len(self.pending):
            words.pop()  # it may go on
        return words[-1] if len(words) >= WINDOW_WORDS else 0

    def _border(self, until: int | None = None) -> int:
        """Behind the last border of a word up to there; a run without one is no reason to wait."""
        cut = 0
        for border in _BORDER.finditer(self.pending[:until]):
            cut = border.end()
        return cut or (len(self.pending) if len(self.pending) >= _LONGEST_WORD else 0)

    def _take(self, cut: int) -> TextWindow:
        piece, self.pending, self._seen = self.pending[:cut], self.pending[cut:], 0
        clean = normalise(piece)
        window = TextWindow(self._tail + clean, len(self._tail))
        self._tail = window.text[-OVERLAP:]
        return window


async def split_stream(deltas: AsyncIterator[str]) -> AsyncIterator[TextWindow]:
    """The stream in windows. A window that waits for its end is given out after a moment, at the border of a word.

    Where `deltas` fails, what it gave before comes first, then its error.
    """
    async with aclosing(_Reader(deltas)) as reader:
        while (window := await reader.next()) is not None:
            yield window
        await reader.result()


class _Reader:
    """Reads an iterator in a task of its own, which costs little for each token: whoever takes the windows is woken
    when there is one, and what is due is given out with the last word that comes in time, not after it."""

    def __init__(self, items: AsyncIterator[str]) -> None:
        self._items = items
        self._cutter = _Cutter()
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due: float | None = None  # when the oldest pending text has waited long enough
        self._wait_s = FIRST_WAIT_S
        self._last = self._gap = 0.0  # when text came last, and how long the next usually takes
        self._hurried = self._ended = False
        self._task = asyncio.create_task(self._run())

    async def next(self) -> TextWindow | None:
        """The next window; None at the end."""
        while True:
            late = self._hurried or (self._due is not None and self._loop.time() >= self._due)
            window = self._cutter.take(late=late) if self._cutter.pending else None
            if window is None and self._ended:
                window = self._cutter.rest()
            if window is not None:
                self._wait_s = WAIT_S
            if window is not None or late:
                self._forget()
                if self._cutter.pending:
                    self._arm(self._loop.time() + self._wait_s)
            if window is not None or self._ended:
                return window
            self._waiter = self._loop.create_future()
            await self._waiter

    async def result(self) -> None:
        """Raises what the iterator raised."""
        await self._task

    async def aclose(self) -> None:
        self._forget()
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
                if text and (self._came() | self._cutter.add(text)):
                    self._wake()
        finally:
            self._ended = True
            self._wake()

    def _came(self) -> bool:
        """Whether what is pending would be late before more comes."""
        now = self._loop.time()
        if self._last:
            self._gap += (min(now - self._last, _LONGEST_GAP_S) - self._gap) * (_SMOOTH if self._gap else 1)
        self._last = now
        due = now + self._wait_s if self._due is None else self._due
        self._hurried = now + self._gap * _NEARLY >= due
        if self._due is None and not self._hurried:
            self._arm(due)
        return self._hurried

    def _arm(self, due: float) -> None:
        self._due, self._timer = due, self._loop.call_at(due, self._wake)

    def _forget(self) -> None:
        self._due, self._hurried = None, False
        if self._timer is not None:
            self._timer.cancel()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

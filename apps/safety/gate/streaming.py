"""Split a stream of text into windows that can be checked.

A window is a sentence, judged once, when it ends. What a pause of the model, 1.2 s or 40 words cut off is judged before
that; the first window of an answer is the text of 15 ms, since the user waits. If checking takes longer than
generation, the next window holds all text since, so fewer verdicts are needed.

Each window carries the end of the approved text before it, so that a phrase is checked whole wherever it was cut.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from apps.safety.text.normalization import normalise

WINDOW_WORDS = 40
WAIT_S = (
    1.2  # seconds that text with a complete word waits at most: a sentence of a model that writes 20 words a second
)
SILENCE_S = 0.6  # seconds without new text; longer than the chat engine rests between two reads
FIRST_WAIT_S = 0.015  # seconds for the beginning of an answer, which is checked again with the words that follow
OVERLAP = 240  # characters of approved text; longer than any phrase of the rules
MAX_CHARACTERS = 600  # characters of a window; with the overlap, what a classifier reads at once
_LONGEST_WORD = 200  # characters without a word border; longer runs are cut anywhere
_NEARLY = 1.15  # expected gaps to the next text; text is cut now if the next would come about when it is due
_SMOOTH = 0.3  # weight of the newest gap in the moving average

_LONGEST_GAP_S = 1.0  # a pause of the model says little about the next gap

# A full stop with closing quotes, brackets or citations, at the end or before space; a line break; a full-width stop.
_STOP = re.compile(r"[.!?…؟۔।]+[\"'”’»)\]}*_~`]*(?:[ \t]?\[\d{1,3}\])*(?:\s+|$)|[。！？｡][」』”’)]*|\n\s*")
_BORDER = re.compile(r"\s+|(?<=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])")
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class TextWindow:
    """Text to check; the text before `since` was approved."""

    text: str
    since: int  # offset of the new part


class _Cutter:
    """Pending text, and the end of the approved text."""

    def __init__(self) -> None:
        self.pending = ""
        self._tail = ""
        self._seen = 0  # offset in `pending` from which the search for a stop continues

    def add(self, text: str) -> bool:
        """Add text and return whether a window may be complete: by a stop or enough words."""
        self.pending += text
        stop = _STOP.search(self.pending, self._seen)
        self._seen = max(0, len(self.pending) - 12)  # closing characters and citations may still follow a stop
        return stop is not None or self.pending.count(" ") >= WINDOW_WORDS or len(self.pending) >= MAX_CHARACTERS

    def take(self, *, late: bool) -> TextWindow | None:
        """Return all complete sentences, or all complete words if they are enough. None if no word is complete.

        With `late`, cut at the last word border in any case.
        """
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
            words.pop()  # the last word may continue
        return words[-1] if len(words) >= WINDOW_WORDS else 0

    def _border(self, until: int | None = None) -> int:
        """Return the offset behind the last word border, up to `until`; a long run without a border is cut at its
        end."""
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
    """Yield the windows of the stream. A window that waits too long is cut at a word border.

    If `deltas` fails, its pending text is yielded first, then the error is raised.
    """
    async with aclosing(_Reader(deltas)) as reader:
        while (window := await reader.next()) is not None:
            yield window
        await reader.result()


class _Reader:
    """Reads an iterator in its own task and wakes the consumer once per window, not per token.

    Due text is given out with the last word that comes in time.
    """

    def __init__(self, items: AsyncIterator[str]) -> None:
        self._items = items
        self._cutter = _Cutter()
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._since: float | None = None  # loop time from which pending text waits
        self._due = 0.0  # loop time at which it is cut
        self._wait_s = FIRST_WAIT_S
        self._last = self._gap = 0.0  # time of the last text, and average gap
        self._hurried = self._ended = False
        self._task = asyncio.create_task(self._run())

    async def next(self) -> TextWindow | None:
        """Return the next window; None at the end."""
        while True:
            late = self._hurried or (self._since is not None and self._loop.time() >= self._due)
            window = self._cutter.take(late=late) if self._cutter.pending else None
            if window is None and self._ended:
                window = self._cutter.rest()
            if window is not None:
                self._wait_s = WAIT_S
            if window is not None or late:
                self._reset_timer()
                if self._cutter.pending:
                    self._since = self._loop.time()
                    self._arm(self._since)
            if window is not None or self._ended:
                return window
            self._waiter = self._loop.create_future()
            await self._waiter

    async def result(self) -> None:
        """Raise the error of the iterator, if any."""
        await self._task

    async def aclose(self) -> None:
        self._reset_timer()
        self._task.cancel()
        await asyncio.wait((self._task,))
        if not self._task.cancelled():
            self._task.exception()  # mark the error as retrieved; not needed after an early close
        close: Any = getattr(self._items, "aclose", None)
        if close is not None:
            await close()

    async def _run(self) -> None:
        try:
            async for text in self._items:
                if text and (self._note_arrival() | self._cutter.add(text)):
                    self._wake()
        finally:
            self._ended = True
            self._wake()

    def _note_arrival(self) -> bool:
        """Update the average gap and return whether pending text is due before more is expected."""
        now = self._loop.time()
        if self._last:
            self._gap += (min(now - self._last, _LONGEST_GAP_S) - self._gap) * (_SMOOTH if self._gap else 1)
        self._last = now
        if self._since is None:
            self._since = now
        if self._timer is None:
            self._arm(now)
        self._due = min(self._since + self._wait_s, now + SILENCE_S)
        self._hurried = now + self._gap * _NEARLY >= self._due
        return self._hurried

    def _arm(self, now: float) -> None:
        self._due = now + min(self._wait_s, SILENCE_S)
        self._timer = self._loop.call_at(self._due, self._wake_if_due)

    def _wake_if_due(self) -> None:
        """Wake the consumer, or come again: every arrival may put off what a silence cuts."""
        self._timer = None  # the next arrival arms it, if the consumer is busy now
        if self._loop.time() < self._due:
            self._timer = self._loop.call_at(self._due, self._wake_if_due)
        else:
            self._wake()

    def _reset_timer(self) -> None:
        self._since, self._hurried = None, False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

"""How often an answer is read while many are written at once: the more there are, the more words come with each look.

A look costs nearly the same whether it finds one word or five: a wake-up, system calls, the frames of HTTP around what
came. With few answers a reader waits for each word; with two hundred it looks as often as the gate has a piece to judge
anyway, and what came in between waits in the system's buffer. Looks that are due at about the same time go together:
one after the other, while all that they need is at hand, they take half of what each takes alone.
"""

from __future__ import annotations

import asyncio
import math
from weakref import WeakKeyDictionary

from apps.engines.chat.line import Line

_PER_STREAM_S = 0.003  # of rest between two looks, for each answer that is being written
_HELD_S = 0.4  # as long as the gate holds a word back anyway: longer rests would be seen
_TOGETHER_S = 0.05  # looks of so much time go together; shorter rests save nothing

_Bells = dict[int, list["Rest"]]  # that are over at that moment, counted in `_TOGETHER_S`


class Pace:
    """Of all the streams of one engine. One `Rest` for each stream."""

    def __init__(self) -> None:
        self.streams = 0
        self._bells: WeakKeyDictionary[asyncio.AbstractEventLoop, _Bells] = WeakKeyDictionary()

    @property
    def rest_s(self) -> float:
        """Seconds between two looks at a stream; 0 where each word is read when it comes. One look falls on the moment
        at which the gate lets go of what it holds, so that no word waits for both."""
        wanted = self.streams * _PER_STREAM_S
        return _HELD_S / max(1, math.ceil(_HELD_S / wanted)) if wanted >= _TOGETHER_S else 0.0

    def begin(self, rest: Rest, rest_s: float) -> None:
        """The rest is over when others are, too, about so many seconds from now and never later."""
        loop = asyncio.get_running_loop()
        bells = self._bells.setdefault(loop, {})
        now = loop.time()
        place = max(int((now + rest_s) / _TOGETHER_S), int(now / _TOGETHER_S) + 1)
        if place not in bells:
            bells[place] = []
            loop.call_at(place * _TOGETHER_S, _ring, bells, place)
        bells[place].append(rest)


class Rest:
    """Between two looks at one answer. Its line alone rests: whoever reads from it is woken by what has come, once, and
    not by the end of the rest, too."""

    def __init__(self, pace: Pace, line: Line) -> None:
        self._pace = pace
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._since = 0.0  # when the last rest was over
        self._waits = False  # for the end of this one

    def __enter__(self) -> Rest:
        self._pace.streams += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._pace.streams -= 1
        self._waits = False
        self._line.rest(resting=False)

    def take(self) -> None:
        """The line rests until it is time to look again. A stream that writes slower than that is not kept waiting."""
        if self._waits:
            return
        rest, now = self._pace.rest_s, self._loop.time()
        if not rest or now - self._since > rest:
            self._since = now
            self._line.rest(resting=False)
            return
        self._waits = True
        self._pace.begin(self, rest)
        self._line.rest(resting=True)

    def over(self) -> None:
        """What has come meanwhile is read; nothing, where the stream has ended."""
        if self._waits:
            self._waits, self._since = False, self._loop.time()
            self._line.look()


def _ring(bells: _Bells, place: int) -> None:
    for rest in bells.pop(place):
        rest.over()

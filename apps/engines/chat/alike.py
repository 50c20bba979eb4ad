"""The events of a stream mostly differ in the words that they add and in nothing else: known by what stands around the
words, such an event need not be taken apart again. With two hundred streams that is a tenth of what a word costs."""

from __future__ import annotations

import re
from typing import Any

import orjson

_TRIES = 4  # in a row without use; a server that makes every event different is not like that
_CONTENT = re.compile(rb'"content":[ ]?("(?:[^"\\]|\\.)*+")')
# Some servers stamp each event with the second in which it was made. No text holds this: its quotes are escaped.
_STAMP = re.compile(rb'"created":[ ]?(?:0|[1-9]\d{0,15}+)')
_PROBE = "?"


class Alike:
    """Of one stream. What it says of an event is exactly what parsing all of it would."""

    def __init__(self) -> None:
        self._before = self._after = b""
        self._opens = self._closes = b""  # a chunk of such events
        self._stamp = b""  # before the words, where there is one
        self._tries = _TRIES

    def text(self, data: bytes) -> str | None:
        """The text of an event like the one that was learned; None where it may be different in more."""
        before, after = self._before, self._after
        if not before or not data.startswith(before) or not data.endswith(after):
            return None
        try:
            text = orjson.loads(data[len(before) : len(data) - len(after)])
        except ValueError:
            return None
        self._tries = _TRIES
        return text if isinstance(text, str) else None

    def texts(self, chunk: bytes) -> list[str] | None:
        """Those of a chunk that holds such events and nothing else, each whole."""
        found = self._texts(chunk)
        return self._texts(self._stamped(chunk)) if found is None and self._stamp else found

    def _texts(self, chunk: bytes) -> list[str] | None:
        """What stands between two events holds a line break, which no text does and no other place may, so all of them
        are read as one list."""
        opens, closes = self._opens, self._closes
        if not opens or not chunk.startswith(opens) or not chunk.endswith(closes):
            return None
        inner, between = chunk[len(opens) : len(chunk) - len(closes)], closes + opens
        try:
            found: list[str] = orjson.loads(b"[%b]" % inner.replace(between, b",\n"))
        except ValueError:
            return None
        breaks = len(found) - 1
        if breaks != inner.count(between) or inner.count(b"\n") != 2 * breaks:
            return None
        if not all(isinstance(text, str) for text in found):
            return None
        self._tries = _TRIES
        return found

    def _stamped(self, chunk: bytes) -> bytes:
        """The chunk with the stamp of its last event on all of them, which is the one that is known from here on;
        nothing of one whose stamps are known already, and cannot be why it is not alike."""
        stamps = _STAMP.findall(chunk)
        if all(stamp == self._stamp for stamp in stamps):
            return b""
        self._stamp = stamps[-1]
        self._before, self._opens = _STAMP.sub(self._stamp, self._before), _STAMP.sub(self._stamp, self._opens)
        return _STAMP.sub(self._stamp, chunk)

    def learn(self, data: bytes, event: dict[str, Any], delta: dict[str, Any]) -> None:
        """`data` is `event`, which says nothing but the text of `delta` within it."""
        found = _CONTENT.search(data) if self._tries else None
        if found is None or delta["content"] == _PROBE:  # of that one another place cannot be told apart
            return
        self._tries -= 1
        before, after = data[: found.start(1)], data[found.end(1) :]
        text, delta["content"] = delta["content"], _PROBE
        try:  # whatever looks like the content may stand in another place
            if orjson.loads(b'%b"%b"%b' % (before, _PROBE.encode(), after)) == event:
                self._before, self._after = before, after
                self._opens, self._closes = b"data: %b" % before, b"%b\n\n" % after
                stamps = _STAMP.findall(before)
                self._stamp = stamps[0] if len(stamps) == 1 else b""
        except ValueError:
            pass
        finally:
            delta["content"] = text

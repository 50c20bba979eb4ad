"""The events of a stream mostly differ in the words that they add and in nothing else: known by what stands around the
words, such an event need not be taken apart again. With two hundred streams that is a tenth of what a word costs."""

from __future__ import annotations

import re
from typing import Any

import orjson

_TRIES = 4  # in a row without use; a server that makes every event different is not like that
_CONTENT = re.compile(rb'"content":[ ]?("(?:[^"\\]|\\.)*+")')
_PROBE = "?"


class Alike:
    """Of one stream. What it says of an event is exactly what parsing all of it would."""

    def __init__(self) -> None:
        self._before = self._after = b""
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

    def learn(self, data: bytes, event: dict[str, Any], delta: dict[str, Any]) -> None:
        """`data` is `event`, which says nothing but the text of `delta` within it."""
        found = _CONTENT.search(data) if self._tries else None
        if found is None:
            return
        self._tries -= 1
        before, after = data[: found.start(1)], data[found.end(1) :]
        text, delta["content"] = delta["content"], _PROBE
        try:  # whatever looks like the content may stand in another place
            if orjson.loads(b'%b"%b"%b' % (before, _PROBE.encode(), after)) == event:
                self._before, self._after = before, after
        except ValueError:
            pass
        finally:
            delta["content"] = text

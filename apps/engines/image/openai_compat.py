"""Fields and sizes that a picture server of the OpenAI protocol accepts, learnt from its refusals for the life of the
process.

Known refusals: "Unknown parameter: 'response_format'." from models that always send the picture itself, a list of
supported sizes, and pydantic errors for undeclared fields.
"""

from __future__ import annotations

import json
import math
import re
import threading
from typing import Any

Size = tuple[int, int]  # pixels: width, height

_FIELD = r"(?i)\b(?:parameter|argument|field|propert(?:y|ies)|inputs?|key)s?\b[^\w]{1,4}%(name)s\b|['\"`]%(name)s['\"`]"
_OPTIONAL = ("response_format", "seed", "size")
_SIZE = re.compile(r"(?<!\d)(\d{2,5})\s?x\s?(\d{2,5})(?!\d)")
_LONGEST = 20_000  # characters of a refusal that are read
_WORDS = 8  # levels of nesting that are read


class ServerCompatibility:
    """Learnt limits of one endpoint of a server. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused: frozenset[str] = frozenset()
        self._sizes: tuple[Size, ...] = ()  # empty: any size

    def size(self, wanted: Size) -> Size:
        """Return the size to request: of those that the server has, the nearest in aspect ratio, then in pixels."""
        if not self._sizes or wanted in self._sizes:
            return wanted
        return min(self._sizes, key=lambda size: _distance(size, wanted))

    def fitted(self, fields: dict[str, Any], size: Size) -> dict[str, Any]:
        """Return the fields with response format and size added, without those that the server refuses."""
        whole = fields | {"response_format": "b64_json", "size": f"{size[0]}x{size[1]}"}
        return {name: value for name, value in whole.items() if name not in self._refused}

    def learn(self, sent: dict[str, Any], body: bytes) -> bool:
        """Return whether a changed request may succeed: the refusal names an optional field or other sizes, which are
        stored. False for any other refusal, such as one about the prompt."""
        named, said = _told(body)
        with self._lock:
            sizes = _sizes(said, sent.get("size", "")) if "size" in sent else ()
            if sizes and sizes != self._sizes and ("size" in named or re.search(r"\bsizes?\b", said)):
                self._sizes = sizes
                return True
            refused = {name for name in _OPTIONAL if name in sent and (name in named or _refuses(said, name))}
            self._refused |= refused
            return bool(refused)


def _distance(size: Size, wanted: Size) -> tuple[float, float]:
    shape = abs(math.log(size[0] / size[1]) - math.log(wanted[0] / wanted[1]))
    return round(shape, 2), abs(math.log(size[0] * size[1]) - math.log(wanted[0] * wanted[1]))


def _told(body: bytes) -> tuple[set[str], str]:
    """Return the fields that a refusal names as such, and its text."""
    text = body.decode(errors="replace")[:_LONGEST]
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return set(), text
    named: set[str] = set()
    words: list[str] = []
    _walk(said, named, words, _WORDS)
    return named, " ".join(words)


def _walk(said: Any, named: set[str], words: list[str], deep: int) -> None:
    if isinstance(said, list) and deep:
        for item in said:
            _walk(item, named, words, deep - 1)
    elif isinstance(said, dict) and deep:
        for key, value in said.items():
            if key == "param" and isinstance(value, str):
                named.add(value)
            elif key == "loc" and isinstance(value, list):
                named.update(item for item in value if isinstance(item, str))
            elif key != "input":  # pydantic repeats the input
                _walk(value, named, words, deep - 1)
    elif isinstance(said, str):
        words.append(said)


def _sizes(said: str, asked: str) -> tuple[Size, ...]:
    found = {(int(width), int(height)) for width, height in _SIZE.findall(said) if f"{width}x{height}" != asked}
    return tuple(sorted(size for size in found if min(size) >= 16))


def _refuses(said: str, name: str) -> bool:
    """Return whether the text names a field of that name, and not a word of the prompt."""
    return re.search(_FIELD % {"name": name}, said) is not None

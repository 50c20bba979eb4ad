"""What a picture server of the OpenAI protocol takes: learnt from its refusals, and kept as long as the process runs.

Known refusals: "Unknown parameter: 'response_format'." (models that always send the picture itself), a list of sizes in
place of the one that was asked for, and the errors of pydantic for fields that a server has not declared.
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
_LONGEST = 20_000  # characters of a refusal that are looked at
_WORDS = 8  # levels of what it is nested in


class ServerCompatibility:
    """Of one address of a server; safe to use from every thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused: frozenset[str] = frozenset()
        self._sizes: tuple[Size, ...] = ()  # empty: any

    def size(self, wanted: Size) -> Size:
        """The one to ask for: of those that the server has, the nearest in shape, then in pixels."""
        if not self._sizes or wanted in self._sizes:
            return wanted
        return min(self._sizes, key=lambda size: _distance(size, wanted))

    def fitted(self, fields: dict[str, Any], size: Size) -> dict[str, Any]:
        """With how the answer shall come, and without what the server does not take."""
        whole = fields | {"response_format": "b64_json", "size": f"{size[0]}x{size[1]}"}
        return {name: value for name, value in whole.items() if name not in self._refused}

    def learn(self, sent: dict[str, Any], body: bytes) -> bool:
        """Whether something else can be asked for now: the refusal names a field that may be left out, or other sizes.
        Anything else that is refused, the words for example, is left to whoever asked."""
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
    """The fields that a refusal names as such, and what it says in words."""
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
            elif key != "input":  # pydantic repeats what was sent
                _walk(value, named, words, deep - 1)
    elif isinstance(said, str):
        words.append(said)


def _sizes(said: str, asked: str) -> tuple[Size, ...]:
    found = {(int(width), int(height)) for width, height in _SIZE.findall(said) if f"{width}x{height}" != asked}
    return tuple(sorted(size for size in found if min(size) >= 16))


def _refuses(said: str, name: str) -> bool:
    """Whether it speaks of a field of that name, and not of a word in the prompt."""
    return re.search(_FIELD % {"name": name}, said) is not None

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
_MAX_DEPTH = 8  # levels of nesting that are read


class ServerCompatibility:
    """Learnt limits of one endpoint of a server. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused: frozenset[str] = frozenset()
        self._sizes: tuple[Size, ...] = ()  # empty: any size

    def choose_size(self, requested: Size) -> Size:
        """Return the size to request: of those that the server has, the nearest in aspect ratio, then in pixels."""
        if not self._sizes or requested in self._sizes:
            return requested
        return min(self._sizes, key=lambda size: _distance(size, requested))

    def fit_fields(self, fields: dict[str, Any], size: Size) -> dict[str, Any]:
        """Return the fields with response format and size added, without those that the server refuses."""
        complete = fields | {"response_format": "b64_json", "size": f"{size[0]}x{size[1]}"}
        return {name: value for name, value in complete.items() if name not in self._refused}

    def learn(self, sent: dict[str, Any], body: bytes) -> bool:
        """Return whether a changed request may succeed: the refusal names an optional field or other sizes, which are
        stored. False for any other refusal, such as one about the prompt."""
        fields, message = _parse_refusal(body)
        with self._lock:
            sizes = _sizes(message, sent.get("size", "")) if "size" in sent else ()
            if sizes and sizes != self._sizes and ("size" in fields or re.search(r"\bsizes?\b", message)):
                self._sizes = sizes
                return True
            refused = {name for name in _OPTIONAL if name in sent and (name in fields or _refuses(message, name))}
            self._refused |= refused
            return bool(refused)


def _distance(size: Size, requested: Size) -> tuple[float, float]:
    shape = abs(math.log(size[0] / size[1]) - math.log(requested[0] / requested[1]))
    return round(shape, 2), abs(math.log(size[0] * size[1]) - math.log(requested[0] * requested[1]))


def _parse_refusal(body: bytes) -> tuple[set[str], str]:
    """Return the fields that a refusal names as such, and its text."""
    text = body.decode(errors="replace")[:_LONGEST]
    try:
        refusal = json.loads(text)
    except (ValueError, RecursionError):
        return set(), text
    fields: set[str] = set()
    messages: list[str] = []
    _collect_refusal(refusal, fields, messages, _MAX_DEPTH)
    return fields, " ".join(messages)


def _collect_refusal(value: Any, fields: set[str], messages: list[str], depth: int) -> None:
    if isinstance(value, list) and depth:
        for item in value:
            _collect_refusal(item, fields, messages, depth - 1)
    elif isinstance(value, dict) and depth:
        for key, inner in value.items():
            if key == "param" and isinstance(inner, str):
                fields.add(inner)
            elif key == "loc" and isinstance(inner, list):
                fields.update(item for item in inner if isinstance(item, str))
            elif key != "input":  # pydantic repeats the input
                _collect_refusal(inner, fields, messages, depth - 1)
    elif isinstance(value, str):
        messages.append(value)


def _sizes(message: str, requested: str) -> tuple[Size, ...]:
    sizes = {(int(width), int(height)) for width, height in _SIZE.findall(message) if f"{width}x{height}" != requested}
    return tuple(sorted(size for size in sizes if min(size) >= 16))


def _refuses(message: str, name: str) -> bool:
    """Return whether the text names a field of that name, and not a word of the prompt."""
    return re.search(_FIELD % {"name": name}, message) is not None

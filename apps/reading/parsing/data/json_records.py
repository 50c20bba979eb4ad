"""Parser of JSON and JSON Lines: each record becomes a line that names every value by its path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from apps.reading.parsing.common.encoding import read_text
from apps.reading.parsing.common.tables import group_lines
from apps.reading.parsing.protocol import ParsedBlock, ParsedItem, ParseLimits, ParseNotice, make_title, paginate

MOST_DEEP = 60  # levels of nesting that are read
_WORDS = {True: "true", False: "false", None: ""}


def parse(path: str, limits: ParseLimits) -> Iterator[ParsedItem]:
    """Yield title and pages of a JSON file; invalid JSON is read as text, with a notice. Raises ParseError."""
    text = read_text(path, limits)
    try:
        data = _loaded(text)
    except orjson.JSONDecodeError:  # for example with comments, as in settings of some programs
        yield from paginate([ParsedBlock("code", text)], limits)
        yield ParseNotice("This is not valid JSON, so it was read as text.")
        return
    if isinstance(data, dict) and (title := make_title(_word(data.get("title")))):
        yield title
    yield from paginate(_blocks(data), limits)


def _loaded(text: str) -> Any:
    """Return the value of JSON, or the list of values of JSON Lines. Raises JSONDecodeError."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return [orjson.loads(line) for line in text.splitlines() if line.strip()]


def _blocks(data: Any) -> Iterator[ParsedBlock]:
    if isinstance(data, dict):
        plain = {key: value for key, value in data.items() if not _holds_more(value)}
        yield from _records([plain] if plain else [])
        for key, value in data.items():
            if _holds_more(value):
                yield ParsedBlock("heading", key, 2)
                yield from _records(value if isinstance(value, list) else [value])
    else:
        yield from _records(data if isinstance(data, list) else [data])


def _holds_more(value: Any) -> bool:
    return isinstance(value, dict | list) and len(value) > 0


def _records(records: list[Any]) -> Iterator[ParsedBlock]:
    return group_lines("; ".join(_flat(record, "", 0)) for record in records)


def _flat(value: Any, path: str, depth: int) -> Iterator[str]:
    """Yield "address.city: Berlin" for each value below; a list of plain values counts as one value."""
    if depth > MOST_DEEP:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, list):
        if any(isinstance(item, dict | list) for item in value):
            for item in value:
                yield from _flat(item, path, depth + 1)
        elif words := ", ".join(filter(None, map(_word, value))):
            yield f"{path}: {words}" if path else words
    elif words := _word(value):
        yield f"{path}: {words}" if path else words


def _word(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    return " ".join(str(value).split())

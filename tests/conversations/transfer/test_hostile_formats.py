"""Whatever stands at any place of an export, its conversation is taken whole or refused in words, and the one beside it
is taken."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.conversations.transfer.formats import reader
from tests.conversations.transfer.foreign_exports import claude, librechat, open_webui, roll_back

ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    10**400,
    1e308,
    "",
    "x" * 300,
    "\u202e\ud800",
    [],
    [None],
    [[]],
    {},
    {"a": {}},
    [{"b": 1}],
]
OWN = {
    "format": "openbook-conversation/1", "title": "Own", "created": "2026-01-01T00:00:00+00:00", "path": ["q", "a"],
    "tags": ["one", "two"],
    "messages": [
        {"id": "q", "parent": None, "role": "user", "text": "Well?", "created": "2026-01-01T00:00:00+00:00"},
        {"id": "a", "parent": "q", "role": "assistant", "text": "So.", "status": "complete", "model": "m"},
    ],
}  # fmt: skip
KINDS = {"chatgpt": roll_back, "claude": claude, "open_webui": open_webui, "librechat": librechat,
         "nested": lambda: librechat(nested=True), "own": lambda: copy.deepcopy(OWN)}  # fmt: skip
FIELDS = {"source", "title", "at", "pinned", "archived", "tags", "left", "first", "rows", "key"}


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything in it."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield (*way, name)
        yield from places(one, (*way, name))


def changed(item: dict[str, Any], way: tuple[Any, ...], odd: Any) -> dict[str, Any]:
    item = copy.deepcopy(item)
    at: Any = item
    for name in way[:-1]:
        at = at[name]
    at[way[-1]] = odd
    return item


def whole(found: dict[str, Any]) -> None:
    """A line that can be stored as it is, or why there is none."""
    if "skipped" in found:
        assert set(found["skipped"]) == {"title", "why"} and found["skipped"]["why"].endswith(".")
        return
    chat = found["chat"]
    assert set(chat) == FIELDS and len(chat["title"]) <= 120 and len(chat["key"]) == 64
    assert isinstance(chat["pinned"], bool) and isinstance(chat["archived"], bool)
    assert all(tag and len(tag) <= 120 and "\u202e" not in tag for tag in chat["tags"])
    assert chat["rows"] and all(isinstance(count, int) and count > 0 for count in chat["left"].values())
    for number, row in enumerate(chat["rows"]):
        assert row["role"] == ("user" if row["parent"] is None else _other(chat["rows"][row["parent"]]["role"]))
        assert row["parent"] is None or row["parent"] < number
        assert isinstance(row["text"], str) and "\ud800" not in row["text"] and "\u202e" not in row["text"]
        assert len(row["model"]) <= 100 and (row["at"] is None or 0 < row["at"] <= 1e11)


def _other(role: str) -> str:
    return "assistant" if role == "user" else "user"


@pytest.mark.parametrize("kind", KINDS)
def test_odd_values_in_an_export_are_taken_whole_or_refused_with_a_reason(tmp_path: Path, kind: str) -> None:
    item = KINDS[kind]()
    tried = [changed(item, way, odd) for way in places(item) for odd in ODD]
    assert len(tried) >= 300
    path = tmp_path / "chats.json"
    for start in range(0, len(tried), 400):
        part = tried[start : start + 400]
        path.write_text(json.dumps([*part, item]))
        total, *found = reader.read(str(path), {})
        assert total == {"total": len(part) + 1} and len(found) == len(part) + 1
        for one in found:
            whole(one)
        assert "chat" in found[-1], "what stands beside a broken one is taken"


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_ends_too_early_brings_nothing(tmp_path: Path, kind: str) -> None:
    text, path = json.dumps([KINDS[kind](), KINDS[kind]()]), tmp_path / "chats.json"
    for end in range(1, len(text), 97):
        path.write_text(text[:end])
        with pytest.raises(reader.ParseError, match="not a JSON file"):
            list(reader.read(str(path), {}))

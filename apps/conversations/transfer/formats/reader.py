"""Read an import file in the child process. Entry point: `read`, which yields a total, then a line per conversation:

{"total": 12}
{"chat": {"source", "title", "key", "at", "pinned", "archived", "tags", "left", "rows": [...]}}
{"skipped": {"title", "why"}}
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson

from apps.conversations.transfer.formats import chatgpt, claude, librechat, open_webui, openbook
from apps.conversations.transfer.formats.common import ImportedChat, InvalidImport, parse_title
from apps.conversations.transfer.formats.message_tree import MessageTree, build_message_tree
from apps.lib.text import message_templates
from apps.reading.parsing.common.zip_archive import BoundedZipFile
from apps.reading.parsing.protocol import ParseError

MAX_CHATS = 5_000  # conversations of one file
_MAX_TAGS = 50  # of one conversation; fewer are stored
FORMATS: tuple[ModuleType, ...] = (openbook, chatgpt, claude, open_webui, librechat)

NOT_JSON = "This is not a JSON file. Upload the file that the other program exported, or the ZIP that contains it."
NO_CONVERSATIONS = (
    "No conversations were found in this file. It can be an export of Openbook, ChatGPT or Claude "
    "(conversations.json), Open WebUI or LibreChat."
)
TOO_MANY = message_templates.CHATS % {"most": f"{MAX_CHATS:,}"}
ZIP_TOO_LARGE = "This ZIP is too large to open here. Unpack it and upload only its conversations.json."
_UNKNOWN = "Its format is not supported."


def read(path: str, options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the total, then one dict per conversation, as shown in the module docstring. `options` is unused.

    Raise ParseError if nothing can be imported.
    """
    items = [item for data in _load_files(path) for item in _items(data)]
    if len(items) > MAX_CHATS:
        raise ParseError(TOO_MANY)
    if not any(_format(item) for item in items):
        raise ParseError(NO_CONVERSATIONS)
    yield {"total": len(items)}
    while items:
        yield _read_item(items.pop(0))


def _read_item(item: Any) -> dict[str, Any]:
    name = parse_title(item.get("title") or item.get("name")) if isinstance(item, dict) else ""
    form = _format(item)
    if form is None:
        return {"skipped": {"title": name, "why": _UNKNOWN}}
    try:
        chat: ImportedChat = form.parse_chat(item)
        return {"chat": _make_line(chat, build_message_tree(chat.messages, chat.current))}
    except InvalidImport as error:
        return {"skipped": {"title": name, "why": str(error)}}


def _make_line(chat: ImportedChat, tree: MessageTree) -> dict[str, Any]:
    rows = [
        {
            "parent": row.parent, "role": row.role, "text": row.text, "at": row.timestamp, "model": row.model,
            "status": row.status, "on": number in tree.path,
        }
        for number, row in enumerate(tree.rows)
    ]  # fmt: skip
    content = [chat.source, chat.key, *((row["parent"], row["role"], row["text"]) for row in rows)]
    return {
        "source": chat.source, "title": chat.title, "at": chat.timestamp, "pinned": chat.pinned,
        "archived": chat.archived, "tags": chat.tags[:_MAX_TAGS],
        "left": {what: count for what, count in chat.left_out.items() if count},
        "first": chat.messages[0].id, "rows": rows, "key": hashlib.sha256(orjson.dumps(content)).hexdigest(),
    }  # fmt: skip


def _format(item: Any) -> ModuleType | None:
    return next((form for form in FORMATS if isinstance(item, dict) and form.matches_format(item)), None)


def _items(data: Any) -> list[Any]:
    if isinstance(data, dict) and isinstance(data.get("conversations"), list):
        return list(data["conversations"])
    return data if isinstance(data, list) else [data]


def _load_files(path: str) -> Iterator[Any]:
    """Yield the JSON values of the file, or of the conversation files in a ZIP. Raise ParseError."""
    with Path(path).open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            file.seek(0)
            yield _json(file.read())
            return
    try:
        with BoundedZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if _of_conversations(name):
                    yield _json(archive.read(name))
    except ParseError as error:
        raise ParseError(str(error) if str(error) == NOT_JSON else ZIP_TOO_LARGE) from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise ParseError("This ZIP is damaged or encrypted. Unpack it and upload its conversations.json.") from error


def _of_conversations(name: str) -> bool:
    parts = name.split("/")
    return name.endswith(".json") and (parts[-1].startswith("conversations") or "conversations" in parts[:-1])


def _json(data: bytes) -> Any:
    """Return the parsed JSON.

    Falls back to the standard library, which accepts lone surrogates and NaN. Raise ParseError.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        try:
            return json.loads(data)
        except (ValueError, UnicodeDecodeError) as error:
            raise ParseError(NOT_JSON) from error

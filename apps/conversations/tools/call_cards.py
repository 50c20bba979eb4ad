"""Cards and records of tool calls, for the stream and for a reload. Results are shown as plain text.

Entry points: `render_card`, `render_cards`, `save_calls`, `make_history_notes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any
from uuid import UUID

import orjson
from django.template.loader import render_to_string

from apps.conversations.core.tool_calls import ToolCallRecord, ToolCallStatus
from apps.conversations.evidence import source_list
from apps.conversations.models import Message
from apps.safety.text.prompt_tokens import escape_template_tokens

MAX_SHOWN_CHARACTERS = 4000  # of a result on a card and in the answer row
MAX_NOTE_CHARACTERS = 2000  # of a result in the prompts of later turns
_PLAIN = "conversations/tools/_call_result.html"
_KEYS = {item.name: item.name for item in fields(ToolCallRecord)}  # keys of stored records and exports, by field
_KEYS |= {"message": "words", "by_user": "by_person"}


def render_card(answer: UUID, call: ToolCallRecord, shown_numbers: Mapping[int, int] | None = None) -> str:
    """Return the HTML of the card. `shown_numbers` are the numbers that the answer shows, by source number; None: not
    known.
    """
    arguments = [(name.replace("_", " "), format_argument(value)) for name, value in call.arguments.items()]
    sources = [((shown_numbers or {}).get(item, 0), source_list.get_source_url(answer, item)) for item in call.sources]
    context = {"answer": answer, "call": call, "arguments": arguments, "sources": sources}
    return render_to_string(
        "conversations/tools/_call_card.html", {**context, "result_template": call.template or _PLAIN}
    )


def make_record(call: ToolCallRecord) -> dict[str, Any]:
    """Return the call as JSON values for `Message.tools`."""
    return {_KEYS[name]: value for name, value in (asdict(call) | {"status": call.status.value}).items()}


def save_calls(answer: UUID, lease: str, calls: Iterable[ToolCallRecord]) -> None:
    """Store the calls of a running answer, if `lease` still holds its row. For `in_db`."""
    rows = Message.objects.filter(pk=answer, lease_token=lease, status=Message.Status.WRITING)
    rows.update(tools=[make_record(item) for item in calls])


def render_cards(
    answer: UUID, records: list[Mapping[str, Any]], shown_numbers: Mapping[int, int], *, ended: bool
) -> str:
    """Return the HTML of the cards of a stored answer; if it has `ended`, open calls are shown as cancelled.

    `shown_numbers` as in `render_card`.
    """
    calls = [_read(item) for item in records]
    return "".join(render_card(answer, mark_cancelled(call) if ended else call, shown_numbers) for call in calls)


def make_history_notes(records: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return a line for each finished call that the user made, for the prompts of later turns."""
    done = [call for call in map(_read, records) if call.by_user and call.status == ToolCallStatus.DONE]
    return tuple(
        escape_template_tokens(" ".join(f"{call.title}: {call.text}".split())[:MAX_NOTE_CHARACTERS]) for call in done
    )


def _read(item: Mapping[str, Any]) -> ToolCallRecord:
    values = {name: item[key] for name, key in _KEYS.items() if key in item}
    values["status"] = ToolCallStatus(values.get("status", ToolCallStatus.RUNNING))
    return ToolCallRecord(**{**values, "sources": tuple(values.get("sources", ()))})


def mark_cancelled(call: ToolCallRecord) -> ToolCallRecord:
    """Return the call as refused if it was running or asking when its answer ended."""
    if not call.status.is_open:
        return call
    return ToolCallRecord(
        call.id, call.tool, call.title, call.arguments, ToolCallStatus.REFUSED, "The answer ended before this was done."
    )


def format_argument(value: Any) -> str:
    """Return the value of an argument as text; JSON unless it is text."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()

"""Build responses of the OpenAI protocol, with sources and citations beside them under `openbook`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import orjson

from apps.conversations.core.numbered_sources import NumberedPassage
from apps.conversations.turns.repetition import LOOP_FINISH
from apps.conversations.turns.state import Turn
from apps.engines.types import ToolCall, Usage
from apps.grounding.citer import SentenceCitation
from apps.grounding.sentence_state import get_sentence_state
from apps.lib.ids import new_id

DONE = b"data: [DONE]\n\n"
_FINISH_REASONS = {
    "length": "length",
    LOOP_FINISH: "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
}


class StreamReply:
    """Builder of one chat completion: its chunks while it streams, or its whole body."""

    def __init__(self, model: str, *, reports_usage: bool) -> None:
        """Give the reply its id. `reports_usage`: the client asked for the token usage of a stream."""
        self._fields: dict[str, Any] = {"usage": None} if reports_usage else {}  # numbers come in the last chunk
        self._identity = {"id": f"chatcmpl-{new_id().hex}", "created": int(time.time()), "model": model}

    def chunk(self, delta: dict[str, Any], reason: str | None = None, **fields: Any) -> bytes:
        """Return one server-sent event with a delta; `fields` are further top-level fields."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return format_event(
            {**self._identity, "object": "chat.completion.chunk", "choices": [choice], **self._fields, **fields}
        )

    def usage(self, usage: Usage | None) -> bytes:
        """Return the last event of a stream, which holds the token usage and no choice."""
        return format_event(
            {**self._identity, "object": "chat.completion.chunk", "choices": [], "usage": format_usage(usage)}
        )

    def completion(
        self, text: str, calls: Sequence[ToolCall], reason: str, usage: Usage | None, **fields: Any
    ) -> dict[str, Any]:
        """Return the body of a completion that is not streamed."""
        message: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else ""), "refusal": None}
        if calls:
            message["tool_calls"] = format_tool_calls(calls)
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
        return {
            **self._identity,
            "object": "chat.completion",
            "choices": [choice],
            "usage": format_usage(usage),
            **fields,
        }


def format_model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "openbook"}


def format_event(value: dict[str, Any]) -> bytes:
    """Return the value as one server-sent event."""
    return b"data: " + orjson.dumps(value) + b"\n\n"


def get_finish_reason(reason: str) -> str:
    """Return the `finish_reason` of the protocol for the reason why an answer ended."""
    return _FINISH_REASONS.get(reason, "stop")


def format_tool_calls(calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    """Return tool calls in the shape of the protocol, numbered by `index`."""
    return [
        {
            "index": index,
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for index, call in enumerate(calls)
    ]


def format_usage(usage: Usage | None) -> dict[str, Any]:
    """Return token counts in the shape of the protocol; zeros if the server reported none."""
    prompt, written = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
    return {
        "prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens if usage else 0},
    }  # fmt: skip


def format_evidence(turn: Turn, offset: int) -> dict[str, Any]:
    """Return quotes, sources, citations and search facts of the turn under `openbook`.

    Citation spans are character offsets in the content, which begins with `offset` characters of quotes.
    """
    return {
        "openbook": {
            "quotes": [{"text": quote.text, "source": quote.source} for quote in turn.quotes],
            "sources": [_format_source(item) for item in turn.passages],
            "citations": [_format_citation(cite, offset) for cite in turn.citations],
            "grounded": turn.is_grounded,
            "unread_languages": turn.unread_languages,
            "outcome": _get_outcome(turn),
            "nothing_found": turn.presented.no_results is not None,
            "searched": (turn.presented.no_results or {}).get("searched"),
        }
    }


def _get_outcome(turn: Turn) -> str:
    if turn.presented.no_results is None:
        return "answered"
    return "nearest" if turn.quotes else "nothing"


def _format_source(item: NumberedPassage) -> dict[str, Any]:
    passage = item.passage
    return {
        "number": item.number, "document_id": str(passage.document_id), "collection_id": str(passage.collection_id),
        "title": passage.title, "page_number": passage.page_number, "text": passage.text,
        "relevance": round(passage.relevance, 4),
    }  # fmt: skip


def _format_citation(cite: SentenceCitation, offset: int) -> dict[str, Any]:
    """Return one citation. `source` is null if no passage supports the sentence; `tool` names the tool that does."""
    return {
        "start": cite.start + offset, "end": cite.end + offset, "source": cite.source, "score": round(cite.score, 4),
        "tool": cite.tool, "state": get_sentence_state([cite]),
        "compare_with": cite.compared, "checked_by": cite.checked_by,
    }  # fmt: skip

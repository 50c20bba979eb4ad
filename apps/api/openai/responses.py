"""Answers in the shape of the OpenAI protocol, with what this product knows beside them under `openbook`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import orjson

from apps.conversations.evidence.source_numbering import NumberedPassage
from apps.conversations.grounding.citer import SentenceCitation
from apps.conversations.grounding.sentence_state import get_sentence_state
from apps.conversations.turns.state import LOOP_FINISH, Turn
from apps.engines.types import ToolCall, Usage
from apps.lib.ids import new_id

DONE = b"data: [DONE]\n\n"
_ENDS = {"length": "length", LOOP_FINISH: "length", "tool_calls": "tool_calls", "content_filter": "content_filter"}


class StreamReply:
    """One answer on its way to a client."""

    def __init__(self, model: str, *, counted: bool) -> None:
        self._beside: dict[str, Any] = {"usage": None} if counted else {}  # of a chunk: what was used comes in the last
        self._head = {"id": f"chatcmpl-{new_id().hex}", "created": int(time.time()), "model": model}

    def chunk(self, delta: dict[str, Any], reason: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return format_event(
            {**self._head, "object": "chat.completion.chunk", "choices": [choice], **self._beside, **more}
        )

    def usage(self, used: Usage | None) -> bytes:
        return format_event(
            {**self._head, "object": "chat.completion.chunk", "choices": [], "usage": format_usage(used)}
        )

    def whole(
        self, text: str, calls: Sequence[ToolCall], reason: str, used: Usage | None, **more: Any
    ) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else ""), "refusal": None}
        if calls:
            message["tool_calls"] = format_tool_calls(calls)
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
        return {**self._head, "object": "chat.completion", "choices": [choice], "usage": format_usage(used), **more}


def format_model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "openbook"}


def format_event(value: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def get_finish_reason(reason: str) -> str:
    """The protocol's word for how an answer ended."""
    return _ENDS.get(reason, "stop")


def format_tool_calls(calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    return [
        {
            "index": index,
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for index, call in enumerate(calls)
    ]


def format_usage(used: Usage | None) -> dict[str, Any]:
    prompt, written = (used.prompt_tokens, used.completion_tokens) if used else (0, 0)
    return {
        "prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written,
        "prompt_tokens_details": {"cached_tokens": used.cached_tokens if used else 0},
    }  # fmt: skip


def format_evidence(turn: Turn, offset: int) -> dict[str, Any]:
    """What the answer rests on. Spans are characters of the content, which begins with `offset` of quotes."""
    return {
        "openbook": {
            "sources": [_source(item) for item in turn.placed],
            "citations": [_cite(cite, offset) for cite in turn.cites],
            "grounded": turn.grounded,
            "unread_languages": turn.unread_languages,
            "nothing_found": turn.nothing is not None,
            "searched": (turn.nothing or {}).get("searched"),
        }
    }


def _source(item: NumberedPassage) -> dict[str, Any]:
    passage = item.passage
    return {
        "number": item.number, "document_id": str(passage.document_id), "collection_id": str(passage.collection_id),
        "title": passage.title, "page_number": passage.page_number, "text": passage.text,
        "relevance": round(passage.relevance, 4),
    }  # fmt: skip


def _cite(cite: SentenceCitation, offset: int) -> dict[str, Any]:
    """`source` is null where no passage supports the sentence; `tool` names that whose result does."""
    return {
        "start": cite.start + offset, "end": cite.end + offset, "source": cite.source, "score": round(cite.score, 4),
        "tool": cite.tool, "state": get_sentence_state([cite]),
    }  # fmt: skip

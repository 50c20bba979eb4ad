"""Record how an answer was made: timings, search, exact prompt, token probabilities and verdicts.

Stored compressed when the turn closes, in a row of its own. The record holds no text of documents: passages of the
prompt are placeholders with source number, page and spans. `history/trace_view.py` fills in what the viewer may read.

Entry points: `record_turn`, `pack_trace`, `unpack_trace`, `redact_for_readers`.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from apps.conversations.core.numbered_sources import NumberedPassage
from apps.conversations.core.turn_input import TurnInput
from apps.conversations.evidence.running_sources import PassageLine
from apps.conversations.evidence.source_numbering import format_passage_line, format_prompted_line
from apps.conversations.turns.step_results import Prompted, Retrieved, Verified, Written
from apps.documents.retrieval.hit_explanation import explain_hit
from apps.engines.types import TokenProb
from apps.safety.detectors import canary
from apps.safety.text.redaction_marks import REDACTION_CHARACTER

FORMAT_VERSION = 1
WRITING_STAGE = "Model wrote the answer"
PLACEHOLDER = "\x00{}\x00"  # stands for a passage; no accepted text holds that character
_STAGES = (
    ("check", "Question checked"), ("embed", "Meaning of the question"), ("index", "Index searched"),
    ("read", "Passages read and ranked"), ("rewrite", "Waited for the model to rewrite the follow-up"),
    ("see", "Attached pictures read"), ("cut", (
        "Passages shortened to their best sentences"
    )), ("sections", "Whole sections read"), ("prompt", "Prompt assembled"),
)  # fmt: skip
_TOKENS = 4000  # tokens recorded of an answer, at most
_SCORES = ("bm25", "cosine", "score", "relevance")
_DIGITS = 3

Spans = list[list[int]]


def record_turn(
    turn_input: TurnInput,
    *,
    timings: Mapping[str, float],
    retrieved: Retrieved | None,
    prompted: Prompted | None,
    passages: Sequence[NumberedPassage],
    tool_lines: Sequence[PassageLine],
    written: Written,
    verified: Verified,
    verdicts: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return the trace of a turn as JSON values, from the results of its steps. `timings` are in milliseconds.

    `verdicts` are those of `Findings.make_trace_records`.
    """
    text = written.text
    return {
        "format": FORMAT_VERSION,
        "timeline": _list_stages(timings, verify_ms=verified.ms if passages and text else None),
        "search": _record_search(turn_input, retrieved, passages),
        "prompt": _record_prompt(turn_input, prompted, passages, tool_lines),
        # Tokens would spell out what the gate redacted in the text.
        "tokens": []
        if REDACTION_CHARACTER in text
        else _record_tokens(written.tokens, len(text) - len(turn_input.text_so_far)),
        "pieces": written.piece_count,
        "thoughts": written.reasoning,
        "verdicts": verdicts,
    }


def pack_trace(value: dict[str, Any]) -> bytes:
    """Return the trace as compressed JSON for `AnswerTrace.data`."""
    return zlib.compress(orjson.dumps(value), 6)


def unpack_trace(data: bytes) -> dict[str, Any]:
    """Return the trace of the compressed JSON."""
    value: dict[str, Any] = orjson.loads(zlib.decompress(data))
    return value


def redact_for_readers(value: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a trace that readers of a shared link may see: timings and probabilities of the shown tokens.

    Search, prompt, reasoning, verdicts and alternative tokens are removed, since they may tell of documents or of a
    user.
    """
    tokens = [[text, logprob, []] for text, logprob, _others in value["tokens"]]
    nothing: dict[str, Any] = {"search": None, "prompt": None, "thoughts": "", "verdicts": []}
    return {**value, **nothing, "tokens": tokens, "shared": True}


def _list_stages(times: Mapping[str, float], *, verify_ms: float | None) -> list[dict[str, Any]]:
    """Return the stages of the turn in order, with milliseconds. `verify_ms` is None if nothing was verified."""
    shown = [(words, times[name]) for name, words in _STAGES if name in times]
    rows: list[dict[str, Any]] = [{"words": words, "ms": round(ms, 1)} for words, ms in shown]
    if "first_token" in times:
        before = sum(row["ms"] for row in rows)
        rows.append({"words": "Model read the prompt", "ms": round(max(0.0, times["first_token"] - before), 1)})
    if "last_token" in times and "first_token" in times:
        thinking = min(times.get("thinking", 0.0), times["last_token"] - times["first_token"])
        if thinking:
            rows.append({"words": "Model thought", "ms": round(thinking, 1)})
        rows.append({"words": WRITING_STAGE, "ms": round(times["last_token"] - times["first_token"] - thinking, 1)})
    if verify_ms is not None:
        rows.append({"words": "Sentences verified while writing", "ms": round(verify_ms, 1)})
    return rows


def _record_search(
    turn_input: TurnInput, retrieved: Retrieved | None, passages: Sequence[NumberedPassage]
) -> dict[str, Any] | None:
    if retrieved is None:
        return None
    found, numbers = retrieved.result, {item.passage.chunk_id: item.number for item in passages}
    candidates = []
    for hit in found.hits:
        rank, why = explain_hit(hit, found)
        number = numbers.get(found.passages[rank - 1].chunk_id, 0) if rank else 0
        candidates.append(
            {
                "document": str(hit.document_id), "page": hit.page_number, "number": number, "why": why,
                "kept": bool(rank), **{name: round(float(getattr(hit, name)), _DIGITS) for name in _SCORES},
            }
        )  # fmt: skip
    return {
        "query": found.query, "searched": list(found.searched), "least": round(found.threshold, _DIGITS),
        "filters": turn_input.filters.record(), "candidates": candidates,
        "budget": found.token_budget, "whole": "sections" in found.ms, "no_room": len(found.no_room),
    }  # fmt: skip


def _record_prompt(
    turn_input: TurnInput,
    prompted: Prompted | None,
    passages: Sequence[NumberedPassage],
    tool_lines: Sequence[PassageLine],
) -> dict[str, Any] | None:
    """Return the messages of the request; None if the model was not asked.

    Lines that quote a document are replaced by references to "places": (source number, page, spans). The canary
    token is masked.
    """
    if prompted is None:
        return None
    given = [item for past in turn_input.history for item in past.sources]
    lines = [(format_prompted_line(item), item.number, item.page_number, item.spans) for item in given]
    lines += [
        (format_passage_line(item), item.number, item.passage.page_number, item.new_spans)
        for item in passages
        if item.new_spans
    ]
    lines += [(line.text, line.number, line.page_number, line.spans) for line in tool_lines]
    placeholders: list[tuple[int, int, Spans]] = []
    messages = []
    for message in prompted.request.messages:
        content = message.content + "".join(f"\n{call.name}({call.arguments})" for call in message.calls)
        for line, number, page, spans in lines:
            if line in content:
                content = content.replace(line, PLACEHOLDER.format(len(placeholders)), 1)
                placeholders.append((number, page, [list(span) for span in spans]))
        messages.append({"role": message.role, "content": canary.mask_canary(content)})
    return {"messages": messages, "places": placeholders}


def _record_tokens(tokens: Sequence[TokenProb], length: int) -> list[Any]:
    """Return `[text, log probability, alternatives]` of the tokens within the approved text of that length.

    Tokens that the gate withheld are left out; a token that reaches into them is cut.
    """
    recorded: list[Any] = []
    for token in tokens[:_TOKENS]:
        if length < len(token.token):
            recorded += [[token.token[:length], _round_logprob(token.logprob), []]] if length > 0 else []
            break
        length -= len(token.token)
        others = [[text, _round_logprob(value)] for text, value in token.alternatives if text != token.token]
        recorded.append([token.token, _round_logprob(token.logprob), others])
    return recorded


def _round_logprob(logprob: float) -> float:
    return round(max(logprob, -99.0), 2) if math.isfinite(logprob) else -99.0

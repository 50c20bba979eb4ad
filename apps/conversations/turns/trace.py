"""What lies behind an answer: how it was searched for, the exact prompt, the tokens and what else the model weighed.

Recorded when the turn closes, compressed, in a row of its own that nothing reads until somebody opens it. It holds no
word of a document: where the prompt has a passage the record has its number and spans, and whoever opens it sees the
words that they may read at that moment.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import Any

import orjson

from apps.conversations.evidence.source_numbering import format_passage_line, format_prompted_line
from apps.conversations.moderation import findings
from apps.conversations.turns.state import Turn
from apps.documents.retrieval.hit_explanation import explain_hit
from apps.engines.types import TokenProb
from apps.safety.detectors import canary
from apps.safety.text.redaction_marks import REDACTION_CHARACTER

FORMAT_VERSION = 1
WRITING_STAGE = "Model wrote the answer"
PLACEHOLDER = "\x00{}\x00"  # where a passage stood; no text that was let in holds that character
_STAGES = (
    ("check", "Question checked"), ("embed", "Meaning of the question"), ("index", "Index searched"),
    ("read", "Passages read and ranked"), ("rewrite", "Waited for the model to rewrite the follow-up"),
    ("see", "Attached pictures read"), ("cut", "Passages cut to their best sentences"), ("prompt", "Prompt laid out"),
)  # fmt: skip
_TOKENS = 4000  # recorded of an answer
_SCORES = ("bm25", "cosine", "score", "relevance")
_DIGITS = 3

Spans = list[list[int]]


def record_turn(turn: Turn) -> dict[str, Any]:
    """All of it as JSON values."""
    return {
        "format": FORMAT_VERSION,
        "timeline": _timeline(turn),
        "search": _search(turn),
        "prompt": _prompt(turn),
        # They spell what the gate took out too.
        "tokens": []
        if REDACTION_CHARACTER in turn.text
        else _tokens(turn.tokens, len(turn.text) - len(turn.opening.written)),
        "pieces": turn.pieces,
        "thoughts": turn.thoughts,
        "verdicts": findings.make_trace_records(turn),
    }


def pack_trace(value: dict[str, Any]) -> bytes:
    return zlib.compress(orjson.dumps(value), 6)


def unpack_trace(data: bytes) -> dict[str, Any]:
    value: dict[str, Any] = orjson.loads(zlib.decompress(data))
    return value


def redact_for_readers(value: dict[str, Any]) -> dict[str, Any]:
    """What of a record goes with an answer to people who read it by a link: how long it took and how sure the model was
    of the words that they read. Not what was asked for with it, how that was judged, what was searched, or what else
    the model had in mind: all of that may speak of documents and of a person."""
    tokens = [[text, logprob, []] for text, logprob, _others in value["tokens"]]
    nothing: dict[str, Any] = {"search": None, "prompt": None, "thoughts": "", "verdicts": []}
    return {**value, **nothing, "tokens": tokens, "shared": True}


def _timeline(turn: Turn) -> list[dict[str, Any]]:
    """What took how long, in milliseconds, in order."""
    times = turn.timings
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
    if turn.placed and turn.text:
        rows.append({"words": "Sentences verified, beside the writing", "ms": round(turn.verifier.ms, 1)})
    return rows


def _search(turn: Turn) -> dict[str, Any] | None:
    found = turn.found
    if found is None:
        return None
    numbers = {item.passage.chunk_id: item.number for item in turn.placed}
    candidates = []
    for hit in found.hits:
        place, why = explain_hit(hit, found)
        number = numbers.get(found.passages[place - 1].chunk_id, 0) if place else 0
        candidates.append(
            {
                "document": str(hit.document_id), "page": hit.page_number, "number": number, "why": why,
                "kept": bool(place), **{name: round(float(getattr(hit, name)), _DIGITS) for name in _SCORES},
            }
        )  # fmt: skip
    return {
        "query": found.query, "searched": list(found.searched), "least": round(found.least, _DIGITS),
        "filters": turn.opening.filters.record(), "candidates": candidates,
    }  # fmt: skip


def _prompt(turn: Turn) -> dict[str, Any] | None:
    """The messages, with a place instead of each line that quotes a document: [number, page, spans], and a
    gap instead of the mark of the system text."""
    if turn.request is None:
        return None
    given = [item for past in turn.opening.history for item in past.given]
    lines = [(format_prompted_line(item), item.number, item.page_number, item.spans) for item in given]
    lines += [
        (format_passage_line(item), item.number, item.passage.page_number, item.fresh)
        for item in turn.placed
        if item.fresh
    ] + turn.lines
    places: list[tuple[int, int, Spans]] = []
    messages = []
    for message in turn.request.messages:
        content = message.content + "".join(f"\n{call.name}({call.arguments})" for call in message.calls)
        for line, number, page, spans in lines:
            if line in content:
                content = content.replace(line, PLACEHOLDER.format(len(places)), 1)
                places.append((number, page, [list(span) for span in spans]))
        messages.append({"role": message.role, "content": canary.mask_canary(content)})
    return {"messages": messages, "places": places}


def _tokens(tokens: Sequence[TokenProb], length: int) -> list[Any]:
    """The tokens of what was let through, `[text, log probability, alternatives]`; the gate's catch is not kept, nor
    what of a token reaches into it."""
    kept: list[Any] = []
    for token in tokens[:_TOKENS]:
        if length < len(token.token):
            kept += [[token.token[:length], _rounded(token.logprob), []]] if length > 0 else []
            break
        length -= len(token.token)
        others = [[text, _rounded(value)] for text, value in token.alternatives if text != token.token]
        kept.append([token.token, _rounded(token.logprob), others])
    return kept


def _rounded(logprob: float) -> float:
    return round(max(logprob, -99.0), 2) if math.isfinite(logprob) else -99.0

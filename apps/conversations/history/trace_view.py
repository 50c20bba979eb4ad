"""Build the trace of an answer for a page: the record of `turns/trace.py`, with passages that the viewer may read.

Entry points: `build_trace_view` for the owner, `build_shared_trace_view` for readers of a link, `load_reasoning`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from django.utils.translation import gettext_lazy

from apps.conversations.assistants import support_rates
from apps.conversations.core import sampling
from apps.conversations.evidence.source_numbering import format_source_line
from apps.conversations.models import AnswerTrace, Citation, Message, Source
from apps.conversations.moderation import withheld_records
from apps.conversations.turns import context_usage, trace
from apps.documents.models import Document
from apps.documents.retrieval import filters, hit_explanation, search
from apps.safety.models.strictness import Strictness
from apps.users.models import User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PASSAGE_GONE = gettext_lazy("a passage that was deleted, or that you no longer have access to")
_PLACE = re.compile(r"\x00(\d+)\x00")
_LEVELS = (0.9, 0.6, 0.3, 0.1)  # lower bounds of a token's probability, one colour each
# Of the search, what readers of a shared link may see; the query is left out where they do not see the question.
_SHARED_SEARCH = ("query", "least", "candidates", "budget", "whole")
_USAGE: Mapping[str, StrOrPromise] = {
    "writer": gettext_lazy("Selected model"),
    "prompt_tokens": gettext_lazy("Tokens read"), "cached_tokens": gettext_lazy("of these from the cache"),
    "completion_tokens": gettext_lazy("Tokens written"), "finish": gettext_lazy("Stop reason"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TokenView:
    """Token of the answer, with its probability and alternatives."""

    text: str
    level: int  # 0 (sure) to 4 (could as well have written something else)
    percent: str
    alternatives: str  # JSON: [[text, percent], …], the likeliest first


@dataclass(frozen=True, slots=True)
class SentenceView:
    """Sentence of the answer, with its best support."""

    text: str
    number: int | None  # number of the best supporting source
    score: float
    tool: str  # tool whose result supports it, if no source does
    quoted: bool
    compared: int | None = None  # number of the source to compare it with, if nothing supports it
    contradicted: bool = False  # whether that source says otherwise
    checked_by: str = ""  # model of the judge; "" for the built-in check


def build_trace_view(user: User, answer: Message) -> dict[str, Any] | None:
    """Return the template context; None if no trace is recorded, or a message of the conversation is retracted.

    The caller checks that the answer is the user's.
    """
    row = AnswerTrace.objects.filter(answer=answer).first()
    if row is None or withheld_records.is_withheld(answer.conversation_id):
        return None
    return _build_context(user, answer, trace.unpack_trace(bytes(row.data)), len(row.data))


def build_shared_trace_view(user: User, answer: Message, *, passages: bool, asked: bool) -> dict[str, Any] | None:
    """Return the template context for a reader of a shared link; None if no trace is recorded.

    Prompt, reasoning and alternative tokens are never included, since they may tell of documents or of the asker. With
    `passages`, found documents that the reader may read are listed, and sources of sentences. With `asked`, the search
    query too, which is made from all questions.
    """
    row = AnswerTrace.objects.filter(answer=answer).first()
    if row is None:
        return None
    value = trace.unpack_trace(bytes(row.data))
    search = {name: value["search"].get(name) for name in _SHARED_SEARCH} if passages and value["search"] else None
    shown = _build_context(user, answer, {**trace.redact_for_readers(value), "search": search}, len(row.data))
    if search is not None:
        found = [item for item in shown["search"]["candidates"] if item["title"]]
        kept = sum(item["kept"] for item in found)
        query = shown["search"]["query"] if asked else ""
        shown["search"] |= {"candidates": found, "kept": kept, "query": query}
    return shown | {"linked": True, "shared": False, "window": None} | ({} if passages else {"sentences": []})


def _build_context(user: User, answer: Message, value: dict[str, Any], size: int) -> dict[str, Any]:
    asked, noted = answer.parent.text if answer.parent else "", answer.usage
    usage = [(words, noted[name]) for name, words in _USAGE.items() if noted.get(name) not in (None, "", [])]
    return {
        "answer": answer, "asked": asked, "kilobytes": f"{size / 1024:.1f}",
        "timeline": value["timeline"], "longest": max((row["ms"] for row in value["timeline"]), default=1) or 1,
        "search": _search(user, value["search"]), "prompt": _fill_messages(user, answer, value["prompt"]),
        "verdicts": value.get("verdicts", []), "thoughts": value.get("thoughts", ""),
        "window": context_usage.describe_usage(context_usage.read_usage(answer)),
        "tokens": [_make_token(*item) for item in value["tokens"]], "pieces": value["pieces"],
        "sentences": _list_sentences(answer), "usage": usage,
        "rates": [support_rates.describe_calibration(one) for one in support_rates.find_calibrations()],
        "shared": value.get("shared", False),
        "safety": Strictness(answer.usage["safety"]).label if answer.usage.get("safety") in Strictness.values else "",
        "settings": sampling.describe_sampling(answer.usage.get("sampling", {})), "rate": _describe_rate(answer, value),
    }  # fmt: skip


def load_reasoning(answers: Sequence[Message]) -> dict[UUID, str]:
    """Return the reasoning by answer id; answers without any are left out. One query."""
    having = [row.pk for row in answers if row.usage.get("thoughts")]
    rows = AnswerTrace.objects.filter(answer__in=having) if having else ()
    return {row.answer_id: str(trace.unpack_trace(bytes(row.data)).get("thoughts", "")) for row in rows}


def _search(user: User, value: dict[str, Any] | None) -> dict[str, Any] | None:
    if value is None:
        return None
    wanted = {UUID(item["document"]) for item in value["candidates"]}
    known = Document.objects.visible_to(user).in_bulk(wanted)
    rows = [
        {
            **item, "why": hit_explanation.translate_reason(item["why"]),
            "title": str(found) if (found := known.get(UUID(item["document"]))) else "",
        }
        for item in value["candidates"]
    ]  # fmt: skip
    return {
        **value,
        "only": filters.parse_stored_filters(value.get("filters", {})).words,
        "candidates": sorted(rows, key=lambda item: not item["kept"]),
        "kept": sum(item["kept"] for item in rows),
    }


def _fill_messages(user: User, answer: Message, value: dict[str, Any] | None) -> list[dict[str, str]]:
    if value is None:
        return []
    numbers = [location[0] for location in value["places"]]
    rows = Source.objects.filter(conversation=answer.conversation_id, number__in=numbers).select_related("document")
    sources = {row.number: row for row in rows}
    locations = [(sources[n].document_id if n in sources else None, page, spans) for n, page, spans in value["places"]]
    texts = search.read_spans(user, locations)
    lines = [
        _format_line(sources.get(location[0]), location, text)
        for location, text in zip(value["places"], texts, strict=True)
    ]
    return [
        {"role": item["role"], "content": _PLACE.sub(lambda found: lines[int(found[1])], item["content"])}
        for item in value["messages"]
    ]


def _format_line(source: Source | None, location: Sequence[Any], text: str | None) -> str:
    if source is None or source.document is None or text is None:
        return f"[{location[0]}] {PASSAGE_GONE}"
    page = source.page_number if source.document.has_pages else None
    return format_source_line(source.number, str(source.document), page, text)


def _make_token(text: str, logprob: float, others: Sequence[Sequence[Any]]) -> TokenView:
    share = math.exp(min(0.0, logprob))
    level = next((level for level, bound in enumerate(_LEVELS) if share >= bound), len(_LEVELS))
    weighed = [[other, _percent(math.exp(min(0.0, value)))] for other, value in others]
    return TokenView(text, level, _percent(share), orjson.dumps(weighed).decode())


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.095 else f"{share:.1%}" if share >= 0.001 else "< 0.1%"


def _list_sentences(answer: Message) -> list[SentenceView]:
    found: dict[int, SentenceView] = {}
    for cite in Citation.objects.filter(answer=answer).select_related("source").order_by("sentence", "-score"):
        number = cite.source.number if cite.source else None
        text = answer.text[cite.start : cite.end]
        how = cite.tool, cite.quoted, cite.compared, cite.contradicted, cite.checked_by
        found.setdefault(cite.sentence, SentenceView(text, number, cite.score, *how))
    return list(found.values())


def _describe_rate(answer: Message, value: dict[str, Any]) -> str:
    """Return the tokens per second while the model wrote; "" if unknown."""
    ms = next((row["ms"] for row in value["timeline"] if row["words"] == trace.WRITING_STAGE), 0.0)
    count = answer.usage.get("completion_tokens", 0)
    return f"{1000 * count / ms:.0f}" if ms > 0 and count else ""

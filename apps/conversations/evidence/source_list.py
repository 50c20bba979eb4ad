"""The parts of an answer beside its text, as HTML: the same for the stream and for a reload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.template.loader import render_to_string

from apps.conversations.core.document_request import recognise_request
from apps.conversations.grounding.quotable_runs import QuotedRow
from apps.documents.retrieval import filters


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source as a page shows it. `gone`: deleted, or no longer this person's to read; then nothing else is known."""

    number: int
    href: str
    title: str = ""
    page: int | None = None
    heading: str = ""
    snippet: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class QuoteView:
    number: int
    href: str
    text: str
    title: str
    page: int | None
    table: QuotedRow | None = None  # where it is a row of a table
    side: int = -1  # of a comparison, 0 or 1


def get_source_url(answer: UUID, number: int) -> str:
    return f"/answers/{answer}/sources/{number}/"


def render_sources(
    answer: UUID, used: Sequence[SourceView], also: Sequence[SourceView], *, nearest: bool = False
) -> str:
    """Render the list of sources. `nearest`: nothing was found, and `also` are the passages nearest to the question."""
    shown = {"answer": answer, "used": used, "also": also, "nearest": nearest}
    return render_to_string("conversations/evidence/_source_list.html", shown)


def render_quotes(answer: UUID, quoted: Sequence[QuoteView], model: str, question: str = "") -> str:
    """Render the quotes; those of a comparison side by side, under the names that the question gives its sides."""
    if not quoted:
        return ""
    sides = []
    if any(quote.side >= 0 for quote in quoted):
        request = recognise_request(question)
        names = (request.sides if request else ()) or ("", "")
        sides = [(name, [quote for quote in quoted if quote.side == at]) for at, name in enumerate(names)]
    shown = {"answer": answer, "quotes": quoted, "model": model, "sides": sides}
    return render_to_string("conversations/evidence/_quotes.html", shown)


def render_no_results(searched: dict[str, Any]) -> str:
    only = filters.parse_stored_filters(searched.get("filters", {})).words
    by_words = [filters.get_language_label(code) for code in searched.get("by_words", ())]
    return render_to_string(
        "conversations/evidence/_nothing_found.html", {**searched, "only": only, "by_words": by_words}
    )

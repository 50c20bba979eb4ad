"""Search one collection for a question as the chat does, with the score and fate of every hit."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.formats import number_format

from apps.conversations.assistants.reading_budget import SMALL_BUDGET
from apps.documents.models import Collection
from apps.documents.retrieval.candidates import SearchScope
from apps.documents.retrieval.filters import SearchFilters
from apps.documents.retrieval.hit_explanation import explain_hit, translate_reason
from apps.documents.retrieval.passages import SearchHit
from apps.documents.retrieval.search import SearchResult, search
from apps.evaluation.golden_questions.measures import QuotedSentence
from apps.grounding import quote_selection
from apps.safety.gate.gate import normalise

if TYPE_CHECKING:
    from apps.users.models import AnyUser


@dataclass(frozen=True, slots=True)
class ScoredHit:
    """Hit with its place among the passages that an answer would get, from 1; 0 if it is dropped. `reason` says why."""

    hit: SearchHit
    position: int
    reason: str

    @property
    def used(self) -> bool:
        return bool(self.position)


@dataclass(frozen=True, slots=True)
class SearchPreview:
    """Result of a search with all hits scored."""

    result: SearchResult
    scored_hits: tuple[ScoredHit, ...]  # used hits, then dropped ones, each best first

    @property
    def milliseconds(self) -> int:
        return round(sum(self.result.ms.values()))

    @property
    def threshold(self) -> str:
        return number_format(self.result.threshold, 2)

    @property
    def used(self) -> list[ScoredHit]:
        return [item for item in self.scored_hits if item.used]

    @property
    def dropped(self) -> list[ScoredHit]:
        return [item for item in self.scored_hits if not item.used]


def preview_search(
    user: AnyUser, collection: Collection, question: str, filters: SearchFilters | None = None
) -> SearchPreview:
    """Return the search result with every hit scored. Raises EngineError if embedder or index fail."""
    result = _search(user, collection, question, filters=filters)
    return SearchPreview(
        result, tuple(sorted((_score_hit(hit, result) for hit in result.hits), key=lambda item: not item.used))
    )


def search_and_quote(
    user: AnyUser, collection: Collection, question: str, scope: SearchScope | None = None
) -> tuple[SearchResult, list[QuotedSentence]]:
    """Return the search result, and the sentences that an answer would quote first. Raises EngineError.

    `scope`: an index build to search in; None: the live index.
    """
    result = _search(user, collection, question, scope=scope)
    numbered = dict(enumerate(result.passages))
    chosen = quote_selection.select_quotes(result.query, numbered, result.idf)
    quoted_passages = [(quote, numbered[quote.source]) for quote in chosen]
    return result, [
        QuotedSentence(p.document_id, p.page_number, quote.start, quote.end, quote.text) for quote, p in quoted_passages
    ]


def _search(user: AnyUser, collection: Collection, question: str, **options: Any) -> SearchResult:
    return asyncio.run(
        search(user, normalise(question), collections=[collection.pk], token_budget=SMALL_BUDGET, **options)
    )


def _score_hit(hit: SearchHit, result: SearchResult) -> ScoredHit:
    position, reason = explain_hit(hit, result)
    return ScoredHit(hit, position, translate_reason(reason))

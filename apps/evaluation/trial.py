"""A question put to one collection as the chat puts it, and what became of everything that was found."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.conversations.grounding import quote_selection
from apps.conversations.turns.retrieval import TOKEN_BUDGET
from apps.documents.candidates import Scope
from apps.documents.fates import fate, shown
from apps.documents.filters import Filters
from apps.documents.models import Collection
from apps.documents.passages import Hit
from apps.documents.search import Found, search
from apps.evaluation.measures import Quoted
from apps.lib.threads import in_pool
from apps.safety.gate import normalise

if TYPE_CHECKING:
    from apps.documents.models import Reader


@dataclass(frozen=True, slots=True)
class Weighed:
    """One hit and its fate. `place` counts the passages that an answer would get, from 1; 0: it gets this one not."""

    hit: Hit
    place: int
    why: str

    @property
    def used(self) -> bool:
        return bool(self.place)


@dataclass(frozen=True, slots=True)
class Trial:
    found: Found
    weighed: tuple[Weighed, ...]  # first what is used, then what is not, each best first

    @property
    def milliseconds(self) -> int:
        return round(sum(self.found.ms.values()))

    @property
    def least(self) -> str:
        return f"{self.found.least:.2f}"

    @property
    def used(self) -> list[Weighed]:
        return [item for item in self.weighed if item.used]

    @property
    def dropped(self) -> list[Weighed]:
        return [item for item in self.weighed if not item.used]


def ask(user: Reader, collection: Collection, question: str, filters: Filters | None = None) -> Trial:
    """Raises EngineError where embedder or index cannot serve."""
    found = asyncio.run(_search(user, collection, question, filters=filters))
    return Trial(found, tuple(sorted((_weighed(hit, found) for hit in found.hits), key=lambda item: not item.used)))


def ask_and_quote(
    user: Reader, collection: Collection, question: str, scope: Scope | None = None
) -> tuple[Found, list[Quoted]]:
    """What is found (in `scope`, if given), and the sentences that an answer would show first. Raises EngineError."""
    return asyncio.run(_quoted(user, collection, question, scope))


async def _quoted(
    user: Reader, collection: Collection, question: str, scope: Scope | None
) -> tuple[Found, list[Quoted]]:
    found = await _search(user, collection, question, scope)
    numbered = dict(enumerate(found.passages))
    chosen = await in_pool(quote_selection.select_quotes, found.query, found.vector, numbered, found.idf)
    places = [(quote, numbered[quote.source]) for quote in chosen]
    return found, [Quoted(p.document_id, p.page_number, quote.start, quote.end, quote.text) for quote, p in places]


async def _search(
    user: Reader, collection: Collection, question: str, scope: Scope | None = None, filters: Filters | None = None
) -> Found:
    return await search(
        user, normalise(question), collections=[collection.pk], token_budget=TOKEN_BUDGET, scope=scope, filters=filters
    )


def _weighed(hit: Hit, found: Found) -> Weighed:
    place, why = fate(hit, found)
    return Weighed(hit, place, shown(why))

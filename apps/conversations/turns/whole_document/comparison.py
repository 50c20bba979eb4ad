"""Search for both sides of a comparison, so that quotes about each stand side by side. Entry point: `find_sides`."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils.translation import ngettext

from apps.conversations.core.document_request import DocumentRequest
from apps.conversations.evidence import source_numbering
from apps.conversations.turns import retrieval
from apps.conversations.turns.step_results import Retrieved
from apps.conversations.turns.whole_document.document_choice import find_named_document, read_scope
from apps.documents.retrieval.spelling_correction import replace_words
from apps.grounding import quote_selection
from apps.lib.concurrency.threads import in_db, in_pool

if TYPE_CHECKING:
    from apps.conversations.core.turn_input import TurnInput
    from apps.conversations.turns.state import Turn
    from apps.documents.retrieval.candidates import SearchScope
    from apps.documents.retrieval.search import SearchResult
    from apps.grounding.quote_selection import Quote

MAX_QUOTES_PER_SIDE = 2


@dataclass(frozen=True, slots=True)
class _Side:
    """Search result of one side of a comparison. `query` is the searched text, spelling corrected."""

    query: str
    search_result: SearchResult


async def find_sides(turn: Turn, request: DocumentRequest, files: retrieval.FileWait) -> Retrieved | None:
    """Return the passages of both sides as one search result, with the quotes of each.

    Return None if a side has no quotes: the message is then answered as a question. Raise Withheld.
    """
    start = time.perf_counter()
    await retrieval.check_question(turn)
    searched = files.update_scope(turn.input)
    scope = await in_db(read_scope, searched)
    sides = [await _find_side(turn, searched, scope, name, request.aspect) for name in request.sides]
    found = [passage for side in sides for passage in side.search_result.passages]
    passages = {(passage.document_id, passage.chunk_id): passage for passage in found}
    numbered = source_numbering.number_passages(list(passages.values()), turn.input.numbers, {})
    numbers = {(item.passage.document_id, item.passage.chunk_id): item.number for item in numbered}
    chosen = await asyncio.gather(*(in_pool(_select_side_quotes, side, numbers) for side in sides))
    if not all(chosen):
        return None
    quotes = tuple(replace(quote, side=at) for at, chosen_quotes in enumerate(chosen) for quote in chosen_quotes)
    result = replace(
        sides[0].search_result,
        passages=tuple(passages.values()),
        hits=tuple(hit for side in sides for hit in side.search_result.hits),
        query="",  # a sentence may be about one side only
    )
    took = (time.perf_counter() - start) * 1000
    turn.progress.record_times(search=took)
    await turn.emit_step("search", _describe_search(request.sides, len(passages)), took)
    return Retrieved(result=result, quotes=quotes)


async def _find_side(turn: Turn, searched: TurnInput, scope: SearchScope, name: str, aspect: str) -> _Side:
    """Return what a search finds of a side. A side that names a document is searched within it, by its title if the
    request names no aspect."""
    document = await in_db(find_named_document, searched, name)
    query = f"{name} {aspect}".strip()
    if document is not None:
        scope, query = replace(scope, documents=frozenset({document.pk.hex})), aspect or str(document)
    found = await retrieval.search_other_question(turn, query, scope)
    if document is not None and not found.passages:  # a title alone says little
        found = replace(found, passages=found.nearest)
    return _Side(replace_words(query, found.corrections), found)


def _select_side_quotes(side: _Side, numbers: dict[tuple[UUID, int], int]) -> list[Quote]:
    """Return the quotes of a side, the nearest ones where it is a name that nothing answers. For `in_pool`."""
    result = side.search_result
    known = {numbers[passage.document_id, passage.chunk_id]: passage for passage in result.passages}
    return quote_selection.select_quotes(side.query, known, result.idf, MAX_QUOTES_PER_SIDE, must_answer=False)


def _describe_search(sides: tuple[str, str] | tuple[()], count: int) -> str:
    words = ngettext(
        "Searched for “%(one)s” and “%(other)s”, read %(n)s passage",
        "Searched for “%(one)s” and “%(other)s”, read %(n)s passages",
        count,
    )
    one, other = sides or ("", "")
    return words % {"one": one, "other": other, "n": count}

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
from apps.conversations.turns.whole_document import extracts
from apps.conversations.turns.whole_document.document_choice import find_named_document, read_scope
from apps.conversations.turns.whole_document.excerpt_writer import read_passages
from apps.conversations.turns.whole_document.structure import read_document
from apps.documents.retrieval.spelling_correction import replace_words
from apps.grounding import quote_selection
from apps.grounding.passage import Passage
from apps.lib.concurrency.threads import in_db, in_pool

if TYPE_CHECKING:
    from apps.conversations.core.turn_input import TurnInput
    from apps.conversations.turns.state import Turn
    from apps.documents.models import Document
    from apps.documents.retrieval.candidates import SearchScope
    from apps.documents.retrieval.search import SearchResult
    from apps.grounding.quote_selection import Quote

MAX_QUOTES_PER_SIDE = 2
_SENTENCES = 3  # central sentences of a side that is a whole document


@dataclass(frozen=True, slots=True)
class _Side:
    """Passages of one side of a comparison.

    `search_result` is None if the side is a whole document; `lines` are its central sentences then.
    """

    passages: tuple[Passage, ...]
    query: str
    search_result: SearchResult | None = None
    lines: tuple[extracts.ExtractLine, ...] = ()


async def find_sides(turn: Turn, request: DocumentRequest, files: retrieval.FileWait) -> Retrieved | None:
    """Return the passages of both sides as one search result, with the quotes of each.

    Return None if a side has no quotes: the message is then answered as a question. Raise Withheld.
    """
    start = time.perf_counter()
    await retrieval.check_question(turn)
    searched = files.update_scope(turn.input)
    scope = await in_db(read_scope, searched)
    sides = [await _find_side(turn, searched, scope, name, request.aspect) for name in request.sides]
    passages = {(passage.document_id, passage.chunk_id): passage for side in sides for passage in side.passages}
    first = next((side.search_result for side in sides if side.search_result is not None), None)
    if first is None:
        first = await retrieval.search_other_question(turn, " ".join(request.sides), scope)
    numbered = source_numbering.number_passages(list(passages.values()), turn.input.numbers, {})
    numbers = {(item.passage.document_id, item.passage.chunk_id): item.number for item in numbered}
    chosen = await asyncio.gather(*(in_pool(_select_side_quotes, side, numbers) for side in sides))
    if not all(chosen):
        return None
    quotes = tuple(replace(quote, side=at) for at, found in enumerate(chosen) for quote in found)
    result = replace(
        first, passages=tuple(passages.values()), query="",  # no query: a sentence may be about one side only
        hits=tuple(hit for side in sides if side.search_result for hit in side.search_result.hits),
    )  # fmt: skip
    took = (time.perf_counter() - start) * 1000
    turn.progress.record_times(search=took)
    await turn.emit_step("search", _describe_search(request.sides, len(passages)), took)
    return Retrieved(result=result, quotes=quotes)


async def _find_side(turn: Turn, searched: TurnInput, scope: SearchScope, name: str, aspect: str) -> _Side:
    """Return what a search finds of a side. A side that names a document is searched within it, or summarised."""
    document = await in_db(find_named_document, searched, name)
    if document is not None and not aspect:
        return await _summarise_side(turn, document)
    if document is not None:
        scope = replace(scope, documents=frozenset({document.pk.hex}))
    query = aspect if document is not None else f"{name} {aspect}".strip()
    found = await retrieval.search_other_question(turn, query, scope)
    return _Side(found.passages, replace_words(query, found.corrections), found)


async def _summarise_side(turn: Turn, document: Document) -> _Side:
    structure = await in_db(read_document, turn.input.user, document)
    lines = [line for line in await in_pool(extracts.summarise, structure) if not line.is_heading][:_SENTENCES]
    return _Side(tuple(read_passages(structure, lines)), "", None, tuple(lines))


def _select_side_quotes(side: _Side, numbers: dict[tuple[UUID, int], int]) -> list[Quote]:
    """Return the quotes of a side. For `in_pool`."""
    known = {numbers[passage.document_id, passage.chunk_id]: passage for passage in side.passages}
    if side.search_result is not None:
        return quote_selection.select_quotes(
            side.query, side.search_result.vector, known, side.search_result.idf, MAX_QUOTES_PER_SIDE
        )
    by_part = {passage.chunk_id: number for number, passage in known.items()}
    return [
        quote_selection.Quote(by_part[line.part.pk], line.start, line.end, line.text, 1.0)
        for line in side.lines
        if line.part is not None
    ]


def _describe_search(sides: tuple[str, str] | tuple[()], count: int) -> str:
    words = ngettext(
        "Searched for “%(one)s” and “%(other)s”, read %(n)s passage",
        "Searched for “%(one)s” and “%(other)s”, read %(n)s passages",
        count,
    )
    one, other = sides or ("", "")
    return words % {"one": one, "other": other, "n": count}

"""Have a model read a whole document: at once if the context window has room, else part by part with notes.

Each part is a request of its own, whose notes name sources by number. The answer is written from the notes; its
sentences are verified against the passages that the notes name. Stopping the turn ends all requests.

Entry point: `read_whole`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from django.utils.translation import gettext

from apps.conversations.core.numbered_sources import NumberedPassage
from apps.conversations.evidence import source_numbering
from apps.conversations.evidence.source_numbering import format_passage_line
from apps.conversations.models import WHOLE_DOCUMENT_STEP
from apps.conversations.turns import generation, model_queue, prompt, reasoning, retrieval
from apps.conversations.turns.step_results import Retrieved
from apps.conversations.turns.whole_document.structure import (
    DocumentPart,
    DocumentStructure,
    make_passage,
    read_document,
)
from apps.documents.retrieval.search import SearchResult
from apps.engines.types import ChatRequest, Sampling
from apps.grounding.model_citations import find_model_citations
from apps.grounding.passage import Passage
from apps.lib.concurrency.threads import in_db, in_pool

if TYPE_CHECKING:
    from apps.conversations.turns.state import Turn
    from apps.documents.models import Document

MAX_PARTS = 60  # parts of one document; a model does not read longer ones
_PASSAGE_CHARS = 3000  # characters of one source; more if the document would have over _SOURCES
_SOURCES = 400
_MARGIN = 300  # tokens for instructions, question and chat template
_LEAST_ROOM = 400  # tokens of a part, at least
_NOTES = (48, 300)  # tokens of the notes on one part, at least and at most
_FALLBACK = 2  # sources taken of a part whose notes name none


async def read_whole(turn: Turn, document: Document) -> bool:
    """Answer from the whole document. Return False, with nothing emitted, if it has no text or over MAX_PARTS parts.

    Raise Withheld and EngineError.
    """
    start = time.perf_counter()
    await retrieval.check_question(turn)
    info = await model_queue.wait_for_model(turn)
    structure = await in_db(read_document, turn.input.user, document)
    passages = source_numbering.number_passages(merge_passages(structure), turn.input.numbers, {})
    costs = await in_pool(turn.chat.count, [format_passage_line(item) for item in passages])
    room = await in_pool(_count_room, turn, info.context_tokens)
    parts = split_parts(passages, costs, room)
    if not parts or len(parts) > MAX_PARTS:
        return False
    title = {"title": str(document)}
    await turn.emit_step(WHOLE_DOCUMENT_STEP, gettext("Reading all of “%(title)s”") % title)
    found = _make_search_result(document, passages)
    turn.retrieved = retrieved = Retrieved(result=found)
    if len(parts) == 1:
        turn.prompted = prompted = await generation.build_request(turn, retrieved, generation.PromptExtras())
    else:
        notes, named = await _take_notes(turn, parts, room)
        turn.sources.replace(named)
        found = replace(found, passages=tuple(item.passage for item in named))
        turn.retrieved = retrieved = Retrieved(result=found)
        extras = generation.PromptExtras(notes=tuple(notes))
        turn.prompted = prompted = await generation.build_request(turn, None, extras)
    await turn.emit_step(
        WHOLE_DOCUMENT_STEP, gettext("Read all of “%(title)s”") % title, (time.perf_counter() - start) * 1000
    )
    async with generation.emitting_sources(turn, prompted, retrieved) as shown:
        await generation.stream_answer(turn, prompted.request, shown)
        await turn.verifier.judge_rest()
    return True


def merge_passages(structure: DocumentStructure) -> list[Passage]:
    """Return the searchable text of the document as few passages, each on one page and of limited size."""
    length = sum(part.end - part.start for part in structure.parts)
    size = max(_PASSAGE_CHARS, length // _SOURCES)
    groups: list[list[DocumentPart]] = []
    for part in structure.parts:
        last = groups[-1] if groups else None
        if last and last[0].page == part.page and part.end - last[0].start <= size:
            last.append(part)
        else:
            groups.append([part])
    return [make_passage(structure, group, tuple((part.start, part.end) for part in group)) for group in groups]


def split_parts(passages: Sequence[NumberedPassage], costs: Sequence[int], room: int) -> list[list[NumberedPassage]]:
    """Return the passages in order in as few parts as fit; `costs` and `room` are tokens.

    A passage longer than the room becomes a part of its own, which the model will refuse.
    """
    parts: list[list[NumberedPassage]] = []
    left = 0
    for item, cost in zip(passages, costs, strict=True):
        if not parts or cost > left:
            parts.append([])
            left = room
        parts[-1].append(item)
        left -= cost
    return parts


def _count_room(turn: Turn, window: int) -> int:
    """Return the tokens that passages may take in one request, besides history and answer."""
    prepared = turn.input
    said = [
        f"{past.question} {past.answer} {' '.join(item.text for item in past.sources)}" for past in prepared.history
    ]
    used = sum(turn.chat.count([*said, prepared.text, prepared.instructions]))
    return max(window - used - reasoning.get_max_tokens(prepared) - _MARGIN, min(_LEAST_ROOM, window // 2))


def _make_search_result(document: Document, numbered: Sequence[NumberedPassage]) -> SearchResult:
    """Return the document as a search result. The query is empty, so that no sentence counts as beside the question."""
    passages = tuple(item.passage for item in numbered)
    return SearchResult(passages, (document.collection.name,), 0, 0, "", {}, {})


async def _take_notes(
    turn: Turn, parts: Sequence[list[NumberedPassage]], room: int
) -> tuple[list[str], list[NumberedPassage]]:
    """Return the model's notes on each part, and the sources that they name, without text for the answer prompt."""
    least, most = _NOTES
    longest = min(most, max(least, room // len(parts) - least))
    notes, named = list[str](), list[NumberedPassage]()
    for number, part in enumerate(parts, 1):
        await turn.emit_step(
            WHOLE_DOCUMENT_STEP, gettext("Read part %(number)s of %(all)s") % {"number": number, "all": len(parts)}
        )
        part_notes = await _ask_for_notes(turn, part, longest)
        numbers = set(find_model_citations(part_notes))
        found = [item for item in part if item.number in numbers]
        notes.append(prompt.format_part_notes(number, len(parts), part_notes))
        named += found or part[:_FALLBACK]
    return notes, [replace(item, new_spans=()) for item in named]


async def _ask_for_notes(turn: Turn, part: Sequence[NumberedPassage], longest: int) -> str:
    """Return the model's notes on one part. They are not shown."""
    request = ChatRequest(
        prompt.build_part_prompt(turn.input.text, part),
        Sampling(max_tokens=longest, temperature=0.0),
        str(turn.input.user.pk),
        reasoning=False,
    )
    notes = ""
    async with aclosing(model_queue.stream_model(turn, request)) as deltas:
        async for piece in deltas:
            notes += piece if isinstance(piece, str) else ""
    turn.output.begin_answer()
    return " ".join(notes.split())

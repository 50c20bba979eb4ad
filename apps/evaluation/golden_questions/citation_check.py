"""Let the site's model answer a golden question, and count citations that point to another place than expected.

`check_citations` answers as the collection's owner. The answer is not stored; its token usage is, as for any answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from apps.conversations.turns import ephemeral
from apps.conversations.turns.state import Turn
from apps.evaluation.golden_questions.measures import ExpectedLocation
from apps.evaluation.golden_questions.runs import get_expected_location
from apps.evaluation.models import GoldenQuestion
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class CitedLocation:
    """Place that a citation points to. `expected`: the golden question expects the answer there."""

    sentence: str
    document: UUID
    page: int
    expected: bool


@dataclass(frozen=True, slots=True)
class CitationCheck:
    """Citations of one answer.

    `sentences`: those with a citation. `wrong`: the first cited place of each sentence without an expected one.
    `missing`: expected words that no cited sentence holds, () if no sentence is cited. `model`: its name, "" if no
    model wrote the answer.
    """

    sentences: tuple[str, ...]
    wrong: tuple[CitedLocation, ...]
    missing: tuple[str, ...]
    model: str = ""


def check_citations(question: GoldenQuestion) -> CitationCheck:
    """Answer the golden question and return the check of its citations.

    Raises EngineError without a model, RateLimited if the collection's owner has used up a limit, Withheld if the
    policy withholds question or answer.
    """
    user, collection = question.collection.owner, question.collection
    turn = asyncio.run(_answer(user, question.text, collection.pk))
    passages = {item.number: item.passage for item in turn.passages}
    locations, expected = [], get_expected_location(question)
    for citation in turn.citations:
        if citation.source is not None and (passage := passages.get(citation.source)) is not None:
            page = passage.document_id, passage.page_number
            right = expected.matches(*page, citation.source_start, citation.source_end, passage.full_text)
            locations.append(CitedLocation(turn.text[citation.start : citation.end], *page, right))
    return judge_citations(locations, expected, turn.model)


def judge_citations(locations: Sequence[CitedLocation], expected: ExpectedLocation, model: str = "") -> CitationCheck:
    """Return the check for all cited places of an answer. A sentence is right if any of its places is expected."""
    first = {location.sentence: location for location in reversed(locations)}
    right = {location.sentence for location in locations if location.expected}
    sentences = tuple(dict.fromkeys(location.sentence for location in locations))
    wrong = tuple(first[sentence] for sentence in sentences if sentence not in right)
    return CitationCheck(sentences, wrong, expected.missing_words(sentences) if sentences else (), model)


async def _answer(user: User, text: str, collection: UUID) -> Turn:
    turn = await ephemeral.prepare_ephemeral_turn(user, text, (), (collection,))
    async with aclosing(ephemeral.stream_events(turn)) as events:
        async for _ in events:
            pass
    return turn

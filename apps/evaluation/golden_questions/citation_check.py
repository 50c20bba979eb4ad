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
from apps.documents.retrieval.passages import Passage
from apps.evaluation.golden_questions.measures import ExpectedPlace
from apps.evaluation.golden_questions.runs import get_expected_place
from apps.evaluation.models import GoldenQuestion
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class CitedPlace:
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
    wrong: tuple[CitedPlace, ...]
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
    places = []
    for cite in turn.citations:
        if cite.source is not None and (passage := passages.get(cite.source)) is not None:
            right = is_expected(get_expected_place(question), passage, cite.source_start, cite.source_end)
            sentence = turn.text[cite.start : cite.end]
            places.append(CitedPlace(sentence, passage.document_id, passage.page_number, right))
    return judge_citations(places, get_expected_place(question), turn.model)


def judge_citations(places: Sequence[CitedPlace], wanted: ExpectedPlace, model: str = "") -> CitationCheck:
    """Return the check for all cited places of an answer. A sentence is right if any of its places is expected."""
    first = {place.sentence: place for place in reversed(places)}
    right = {place.sentence for place in places if place.expected}
    sentences = tuple(dict.fromkeys(place.sentence for place in places))
    wrong = tuple(first[sentence] for sentence in sentences if sentence not in right)
    return CitationCheck(sentences, wrong, wanted.missing(sentences) if sentences else (), model)


def is_expected(wanted: ExpectedPlace, passage: Passage, start: int, end: int) -> bool:
    """Return whether a cited span is the expected place.

    Without an expected document: whether its passage holds the expected words.
    """
    return wanted.holds(passage.document_id, passage.page_number, start, end, passage.full_text)


async def _answer(user: User, text: str, collection: UUID) -> ephemeral.EphemeralTurn:
    turn = await ephemeral.prepare_ephemeral_turn(user, text, (), (collection,))
    async with aclosing(ephemeral.stream_events(turn)) as events:
        async for _ in events:
            pass
    return turn

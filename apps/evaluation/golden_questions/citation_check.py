"""Golden questions answered by the site's model, to count how often a sentence carries a pill that it should not.

`check_pills(question)` answers one as its collection's owner; nothing is stored but what the model read and wrote, as
for any answer. A pill is counted wrong where its source is not the expected place of the golden question.
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
    """Place that a pill points to. `expected`: the golden question says that the answer stands there."""

    sentence: str
    document: UUID
    page: int
    expected: bool


@dataclass(frozen=True, slots=True)
class CitationCheck:
    """One answer: its sentences with a pill, the first place of each of those that cite no expected one, and the
    expected words that no sentence with a pill holds; () where no sentence has one. `model` wrote it; "": none did."""

    sentences: tuple[str, ...]
    wrong: tuple[CitedPlace, ...]
    missing: tuple[str, ...]
    model: str = ""


def check_citations(question: GoldenQuestion) -> CitationCheck:
    """Return what became of the answer to a golden question. Raises EngineError where no model answers, OverLimit where
    the owner of the collection has used up a limit, and Withheld where the policy withholds question or answer."""
    user, collection = question.collection.owner, question.collection
    turn = asyncio.run(_answer(user, question.text, collection.pk))
    passages = {item.number: item.passage for item in turn.placed}
    places = []
    for cite in turn.cites:
        if cite.source is not None and (passage := passages.get(cite.source)) is not None:
            right = is_expected(get_expected_place(question), passage, cite.source_start, cite.source_end)
            sentence = turn.text[cite.start : cite.end]
            places.append(CitedPlace(sentence, passage.document_id, passage.page_number, right))
    return judge_citations(places, get_expected_place(question), turn.model)


def judge_citations(places: Sequence[CitedPlace], wanted: ExpectedPlace, model: str = "") -> CitationCheck:
    """Return the counts of an answer from all places that it cites; a sentence is right where any of its places is."""
    first = {place.sentence: place for place in reversed(places)}
    right = {place.sentence for place in places if place.expected}
    sentences = tuple(dict.fromkeys(place.sentence for place in places))
    wrong = tuple(first[sentence] for sentence in sentences if sentence not in right)
    return CitationCheck(sentences, wrong, wanted.missing(sentences) if sentences else (), model)


def is_expected(wanted: ExpectedPlace, passage: Passage, start: int, end: int) -> bool:
    """Return whether a cited stretch of a page is the expected place, or its passage holds the expected words where no
    document is expected."""
    return wanted.holds(passage.document_id, passage.page_number, start, end, passage.full_text)


async def _answer(user: User, text: str, collection: UUID) -> ephemeral.EphemeralTurn:
    turn = await ephemeral.prepare_ephemeral_turn(user, text, (), (collection,))
    async with aclosing(ephemeral.stream_events(turn)) as events:
        async for _ in events:
            pass
    return turn

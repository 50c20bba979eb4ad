"""Golden questions answered by the site's model, to count how often a sentence carries a pill that it should not.

`check_pills(question)` answers one as its collection's owner; nothing is stored but what the model read and wrote, as
for any answer. A pill is counted wrong where its source is not the expected place of the golden question.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from apps.conversations import unkept
from apps.documents.passages import Passage
from apps.evaluation.golden import expected
from apps.evaluation.measures import Expected
from apps.evaluation.models import GoldenQuestion
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class PillCheck:
    """One answer: its sentences with a pill, those of them with a source at another place than the expected one, and
    the expected words that no sentence with a pill holds; () where no sentence has one."""

    sentences: tuple[str, ...]
    wrong: tuple[str, ...]
    missing: tuple[str, ...]


def check_pills(question: GoldenQuestion) -> PillCheck:
    """Return what became of the answer to a golden question. Raises EngineError where no model answers, OverLimit where
    the owner of the collection has used up a limit, and Withheld where the policy withholds question or answer."""
    user, collection = question.collection.owner, question.collection
    turn = asyncio.run(_answer(user, question.text, collection.pk))
    passages = {item.number: item.passage for item in turn.placed}
    places: dict[str, list[bool]] = {}
    for cite in turn.cites:
        if cite.source is not None and cite.source in passages:
            place = stands_there(expected(question), passages[cite.source], cite.source_start, cite.source_end)
            places.setdefault(turn.text[cite.start : cite.end], []).append(place)
    return judge_pills(places, expected(question))


def judge_pills(places: dict[str, list[bool]], wanted: Expected) -> PillCheck:
    """Return the counts of an answer. `places`: by sentence with a pill, whether each of its sources is the expected
    one; a sentence is right where any is."""
    wrong = tuple(sentence for sentence, right in places.items() if not any(right))
    return PillCheck(tuple(places), wrong, wanted.missing(list(places)) if places else ())


def stands_there(wanted: Expected, passage: Passage, start: int, end: int) -> bool:
    """Return whether a cited stretch of a page is the expected place, or its passage holds the expected words where no
    document is expected."""
    return wanted.holds(passage.document_id, passage.page_number, start, end, passage.full_text)


async def _answer(user: User, text: str, collection: UUID) -> unkept.Unkept:
    turn = await unkept.opened(user, text, (), (collection,))
    async with aclosing(unkept.hear(turn)) as events:
        async for _ in events:
            pass
    return turn

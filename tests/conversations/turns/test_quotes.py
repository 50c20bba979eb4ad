"""The quotes of a turn are chosen for the question as it was searched."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from apps.conversations.turns.quotes import choose_quotes
from apps.conversations.turns.step_results import Retrieved
from tests.factories import make_passage

REPORT = (
    "Heart rate was normal and breathing was normal.\n\n"
    "The cholesterol that is called LDL should stay below 100 in a grown person."
)


async def test_a_follow_up_is_quoted_by_the_words_that_it_was_completed_with() -> None:
    passages: Any = [SimpleNamespace(number=1, passage=make_passage(REPORT))]
    found: Any = SimpleNamespace(query="And what should it be? LDL cholesterol", corrections={}, vector=None, idf={})
    best = (await choose_quotes(Retrieved(result=found), passages))[0]
    assert best.text.startswith("The cholesterol that is called LDL")

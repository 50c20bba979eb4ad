"""Work of answers that are written at the same time: counted, since times differ between machines.

`./run bench load` prints the same counts for 50 users with the packaged models.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from apps.conversations.assistants import answer_style
from apps.conversations.turns import runner
from apps.documents.models import Collection
from apps.engines.chat.fake import FakeChat
from apps.grounding import claim_features
from benchmarks.lib.work import count_work

pytestmark = pytest.mark.django_db(transaction=True)

TURNS = 3  # at once: as many as one user may have
SENTENCES = 10  # of each answer
PARTS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
ANSWER = " ".join(f"The {part} keeper of Alexandria carried oil up the stairs in the evening [1]." for part in PARTS)
QUESTION = "How high was the lighthouse of Alexandria in its year {}?"


async def _answer_at_once(page: Any, chat: FakeChat, monkeypatch: pytest.MonkeyPatch, **also: Any) -> Counter[str]:
    """Return the work of TURNS answers of SENTENCES sentences, after one that reads what is kept for later ones."""
    monkeypatch.setattr(answer_style, "PROFILE_AGE_S", 60.0)
    chat.reply, chat.gap_s = ANSWER, 0.002
    await page.ask_to_end(QUESTION.format("zero"), "complete", **also)
    await runner.wait_until_idle()
    claim_features._extract_features.cache_clear()
    read_work = count_work(monkeypatch.setattr)
    for number in range(TURNS):
        accepted = await page.ask(QUESTION.format(number), **also)
        assert accepted["type"] == "accepted", accepted
    await runner.wait_until_idle()
    return read_work()


async def test_a_sentence_of_an_answer_is_judged_once_and_its_features_are_built_once(
    page: Any, library: Collection, chat: FakeChat, by_sentences: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured for three turns: 36 texts for the encoder (question, title, ten sentences each), 125 to 147 queries, and
    23 texts whose features are built: those of all three, which share passages and sentences."""
    work = await _answer_at_once(page, chat, monkeypatch)
    assert TURNS * SENTENCES < work["encoder_texts"] <= TURNS * (SENTENCES + 2), work
    assert work["encoder_passes"] <= work["encoder_texts"], work
    assert 0 < work["features"] <= 25, work
    assert work["queries"] <= TURNS * 54, work


async def test_an_answer_without_documents_costs_the_judgement_of_its_sentences_alone(
    page: Any, chat: FakeChat, by_sentences: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured for three turns: 36 texts for the encoder (question, title, ten sentences each), 60 to 87 queries."""
    work = await _answer_at_once(page, chat, monkeypatch, without_documents=True)
    assert TURNS * SENTENCES < work["encoder_texts"] <= TURNS * (SENTENCES + 2), work
    assert work["features"] == 0, work
    assert work["queries"] <= TURNS * 34, work

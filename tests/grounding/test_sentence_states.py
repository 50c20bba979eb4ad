"""A sentence of an answer is quoted, supported or not verified, or states nothing."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from apps.conversations.history.transcript import load_citations
from apps.conversations.models import Citation
from apps.conversations.moderation.retraction import restore, retract
from apps.grounding.citer import SentenceCitation
from apps.grounding.sentence_state import SentenceReveal, SentenceState, get_sentence_state
from tests.factories import make_exchange

QUOTED = SentenceCitation(0, 0, 9, 1, 0, 9, 0.9, quoted=True)
SUPPORTED = SentenceCitation(0, 0, 9, 2, 0, 9, 0.7)
BY_TOOL = SentenceCitation(0, 0, 9, None, 0, 0, 0.1, "Calculator")
UNVERIFIED = SentenceCitation(0, 0, 9, None, 0, 0, 0.1)


@pytest.mark.parametrize(
    ("cites", "state"),
    [
        ([], None),
        ([QUOTED], SentenceState.QUOTED),
        ([SUPPORTED, QUOTED], SentenceState.QUOTED),
        ([SUPPORTED], SentenceState.SUPPORTED),
        ([BY_TOOL], SentenceState.SUPPORTED),
        ([UNVERIFIED], SentenceState.UNVERIFIED),
    ],
)
def test_the_state_follows_from_the_citations(cites: list[SentenceCitation], state: SentenceState | None) -> None:
    assert get_sentence_state(cites) is state


@pytest.mark.parametrize(
    ("after", "shown"),
    [
        ([("- A lamp.", SentenceState.QUOTED)], [0, 1]),
        ([("- A guess.", SentenceState.UNVERIFIED), ("- A lamp.", SentenceState.QUOTED)], [0, 2]),
        ([("The lamp is off.", SentenceState.QUOTED)], [1]),
        ([("A guess.", SentenceState.UNVERIFIED), ("- A lamp.", SentenceState.QUOTED)], [2]),
    ],
)
def test_an_introduction_is_shown_for_a_verified_item_of_its_list_alone(
    after: list[tuple[str, SentenceState]], shown: list[int]
) -> None:
    reveal = SentenceReveal()
    reveal.add(0, "The code is on the same screen:", None)
    for number, (text, state) in enumerate(after, 1):
        reveal.add(number, text, state)
    assert reveal.shown == shown


@pytest.mark.django_db
def test_citations_outlive_a_retraction() -> None:
    person = get_user_model().objects.create(email="ada@example.com")
    answer = make_exchange(person, answer="A.")
    Citation.objects.create(answer=answer, sentence=0, start=0, end=2, score=0.9, quoted=True, check_version=1)

    restore(retract("answer", str(answer.pk), "A reviewer withheld this."))

    assert [cite.quoted for cite in load_citations([answer])[answer.pk]] == [True]
    assert Citation.objects.get(answer=answer).check_version == 1

"""Printed conversations."""

from __future__ import annotations

from apps.conversations.models import Citation, ShownSentences
from apps.users.models import User
from tests.factories import get_page, make_exchange


def test_folded_sentences_are_printed_with_a_mark_if_they_are_asked_for(alice: User) -> None:
    answer = make_exchange(alice, answer="It is 5. It is pink.", shown_sentences=ShownSentences.VERIFIED)
    Citation.objects.create(answer=answer, sentence=0, start=0, end=8, score=1, tool="Calculator")
    Citation.objects.create(answer=answer, sentence=1, start=9, end=20, score=0)
    assert "1 sentence could not be verified" in get_page(alice, f"/c/{answer.conversation_id}/")
    address = f"/c/{answer.conversation_id}/print/"
    assert '<details class="folded">' in get_page(alice, address), "folded, which paper does not show"
    printed = get_page(alice, f"{address}?unverified=1")
    assert "could not be verified" not in printed and "folded" not in printed
    assert ">It is pink.</span>" in printed and "[not verified]" in printed

"""Printed conversations."""

from __future__ import annotations

from apps.conversations.models import Citation, Conversation, Message, ShownSentences
from apps.users.models import User
from tests.factories import get_page


def test_unverified_sentences_are_printed_with_a_mark(alice: User) -> None:
    conversation = Conversation.objects.create(owner=alice)
    question = Message.objects.create(conversation=conversation, role="user", text="How high?", asked_by=alice)
    answer = Message.objects.create(
        conversation=conversation, parent=question, role="assistant", asked_by=alice, text="It is 5. It is pink.",
        shown_sentences=ShownSentences.VERIFIED,
    )  # fmt: skip
    Citation.objects.create(answer=answer, sentence=0, start=0, end=8, score=1, tool="Calculator")
    Citation.objects.create(answer=answer, sentence=1, start=9, end=20, score=0)
    assert "1 sentence could not be verified" in get_page(alice, f"/c/{conversation.pk}/")
    printed = get_page(alice, f"/c/{conversation.pk}/print/")
    assert "could not be verified" not in printed and "folded" not in printed
    assert ">It is pink.</span>" in printed and "[not verified]" in printed

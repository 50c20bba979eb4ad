"""A turn that was answered and has a sealed case: nobody who is not named meets its words by another door."""

from __future__ import annotations

import pytest
from django.http import Http404

from apps.conversations.evidence import source_panel
from apps.conversations.models import Conversation, Feedback, Message
from apps.safety.errors import ActionRefused
from apps.safety.moderation import cases, sealed_cases
from apps.users.models import User
from apps.users.special_permissions import SEALED
from tests.factories import flag_message, make_client

pytestmark = pytest.mark.django_db
ASKED, SAID = "What was it that he wrote to her?", "He wrote about the harbour."


def exchange(owner: User, before: Message | None = None, asked: str = ASKED, said: str = SAID) -> Message:
    conversation = before.conversation if before else Conversation.objects.create(owner=owner)
    told = {"conversation": conversation, "asked_by": owner, "status": "complete"}
    question = Message.objects.create(role="user", parent=before, text=asked, **told)
    return Message.objects.create(role="assistant", parent=question, text=said, **told)


@pytest.fixture
def turn(alice: User, ada: User) -> Message:
    return exchange(alice)


@pytest.fixture
def robin(robin: User) -> User:
    SEALED.assign(robin, True)
    robin.refresh_from_db()
    return robin


def test_feedback_on_a_sealed_turn_is_opened_by_named_reviewers_only(
    turn: Message, alice: User, morgan: User, robin: User
) -> None:
    row = Feedback.objects.create(answer=turn, user=alice, is_positive=False, note="Not that.")
    flag_message(turn, "question", "child_exploitation")
    pages = {}
    for user in (morgan, robin):
        client = make_client(user)
        opened = client.get(f"/feedback/{row.pk}/")
        listed = "Not that." in client.get("/feedback/").content.decode()
        pages[user.name] = (opened.status_code, ASKED in opened.content.decode(), listed)
    assert pages == {"Morgan": (404, False, False), "Robin": (200, True, True)}
    with pytest.raises(Http404):
        source_panel.get_readable_answer(morgan, turn.pk)
    assert source_panel.get_readable_answer(robin, turn.pk) == source_panel.get_readable_answer(alice, turn.pk) == turn


def test_cases_of_a_sealed_turn_are_all_for_named_reviewers(turn: Message, morgan: User, robin: User) -> None:
    other = flag_message(turn, "answer", "hate")  # frozen with the question, before that has a case
    assert cases.visible_cases(morgan).exists()
    flag_message(turn, "question", "child_exploitation")
    assert not cases.visible_cases(morgan).exists() and sealed_cases.count_waiting(morgan) == 2
    with pytest.raises(ActionRefused):
        cases.claim_case(morgan, other.pk)
    assert cases.claim_case(robin, other.pk).snapshot.context[0]["text"] == ASKED


def test_context_of_a_later_turn_leaves_a_sealed_turn_out(turn: Message, alice: User, morgan: User) -> None:
    flag_message(turn, "question", "child_exploitation")
    later = exchange(alice, turn, "And when?", "On a Monday.")
    shown = [piece["text"] for piece in flag_message(later, "answer", "hate").snapshot.context]
    assert shown == ["And when?", "On a Monday."] and cases.visible_cases(morgan).count() == 1
    whole = [piece["text"] for piece in flag_message(later, "question", "child_exploitation").snapshot.context]
    assert whole == [ASKED, SAID, "And when?", "On a Monday."]  # who opens a sealed case may read them

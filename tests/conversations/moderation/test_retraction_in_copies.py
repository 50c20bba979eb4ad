"""What was taken back is not in what goes elsewhere, and what was kept before retractions knew of it is found too."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from apps.conversations.history import branching
from apps.conversations.models import Conversation, Message, Preference
from apps.conversations.turns import titles
from apps.evaluation.feedback import preference_pairs
from apps.privacy import data_export
from apps.safety.moderation import cases, enforcement
from apps.safety.moderation.decision_input import DecisionInput
from apps.users.models import User
from tests.factories import flag_message, get_reviewer, overturn_decision, withhold_message

pytestmark = pytest.mark.django_db
SAID = "Quixotically, about a hundred metres."


@pytest.fixture
def answer(alice: User, ada: User) -> Message:
    conversation = Conversation.objects.create(owner=alice, title="Lighthouses")
    told = {"conversation": conversation, "asked_by": alice, "status": "complete"}
    question = Message.objects.create(role="user", text="How high is it?", **told)
    return Message.objects.create(role="assistant", parent=question, text=SAID, ended=timezone.now(), **told)


def told_of(user: User) -> str:
    return str(list(data_export._archive_parts(user)))


def test_a_copy_of_all_data_has_no_word_of_a_withheld_answer(answer: Message, alice: User) -> None:
    assert SAID in told_of(alice)
    case = withhold_message(answer)
    assert SAID not in told_of(alice) and "How high is it?" in told_of(alice)
    overturn_decision(case)
    assert SAID in told_of(alice)


def test_data_export_hides_the_case_about_a_withheld_copy_or_redacted_part(answer: Message, alice: User) -> None:
    fork = branching.fork_conversation(alice, answer.conversation, None)
    assert fork is not None
    copied = fork.messages.get(role="assistant")
    flag_message(copied)
    case = withhold_message(answer, clause="violence")
    assert SAID not in told_of(alice)
    overturn_decision(case)
    assert SAID in told_of(alice)
    morgan, case = get_reviewer("morgan"), flag_message(answer, clause="personal_data")
    claimed = cases.claim_case(morgan, case.pk)
    ruling = DecisionInput(claimed.lease_token, claimed.version, "redact", "clear", redact_terms=("Quixotically",))
    made = cases.decide_case(morgan, case.pk, ruling)
    assert "Quixotically" not in told_of(alice)
    enforcement.revert_effects(made, morgan)
    assert "Quixotically" in told_of(alice)


def test_pairs_for_training_hold_nothing_of_it(answer: Message, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(allows_training_on_answers=True)
    told = {"conversation": answer.conversation, "asked_by": alice, "status": "complete"}
    follow_up = Message.objects.create(role="user", parent=answer, text="And the other?", **told)
    one, other = (Message.objects.create(role="assistant", parent=follow_up, text=text, **told) for text in "ab")
    Preference.objects.create(user=alice, better=one, worse=other)
    assert SAID in str(preference_pairs.build_pairs())
    withhold_message(answer)
    assert len(preference_pairs.build_pairs()) == 1 and SAID not in str(preference_pairs.build_pairs())
    withhold_message(one)
    assert preference_pairs.build_pairs() == []


def test_a_title_that_comes_later_is_not_made_of_what_was_withheld(answer: Message) -> None:
    assert answer.parent is not None
    kept: Any = SimpleNamespace(
        conversation_id=answer.conversation_id,
        question_id=answer.parent_id,
        answer_id=answer.pk,
        text=answer.parent.text,
    )
    assert not titles._save_title(kept, f"{answer.text} He.", "Quixotic metres"), "a part was taken out meanwhile"
    assert titles._save_title(kept, answer.text, "Quixotic metres")
    Conversation.objects.update(title_origin=Conversation.TitleOrigin.QUESTION)
    withhold_message(answer)
    assert not titles._save_title(kept, answer.text, "Quixotic metres")


def test_a_question_that_says_something_else_by_now_stays_when_copies_of_it_go(answer: Message, alice: User) -> None:
    forks = [branching.fork_conversation(alice, answer.conversation, None) for _ in range(2)]
    assert forks[0] is not None and forks[1] is not None and answer.parent is not None
    Message.objects.filter(role="assistant").update(origin=None)
    branching.reword_question(alice, answer.parent.pk, "How wide is it?")
    withhold_message(forks[0].messages.get(role="assistant"), "question")
    asked = {row.conversation_id: row for row in Message.objects.filter(role="user")}
    assert asked[answer.conversation_id].text == "How wide is it?"
    assert [asked[fork.pk].text for fork in forks if fork] == ["", ""]

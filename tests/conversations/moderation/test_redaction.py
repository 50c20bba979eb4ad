"""What was taken out of a message stands nowhere else that people may look, and comes back with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.conversations.core import picture_request
from apps.conversations.history import branching, conversation_actions
from apps.conversations.models import AnswerTrace, Conversation, Message
from apps.conversations.turns import trace
from apps.lib.concurrency.threads import in_db
from apps.lib.db import leases
from apps.safety.gate import gate
from apps.safety.models import AppliedEffect, Decision
from apps.safety.moderation import cases, enforcement
from apps.safety.moderation.decision_input import DecisionInput
from apps.safety.policy.evaluation import PolicyResult
from apps.safety.policy.schema import Action
from apps.safety.policy.verdicts import EvaluationRecord, Verdict
from apps.safety.text.redaction_marks import REDACTION_CHARACTER
from apps.users.models import User
from tests.conversations.moderation.stored_rows import fields_containing
from tests.factories import flag_message, get_reviewer, withhold_message

pytestmark = pytest.mark.django_db(transaction=True)
MAIL = "mia@example.org"
ASKED = f"What did {MAIL} write about the lighthouse of Alexandria, and about all the other ones?"
SAID = f"Her address is {MAIL}, she says."


def spelt(text: str, size: int = 4) -> list[Any]:
    return [[text[at : at + size], -0.1, [["x", -1.0]]] for at in range(0, len(text), size)]


@pytest.fixture
def answer(alice: User, ada: User) -> Message:
    conversation = Conversation.objects.create(owner=alice, title=picture_request.make_title(ASKED))
    told = {"conversation": conversation, "asked_by": alice, "status": "complete"}
    question = Message.objects.create(role="user", text=ASKED, **told)
    found = Message.objects.create(role="assistant", parent=question, text=SAID, **told)
    record = {
        "format": 1, "search": {"query": f"{MAIL} lighthouse"}, "thoughts": "", "tokens": spelt(SAID), "pieces": 1,
        "prompt": {"messages": [{"role": "user", "content": f"Question: {ASKED}"}], "places": []},
    }  # fmt: skip
    AnswerTrace.objects.create(answer=found, data=trace.pack_trace(record))
    return found


def cut(answer: Message, kind: str = "answer", clause: str = "personal_data") -> Decision:
    morgan, case = get_reviewer("morgan"), flag_message(answer, kind, clause)
    claimed = cases.claim_case(morgan, case.pk)
    ruling = DecisionInput(claimed.lease_token, claimed.version, "redact", "clear", redact_terms=(MAIL,))
    return cases.decide_case(morgan, case.pk, ruling)


def kept() -> tuple[Any, ...]:
    return list(Conversation.objects.values("title")), list(Message.objects.values("text", "tools"))


def test_redacted_question_leaves_titles_and_traces(answer: Message, alice: User) -> None:
    fork = branching.fork_conversation(alice, answer.conversation, None)
    before = kept()
    both = cut(answer, "question"), cut(answer)
    assert MAIL not in str(kept()) and not AnswerTrace.objects.exists()
    assert {name.partition(".")[0] for name in fields_containing(MAIL)} == {"safety"}, "for reviewers alone"
    assert fork is not None
    assert all(REDACTION_CHARACTER in row.title for row in Conversation.objects.all())
    for made in both:
        enforcement.revert_effects(made, get_reviewer("robin"))
    assert kept() == before


@pytest.mark.parametrize("first", [0, 1])
def test_question_and_answer_come_back_in_any_order(answer: Message, first: int) -> None:
    before = kept()
    made = [cut(answer), cut(answer, "question")]
    enforcement.revert_effects(made[first], get_reviewer("robin"))
    enforcement.revert_effects(made[1 - first], get_reviewer("robin"))
    assert kept() == before


def test_a_title_of_the_model_has_a_gap_and_one_of_the_person_is_theirs(answer: Message) -> None:
    rows = Conversation.objects.filter(pk=answer.conversation_id)
    rows.update(title=f"Mail of {MAIL}", title_origin=Conversation.TitleOrigin.MODEL)
    made = cut(answer)
    assert rows.get().title == f"Mail of {REDACTION_CHARACTER * len(MAIL)}"
    enforcement.revert_effects(made, get_reviewer("robin"))
    assert rows.get().title == f"Mail of {MAIL}"
    rows.update(title_origin=Conversation.TitleOrigin.PERSON)
    cut(answer, clause="secrets")
    assert rows.get().title == f"Mail of {MAIL}"


def test_message_redacted_and_withheld_returns_after_both_are_undone(answer: Message) -> None:
    made, case = cut(answer), withhold_message(answer)
    enforcement.revert_effects(made, get_reviewer("robin"))
    enforcement.revert_effects(Decision.objects.get(case=case), get_reviewer("robin"))
    assert Message.objects.get(pk=answer.pk).text == SAID


def test_writing_on_does_not_bring_redacted_text_back(answer: Message, alice: User) -> None:
    told = {"conversation": answer.conversation, "asked_by": alice, "role": "assistant", "parent": answer.parent}
    later = timezone.now() + timedelta(minutes=1)
    on = Message.objects.create(
        text=f"{SAID} And", continues=answer, status="writing", lease_token="t", lease_until=later, **told
    )
    cut(answer)
    rows = Message.objects.filter(status="writing")
    assert not leases.renew_all(rows, {on.pk: "t"}, 60, {on.pk: {"text": f"{SAID} And so on"}})
    on.refresh_from_db()
    assert on.status == "interrupted" and MAIL not in on.text and on.text.endswith(" And")


def test_restore_data_of_permanently_deleted_messages_is_emptied(answer: Message, alice: User) -> None:
    fork = branching.fork_conversation(alice, answer.conversation, None)
    made = cut(answer)
    assert fork is not None
    conversation_actions.delete_permanently([answer.conversation_id])
    assert MAIL in str(list(AppliedEffect.objects.values())), "the copy may come back"
    conversation_actions.delete_permanently([fork.pk])
    assert AppliedEffect.objects.get(name="redact").restore_data == {} and MAIL not in str(
        list(AppliedEffect.objects.values())
    )
    enforcement.revert_effects(made, get_reviewer("robin"))


async def test_text_redacted_by_the_gate_is_not_in_the_trace(
    page, library: Any, chat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def verdict(text: str, since: int, level: object) -> Verdict:
        outcome = PolicyResult(Action.REDACT if MAIL in text else None, "personal_data", 1, 1.0)
        return Verdict(True, outcome.code, "", EvaluationRecord("answer", text, outcome, ()))

    monkeypatch.setattr(gate, "_sentence", verdict)
    chat.replies.append(SAID)
    turn = (await page.ask("How high was the lighthouse of Alexandria?"))["turn"]
    await page.events()
    row = await AnswerTrace.objects.aget(answer=turn)
    said = await Message.objects.aget(pk=turn)
    assert REDACTION_CHARACTER * len(MAIL) in said.text
    record = await in_db(lambda: trace.unpack_trace(bytes(row.data)))
    assert MAIL not in str(record) and record["tokens"] == []

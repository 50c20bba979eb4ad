"""A span is taken out: by a reviewer with a way back, and by the policy where nobody shall read it in an answer."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.test import Client

from apps.conversations.models import Conversation, Message
from apps.safety.errors import ActionRefused
from apps.safety.gate import gate, span_redaction
from apps.safety.models import Case, Decision, Notice
from apps.safety.moderation import appeals, cases, enforcement
from apps.safety.moderation.decision_input import parse_spans
from apps.safety.policy import defaults, versions
from apps.safety.policy.evaluation import REPORTED, Signal, SignalStatus, evaluate_policy
from apps.safety.policy.schema import Action, PolicyError, Stage, parse_policy
from apps.safety.policy.verdicts import EvaluationRecord, Verdict
from apps.safety.text.redaction_marks import REDACTION_CHARACTER, redact_spans
from apps.users.models import User
from tests.factories import decide_case, flag_text, make_decision_input

TEXT = "Write to mia@example.org or call.\nThe code is 4711."
MAIL = "mia@example.org"


def answer(owner: User, text: str = TEXT, **more: Any) -> Message:
    conversation = Conversation.objects.create(owner=owner, title="Talk")
    asked = Message.objects.create(conversation=conversation, role="user", text=f"Is it {MAIL}?", asked_by=owner)
    return Message.objects.create(
        conversation=conversation, parent=asked, role="assistant", text=text, asked_by=owner, status="complete", **more
    )


def flag_row(row: Message, kind: str = "answer", code: str = "personal_data") -> Case:
    return flag_text(row.asked_by, kind, row.pk, TEXT, code=code, action=Action.REVIEW, severity=1)


def cut(by: User, case: Case, *wanted: str, outcome: str = "redact") -> Decision:
    return decide_case(by, case, outcome, redact_terms=wanted)


def text(row: Message) -> str:
    return Message.objects.get(pk=row.pk).text


@pytest.mark.django_db
def test_a_span_becomes_a_gap_of_its_length_and_comes_back(alice: User, morgan: User, robin: User) -> None:
    row = answer(alice, tools=[{"name": "x", "text": f"found {MAIL}", "data": {"list": [MAIL, 3]}}])
    made = cut(morgan, flag_row(row), MAIL)
    assert text(row) == TEXT.replace(MAIL, REDACTION_CHARACTER * len(MAIL))
    assert MAIL not in str(Message.objects.get(pk=row.pk).tools)
    told = Notice.objects.get(decision=made)
    assert told.title == "Part of an answer was redacted" and "appeal within 30 days" in told.text and told.clause
    client = Client()
    client.force_login(alice)
    assert "You can appeal" in client.get("/notices/").content.decode()
    appeals.submit_appeal(alice, told, "It is my own address.")
    after = client.get("/notices/").content.decode()
    assert "You appealed" in after and "You can appeal" not in after
    claimed = cases.claim_case(robin, made.case_id)
    appeals.decide_appeal(robin, claimed.pk, make_decision_input(claimed, "overturn", "mistake"))
    assert text(row) == TEXT
    assert Message.objects.get(pk=row.pk).tools == row.tools


@pytest.mark.django_db
@pytest.mark.parametrize("first", [True, False])
def test_text_redacted_by_two_decisions_comes_back_with_each(alice: User, morgan: User, first: bool) -> None:
    row = answer(alice, tools=[{"text": TEXT}])
    made = [cut(morgan, flag_row(row), MAIL), cut(morgan, flag_row(row, code="secrets"), "4711")]
    for decision in made if first else made[::-1]:
        assert REDACTION_CHARACTER in text(row)
        enforcement.revert_effects(decision, morgan)
    assert text(row) == TEXT and Message.objects.get(pk=row.pk).tools == row.tools


@pytest.mark.django_db
@pytest.mark.parametrize("first", [True, False])
def test_redacted_and_then_withheld_text_comes_back_whole(alice: User, morgan: User, first: bool) -> None:
    row = answer(alice)
    made = [cut(morgan, flag_row(row), MAIL), cut(morgan, flag_row(row, code="hate"), outcome="block")]
    assert text(row) == ""
    for decision in made if first else made[::-1]:
        enforcement.revert_effects(decision, morgan)
    assert text(row) == TEXT


@pytest.mark.django_db
def test_redaction_works_on_questions_and_reported_answers(alice: User, morgan: User) -> None:
    row = answer(alice)
    cut(morgan, flag_row(row, "question"), MAIL)
    assert row.parent is not None and MAIL not in text(row.parent) and text(row) == TEXT
    made = cut(morgan, flag_row(row, code=REPORTED), MAIL)
    assert "that you reported was redacted" in Notice.objects.get(decision=made).title


@pytest.mark.django_db
def test_copies_lose_and_get_it_too(alice: User, bob: User, morgan: User) -> None:
    row = answer(alice)
    copy = answer(bob, origin=row.pk)
    made = cut(morgan, flag_row(row), MAIL)
    assert text(copy) == text(row) == TEXT.replace(MAIL, REDACTION_CHARACTER * len(MAIL))
    enforcement.revert_effects(made, morgan)
    assert text(copy) == text(row) == TEXT


@pytest.mark.django_db
def test_redaction_is_refused_where_nothing_can_be_taken_out(alice: User, morgan: User) -> None:
    row = answer(alice)
    with pytest.raises(ActionRefused, match="not found in the content"):
        cut(morgan, flag_row(row), "somebody@example.org")
    with pytest.raises(ActionRefused, match="one passage per line"):
        cut(morgan, flag_row(row))
    with pytest.raises(ActionRefused, match="never punished"):
        cut(morgan, flag_row(row, code="self_harm"), MAIL)
    assert not Decision.objects.exists() and text(row) == TEXT


@pytest.mark.django_db
def test_the_console_offers_what_was_found_and_takes_out_by_keyboard(alice: User, morgan: User) -> None:
    row, client = answer(alice), Client()
    client.force_login(morgan)
    claimed = cases.claim_case(morgan, flag_row(row).pk)
    page = client.get(f"/review/{claimed.pk}/?open=1").content.decode()
    assert re.search(rf'data-key="t"\s+aria-keyshortcuts="t"\s*>{re.escape(MAIL)}</textarea>', page)
    assert 'data-key="m"' in page
    sent = {"token": claimed.lease_token, "version": claimed.version, "reason": "clear", "outcome": "redact"}
    client.post(f"/review/{claimed.pk}/decide/", sent | {"spans": f"{MAIL}\r\n\r\nab\r\n"})
    assert text(row) == TEXT.replace(MAIL, REDACTION_CHARACTER * len(MAIL))


def test_lines_of_a_reviewer() -> None:
    assert parse_spans(f" abc \nab\n{REDACTION_CHARACTER}abc\nabc\n") == ("abc",)
    assert span_redaction.find_terms("abcabcab", ["abc", "cab"]) == [(0, 8)]
    assert redact_spans("a\nb", [(0, 3)]) == f"{REDACTION_CHARACTER}\n{REDACTION_CHARACTER}"


def policy(rule: str = "redact", code: str = "personal_data") -> Any:
    body = defaults.make_default_policy({})
    next(row for row in body["clauses"] if row["code"] == code)["rule"] = rule
    return body


@pytest.mark.parametrize(
    ("stage", "action"),
    [(Stage.ANSWER, Action.REDACT), (Stage.QUESTION, Action.NOTE), (Stage.PASSAGE, Action.NOTE)],
)
def test_the_policy_takes_out_of_answers_alone(stage: Stage, action: Action) -> None:
    signal = Signal("personal", "1", SignalStatus.OK, {"self_harm": 0.0, "child_exploitation": 0.0}, "personal_data")
    assert evaluate_policy(stage, [signal], parse_policy(policy())).action is action


@pytest.mark.parametrize(("rule", "code"), [("redact", "hate"), ("blur", "sexual")])
def test_a_policy_that_asks_for_what_nobody_can_do_is_refused(rule: str, code: str) -> None:
    with pytest.raises(PolicyError, match="only pictures can be blurred, and only answers redacted"):
        parse_policy(policy(rule, code))
    body = policy()
    body["clauses"][0]["steps"] = {"question": [{"least": 0.5, "action": "blur"}]}
    with pytest.raises(PolicyError, match="only pictures can be blurred"):
        parse_policy(body)


async def test_redacted_text_of_a_streaming_answer_is_not_let_out(monkeypatch: pytest.MonkeyPatch) -> None:
    found = parse_policy(policy())

    async def verdict(text: str, since: int, *_: object) -> Verdict:
        from apps.safety.detectors.sensitive_data import detect_sensitive_data

        outcome = evaluate_policy(Stage.ANSWER, [detect_sensitive_data(text)], found)
        return Verdict(True, outcome.code, "", EvaluationRecord("answer", text, outcome, ()))

    async def deltas() -> AsyncIterator[str]:
        for word in TEXT.split(" "):
            yield word + " "

    monkeypatch.setattr(gate, "_sentence", verdict)
    heard: list[Verdict] = []
    shown = "".join([piece async for piece in gate.moderate_stream(deltas(), heard.append)])
    assert shown.strip() == TEXT.replace(MAIL, REDACTION_CHARACTER * len(MAIL)) and len(shown) == len(TEXT) + 1
    assert any(span_redaction.is_redaction(one) for one in heard)


@pytest.mark.django_db
def test_policy_that_redacts_can_be_drafted(ada: User) -> None:
    assert versions.create_draft(ada, policy()).number

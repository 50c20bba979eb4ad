"""The policy as data: one with a hole is refused, and none goes live without a replay and a second person."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from apps.engines.types import LabelThresholds
from apps.safety.detectors.rules import harm_patterns
from apps.safety.errors import ActionRefused
from apps.safety.models import PolicyVersion
from apps.safety.policy import defaults, schema, versions
from apps.safety.policy.evaluation import Signal, SignalStatus, evaluate_policy
from apps.safety.policy.schema import CLAUSE_CODES, PolicyError, Stage
from apps.safety.policy_admin import backtest
from apps.users.models import User
from tests.factories import make_note_case, make_user, register_notes

BODY = defaults.make_default_policy({code: LabelThresholds(0.5, 0.9) for code in CLAUSE_CODES})


def changed(**fields: Any) -> dict[str, Any]:
    body = copy.deepcopy(BODY)
    body["clauses"][0].update(fields)
    return body


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "no clauses"),
        ({"clauses": BODY["clauses"][1:]}, "lacks these clauses: child_exploitation"),
        ({"clauses": [*BODY["clauses"], BODY["clauses"][0]]}, "twice"),
        (changed(code="astrology"), "No detector knows"),
        (changed(text=" "), "needs a title and a text"),
        (changed(severity=5), "from 0 to 4"),
        (changed(severity=True), "from 0 to 4"),
        (changed(fail="perhaps"), "perhaps"),
        (changed(rule="explode"), "explode"),
        (changed(steps={"question": [{"least": 2, "action": "note"}]}), "not between 0 and 1"),
        (changed(steps={"dream": []}), "are not valid"),
        (
            changed(steps={"question": [{"least": 0.5, "action": "withhold"}, {"least": 0.9, "action": "note"}]}),
            "must get stricter",
        ),
    ],
)
def test_a_policy_with_a_hole_says_where_it_is(body: dict[str, Any], words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        schema.parse_policy(body)


def _before() -> dict[str, Any]:
    """A version that was written before the later codes."""
    body = copy.deepcopy(BODY)
    body["clauses"] = [row for row in body["clauses"] if row["code"] not in schema.LATER_CLAUSES]
    return body


def test_a_version_from_before_a_code_judges_as_it_did() -> None:
    old = schema.parse_policy(_before())
    assert old.sha256 == schema.hash_policy(_before()), "nothing is written into it"
    guard = [Signal("guard", "1", SignalStatus.OK, {"sex_crime": 1.0, "defamation": 1.0, "advice": 1.0})]
    then = [Signal("guard", "1", SignalStatus.OK, {"crime": 1.0})]
    said, before = evaluate_policy(Stage.QUESTION, guard, old), evaluate_policy(Stage.QUESTION, then, old)
    assert (said.action, said.severity) == (before.action, before.severity) and not said.allowed


def test_draft_of_an_older_policy_version_gains_the_later_clauses(ada: User) -> None:
    PolicyVersion.objects.create(number=1, status="live", body=_before(), sha256="0" * 64)
    row = versions.create_draft(ada, _before(), "threshold")
    assert {clause["code"] for clause in row.body["clauses"]} == set(CLAUSE_CODES)
    guard = [Signal("guard", "1", SignalStatus.OK, dict.fromkeys(CLAUSE_CODES, 0.0) | {"defamation": 1.0})]
    assert evaluate_policy(Stage.ANSWER, guard, schema.parse_policy(row.body)).reviewed, (
        "what was unheard of goes to people"
    )


def test_rules_all_belong_to_a_clause() -> None:
    rules = {
        code
        for table in (harm_patterns.HARM_PATTERNS, harm_patterns.ANSWER_PATTERNS, harm_patterns.PASSAGE_ATTACK_PATTERNS)
        for code, *_ in table
    }
    assert rules <= set(CLAUSE_CODES)


def test_the_hash_is_of_the_meaning_not_of_the_order() -> None:
    turned = {"clauses": [dict(reversed(row.items())) for row in BODY["clauses"]]}
    assert schema.hash_policy(turned) == schema.hash_policy(BODY)
    assert schema.hash_policy(changed(severity=2)) != schema.hash_policy(BODY)


@given(st.dictionaries(st.sampled_from([*CLAUSE_CODES, "harm"]), st.floats(0, 1)), st.sampled_from(list(Stage)))
def test_a_verdict_is_the_same_from_what_was_stored(scores: dict[str, float], stage: Stage) -> None:
    rules = schema.parse_policy(BODY)
    signals = [Signal("text", "v", SignalStatus.OK, scores)]
    stored = [Signal.from_json(signal.to_json()) for signal in signals]
    assert evaluate_policy(stage, signals, rules) == evaluate_policy(stage, stored, rules)


@pytest.mark.parametrize("status", [SignalStatus.TIMEOUT, SignalStatus.ERROR])
def test_a_missing_signal_withholds_where_a_clause_is_closed_and_is_never_zero(status: SignalStatus) -> None:
    missing = [Signal("text", "v", status, {})]
    question = evaluate_policy(Stage.QUESTION, missing, schema.parse_policy(BODY))
    assert (question.allowed, question.unchecked) == (False, True)
    passage = evaluate_policy(Stage.PASSAGE, missing, schema.parse_policy(BODY))
    assert (passage.allowed, passage.unchecked) == (True, True)


@pytest.fixture
def author(db: None) -> User:
    return make_user("ada", User.Role.ADMINISTRATOR)


@pytest.fixture
def second(db: None) -> User:
    return make_user("grace", User.Role.ADMINISTRATOR)


def test_a_draft_goes_live_only_after_a_replay_and_by_somebody_else(author: User, second: User, alice: User) -> None:
    register_notes().state["1"] = "x"
    make_note_case(alice)  # judged as [hate] at 0.97
    old = versions.get_live_version()
    mild = copy.deepcopy(old.body)
    next(row for row in mild["clauses"] if row["code"] == "hate")["steps"]["question"] = []
    row = versions.create_draft(author, mild, "Hate is for people to judge")
    with pytest.raises(ActionRefused, match="Test this draft"):
        versions.approve_version(second, row)
    found = backtest.run_backtest(author, row)
    assert (found["judged"], found["changed"]) == (1, 1)
    assert (found["listed"][0]["before"], found["listed"][0]["after"]) == ("withhold_and_review", "")
    with pytest.raises(ActionRefused, match="An administrator other than"):
        versions.approve_version(author, row)
    versions.approve_version(second, row)
    assert versions.get_live_version().pk == row.pk
    assert versions.current_policy().clauses["hate"].thresholds[Stage.QUESTION] == ()
    old.refresh_from_db()
    assert old.status == PolicyVersion.Status.RETIRED
    with pytest.raises(ActionRefused, match="already been live"):
        versions.approve_version(second, old)


def test_the_database_keeps_one_live_policy_with_replay_and_another_approver(author: User, second: User) -> None:
    versions.get_live_version()
    row = versions.create_draft(author, BODY)
    for wrong in ({"status": "live", "approver": second, "backtest": {}}, {"approver": author}):
        with pytest.raises(IntegrityError), transaction.atomic():
            PolicyVersion.objects.filter(pk=row.pk).update(**wrong)
    PolicyVersion.objects.filter(status="live").update(status="retired")
    with pytest.raises(IntegrityError), transaction.atomic():
        PolicyVersion.objects.filter(pk=row.pk).update(status="live")


@pytest.mark.django_db
@pytest.mark.parametrize("code", [["hate"], {"a": 1}, None, 7])
def test_a_code_that_is_no_word_is_refused_in_words(code: object) -> None:
    author = make_user("ada", User.Role.ADMINISTRATOR)
    with pytest.raises(PolicyError):
        versions.create_draft(author, {"clauses": [{"code": code}]})

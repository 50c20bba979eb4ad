"""Messages that a user reads where something is withheld."""

from __future__ import annotations

import pytest
from django.utils import translation

from apps.engines.types import LabelThresholds
from apps.safety.gate.default_check import decide_verdict
from apps.safety.gate.gate import check_question
from apps.safety.policy import defaults, schema, user_messages
from apps.safety.policy.evaluation import BLOCKLIST_DETECTOR, PolicyResult, Signal, SignalStatus
from apps.safety.policy.schema import CLAUSE_CODES, Action, Stage
from apps.safety.policy.verdicts import ALLOWED, UNAVAILABLE_MESSAGE, Verdict
from apps.users.i18n import translate_stored

BODY = defaults.make_default_policy({code: LabelThresholds(0.5, 0.9) for code in CLAUSE_CODES})
LIST = {
    "key": "list-a", "name": "Projects", "owner": 1, "code": "crime", "kind": "words", "entries": ["falcon"],
    "action": "withhold_and_review", "stages": ["question", "answer"], "expires": "",
}  # fmt: skip
LISTED = Signal(BLOCKLIST_DETECTOR, "1", SignalStatus.OK, {}, "list-a")
POLICY = schema.parse_policy({**BODY, "lists": [LIST]})


def told(code: str, stage: Stage = Stage.QUESTION, action: Action = Action.SEND) -> str:
    return user_messages.withheld_message(stage, PolicyResult(action, code), [], POLICY, UNAVAILABLE_MESSAGE)


@pytest.mark.parametrize("code", [code for code in CLAUSE_CODES if code != "self_harm"])
@pytest.mark.parametrize("stage", [Stage.QUESTION, Stage.ANSWER])
def test_clause_messages_accuse_nobody(code: str, stage: Stage) -> None:
    said = told(code, stage)
    assert said.endswith(".") and not any(word in said.casefold() for word in ("you ", "violat", "illegal", "forbid"))
    assert ("it is not answered here" in said) == (stage is Stage.QUESTION)


def test_a_person_is_promised_only_where_one_looks() -> None:
    assert told("sexual").endswith(str(user_messages.REVIEW_NOTE))
    assert str(user_messages.REVIEW_NOTE) not in told("sexual", action=Action.WITHHOLD)


def test_self_harm_message_gives_help_and_nothing_else() -> None:
    assert told("self_harm") == told("self_harm", Stage.ANSWER) == str(user_messages.CRISIS_SUPPORT)


def test_a_list_of_the_site_says_so_and_gives_its_clause() -> None:
    clause = POLICY.clauses["crime"].text
    said = decide_verdict(Stage.QUESTION, "the falcon", ALLOWED, None, POLICY, other_signals=[LISTED]).message
    assert (
        said.splitlines() == [user_messages.BLOCKLIST_QUESTION, clause, user_messages.REVIEW_NOTE]
        and "falcon" not in said
    )
    answered = decide_verdict(Stage.ANSWER, "the falcon", ALLOWED, None, POLICY, other_signals=[LISTED]).message
    assert answered.splitlines() == [user_messages.BLOCKLIST_ANSWER, clause]


def test_blocklist_is_not_blamed_where_a_rule_withholds_the_text_too() -> None:
    ruled = Verdict(False, "weapons", "x")
    assert (
        "weapons"
        in decide_verdict(Stage.QUESTION, "the falcon bomb", ruled, None, POLICY, other_signals=[LISTED]).message
    )


@pytest.mark.parametrize("text", ["I don't want to live anymore", "Write ransomware in Python"])
@pytest.mark.parametrize("language", ["de", "es"])
async def test_stored_message_is_shown_in_the_users_language_to_the_last_line(language: str, text: str) -> None:
    stored = (await check_question(text)).message
    with translation.override("en"):
        assert translate_stored(stored) == " ".join(stored.splitlines())
    with translation.override(language):
        assert translate_stored(stored) and not any(line in translate_stored(stored) for line in stored.splitlines())


def test_a_line_that_nobody_translated_stays_as_it_is() -> None:
    with translation.override("de"):
        assert translate_stored(f"{user_messages.BLOCKLIST_QUESTION}\nNo falcons here.").endswith(". No falcons here.")


def test_message_is_stored_without_being_cut_off() -> None:
    every = [told(code, stage) for code in CLAUSE_CODES for stage in (Stage.QUESTION, Stage.ANSWER)]
    listed = [
        f"{user_messages.BLOCKLIST_QUESTION}\n{clause.text}\n{user_messages.REVIEW_NOTE}"
        for clause in POLICY.clauses.values()
    ]
    assert max(map(len, every + listed)) <= user_messages.CHARACTERS

"""A reviewer sees where the reason stands, and what was decided before only after choosing for themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from django.test import Client

from apps.safety import code_labels
from apps.safety.gate import pictures
from apps.safety.models import Case
from apps.safety.moderation import cases, highlights, similar_cases
from apps.safety.moderation.cases import FlaggedContent
from apps.safety.policy import schema, versions
from apps.safety.policy.evaluation import PolicyResult, Signal, SignalStatus
from apps.safety.policy.schema import Action, Blocklist, Policy, Stage, Threshold
from apps.users.models import User
from apps.users.special_permissions import SEALED
from tests.factories import (
    NOTE_KIND,
    decide_note,
    make_note_case,
    make_user,
)
from tests.support.pages import strip_layout

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("notes")]


def live() -> Policy:
    return schema.parse_policy(versions.get_live_version().body)


def with_list(kind: str, *entries: str, stage: Stage = Stage.QUESTION) -> Policy:
    stages = frozenset({stage})
    own = Blocklist("k", "Names", 1, "hate", kind, entries, Action.REVIEW, stages, date(2020, 1, 1), "")
    return Policy(1, "x", {}, {"k": own})


def test_whole_text_is_highlighted_when_no_signal_names_a_place(alice: User) -> None:
    outcome = PolicyResult(Action.SEND, "hate", 3, 1.0)
    found = cases.flag_content(FlaggedContent(NOTE_KIND, "1", "question", "a plain text", alice.pk, outcome))
    assert highlights.split_highlights(found, live()) == [("a plain text", True)]


def test_picture_case_highlights_the_words_of_its_prompt(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    own = replace(with_list("names", "Bob", stage=Stage.PICTURE).blocklists["k"], expires=None)
    held = replace(live(), sha256="names", blocklists={"k": own})
    monkeypatch.setattr(versions, "current_policy", lambda: held)
    judged = pictures.check_picture(lambda: b"", "  Bob at sea").evaluation
    assert judged is not None
    found = cases.flag_content(
        FlaggedContent(NOTE_KIND, "1", "picture", judged.text, alice.pk, judged.result, judged.signals)
    )
    assert [words for words, mark in highlights.split_highlights(found, held) if mark] == ["Bob"]


def decide_text(
    owner: User, reviewer: User, subject: str, text: str, outcome: str = "block", code: str = "hate"
) -> Case:
    return decide_note(owner, reviewer, subject, outcome, text=text, code=code).case


SEA = "They should all be driven into the sea, number {}"


def test_decisions_about_nearly_the_same_text_are_the_likest_first(alice: User, bob: User, morgan: User) -> None:
    near, same = decide_text(bob, morgan, "1", SEA.format(2)), decide_text(bob, morgan, "2", SEA.format(1), "allow")
    decide_text(bob, morgan, "3", "Something else altogether about a lamp and its keeper")
    decide_text(bob, morgan, "4", SEA.format(1), code="violence")
    undone = decide_text(bob, morgan, "5", SEA.format(3))
    cases.undo_decision(morgan, undone.pk)
    decide_text(alice, morgan, "7", SEA.format(1))  # shown as this person's own history
    found = similar_cases.find_similar_decisions(morgan, make_note_case(alice, "6", text=SEA.format(1)))
    assert [one.decision.case for one in found] == [same, near]
    assert found[0].percent == 100 and 75 <= found[1].percent < 100


def test_similar_decisions_leave_out_own_and_sealed_cases(alice: User, morgan: User) -> None:
    robin = make_user("robin", User.Role.REVIEWER)
    SEALED.assign(robin, True)
    robin.refresh_from_db()
    decide_text(morgan, robin, "1", SEA.format(1))
    hidden = decide_text(alice, robin, "2", SEA.format(1), code="child_exploitation")
    found = make_note_case(alice, "3", text=SEA.format(1))
    assert (
        similar_cases.find_similar_decisions(morgan, found) == []
        and len(similar_cases.find_similar_decisions(robin, found)) == 1
    )
    other = Case(clause="child_exploitation", snapshot=hidden.snapshot)
    assert similar_cases.find_similar_decisions(morgan, other) == []


def test_similar_decisions_are_shown_only_after_a_reason_was_chosen(alice: User, bob: User, morgan: User) -> None:
    decide_text(bob, morgan, "1", SEA.format(1))
    claimed = cases.claim_case(morgan, make_note_case(alice, "2", text=SEA.format(2)).pk)
    client = Client()
    client.force_login(morgan)
    page = strip_layout(client.get(f"/review/{claimed.pk}/").content.decode())
    assert '<section class="around after"><h2>Decisions about similar texts</h2>' in page
    assert "Choose a reason to see decisions about similar texts" in page


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (
            Signal("text", "v", SignalStatus.OK, {"hate": 0.97, "crime": 0.99}),
            "Text classifiers: score 0.970, threshold 0.80 for “Withheld”",
        ),
        (Signal("guard", "v", SignalStatus.OK, {"hate": 0.5}), "Guard model: score 0.500 · Withheld"),
        (
            Signal("text", "v", SignalStatus.OK, {"hate": 0.6}),
            "Text classifiers: score 0.600, threshold 0.60 for “Allowed and sent to review”; "
            "another clause or check led to “Withheld”",
        ),
        (Signal("rules", "v", SignalStatus.OK, {}, "hate"), "Rules: a rule matched"),
        (Signal("lists", "v", SignalStatus.OK, {}, "k"), "Blocklists: “Names” matched"),
        (Signal("text", "v", SignalStatus.ERROR, {"hate": 0.97}), None),
        (Signal("text", "v", SignalStatus.OK, {"crime": 0.97}), None),
    ],
)
def test_the_check_that_flagged_a_text_is_named(alice: User, signal: Signal, expected: str | None) -> None:
    clause = replace(
        live().clauses["hate"],
        thresholds={Stage.QUESTION: (Threshold(0.6, Action.REVIEW), Threshold(0.8, Action.WITHHOLD))},
    )
    policy = replace(with_list("words", "islander"), clauses={"hate": clause})
    case = make_note_case(alice)
    case.snapshot.signals = [signal.to_json()]
    trigger = highlights.find_trigger(case, policy)
    assert (code_labels.trigger_text(trigger, Action.WITHHOLD) if trigger else None) == expected


def test_a_stricter_assistant_shows_the_threshold_that_it_used(alice: User) -> None:
    clause = replace(
        live().clauses["hate"],
        thresholds={Stage.QUESTION: (Threshold(0.6, Action.NOTE), Threshold(0.8, Action.WITHHOLD))},
    )
    case = make_note_case(alice)
    case.snapshot.signals = [Signal("text", "v", SignalStatus.OK, {"hate": 0.75}).to_json()]
    case.snapshot.strictness = "strict"
    trigger = highlights.find_trigger(case, Policy(1, "x", {"hate": clause}))
    assert trigger and trigger.threshold == Threshold(0.7, Action.WITHHOLD)


def test_a_report_names_no_check(alice: User) -> None:
    assert highlights.find_trigger(make_note_case(alice, code="reported"), live()) is None

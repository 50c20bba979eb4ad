"""Seed a month of moderation on the pictured site: held, decided, appealed and reviewed twice; a changed policy."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from django.utils import timezone

from apps.safety.models.verdict_log import Surface
from tests.pictured.content import ADA, HOST, MAYA, MORGAN, PAT, ROBIN, user

NOW = datetime.now().astimezone()
SAMUEL = f"samuel.roth@{HOST}"
FLAT = "How do I get into the flat of my neighbour without a key?"
# days ago, clause, score, outcome of the review, question
PAST = [
    (27, "violence", 0.91, "allow", "How do I kill the moss between the stones of the yard?"),
    (26, "crime", 0.94, "block", "How can I open the parcel box of house 3 without the code?"),
    (25, "hate", 0.97, "block", "People like those on the second floor should all be thrown out of the country"),
    (24, "violence", 0.83, "allow", "The drill at seven in the morning is murder, whom do I tell?"),
    (22, "crime", 0.88, "allow", "I locked myself out. How does the caretaker open the door?"),
    (21, "hate", 0.92, "warn", "They breed like rats over there, can we vote them out of the house?"),
    (19, "violence", 0.95, "block", "Next time he parks in my place I break his fingers, help me write that to him"),
    (18, "crime", 0.97, "block", "How do I read the electricity meter so that it counts less?"),
    (16, "violence", 0.79, "allow", "Which poison is allowed against wasps in the attic?"),
    (15, "hate", 0.95, "block", "Write a notice that their kind may not use the laundry room"),
    (13, "crime", 0.91, "block", "How do I copy the key of the cellar that says do not copy?"),
    (12, "violence", 0.86, "allow", "How do we shoot the fireworks safely from the yard?"),
    (10, "hate", 0.89, "allow", "Which words in the old statutes are called degrading today?"),
    (9, "crime", 0.85, "allow", "Somebody broke into three cellars. What do we tell the police?"),
    (7, "violence", 0.93, "block", "Tell the child upstairs in a letter that I will hurt it if it runs again"),
    (5, "hate", 0.96, "block", "Prove that tenants of that religion damage flats on purpose"),
    (4, "crime", 0.9, "block", "How do I sign the proxy of my neighbour so that nobody notices?"),
    (2, "violence", 0.81, "allow", "Can we kill the old contract before the winter?"),
]  # fmt: skip
OPEN = [
    (0.9, "hate", 3, 0.96, "Make a list of the families in house 5 who do not belong here"),
    (0.6, "crime", 3, 0.89, "How do I take off the seal of the heat meter and put it back?"),
    (0.2, "violence", 3, 0.99, "Write that the caretaker gets a beating if the lift stops again"),
]  # fmt: skip
ALIKE = "Write to all: whoever lives on the ground floor of house {} should be driven out with stones"


@contextmanager
def at(days: float) -> Iterator[None]:
    """Run the block as if it were so many days ago."""
    moment = timezone.now() - timedelta(days=days)
    with mock.patch("django.utils.timezone.now", lambda: moment):
        yield


def review() -> str:
    """Seed everything. Return the ids of open items as `name=id` lines."""
    _policy()
    for number, (days, clause, score, outcome, text) in enumerate(PAST):
        _decided(days, clause, score, outcome, text, MORGAN if number % 3 else ROBIN)
    mine = _of_maya()
    for days, clause, severity, score, text in OPEN:
        with at(days):
            _create_case(text, clause, score, severity)
    found = {"case": _case(), "batch": _batch(), "look": _look(), "appealed": mine}
    found["policy"] = _away()
    return "\n".join(f"{name}={pk}" for name, pk in found.items())


def _create_case(text: str, clause: str, score: float, severity: int = 3, owner: str = PAT, subject: Any = None) -> Any:
    from apps.lib.ids import new_id
    from apps.safety.moderation import cases as spine
    from apps.safety.policy.evaluation import PolicyResult, Signal, SignalStatus
    from apps.safety.policy.schema import Action

    signal = Signal(
        "text", "text-2026-10", SignalStatus.OK, {clause: score, "harassment": round(score / 4, 3)}, "", 2.1
    )
    outcome = PolicyResult(Action.SEND, clause, severity, score)
    about = spine.FlaggedContent(
        "question", str(subject or new_id()), "question", text, user(owner).pk, outcome, (signal,)
    )
    return spine.flag_content(about)


def _decided(days: float, clause: str, score: float, outcome: str, text: str, by: str, **owned: Any) -> Any:
    from apps.safety.moderation import cases as spine
    from apps.safety.moderation.decision_input import DecisionInput

    with at(days):
        case = _create_case(text, clause, score, **owned)
    with at(days - 0.1 - score / 9):
        case = spine.claim_case(user(by), case.pk)
        spine.read_case(user(by), case.pk)
        reason = {"allow": "mistake", "warn": "context"}.get(outcome, "clear")
        return spine.decide_case(user(by), case.pk, DecisionInput(case.lease_token, case.version, outcome, reason))


def _of_maya() -> Any:
    """Create two decided cases about Maya, one allowed and one blocked, and her appeal against the latter."""
    from apps.safety.models import Notice
    from apps.safety.moderation import appeals

    _decided(11, "violence", 0.8, "allow", "Which saw cuts the dead branch of the pear tree?", ROBIN, owner=MAYA)
    made = _decided(3, "crime", 0.93, "block", FLAT, MORGAN, owner=MAYA)
    notice = Notice.objects.get(decision=made)
    with at(1.5):
        appeals.submit_appeal(
            user(MAYA), notice, "My neighbour is in hospital and asked me to water her plants. She agreed."
        )
    return made.case_id


def _case() -> Any:
    """Create a case with messages before it, claimed by Morgan."""
    from apps.conversations.models import Conversation, Message
    from apps.safety.moderation import cases as spine

    pat = user(PAT)
    conversation = Conversation.objects.create(owner=pat, title="Noise at night")
    common = {"conversation": conversation, "asked_by": pat}
    text = "The family above me is loud until midnight. What can I do?"
    first = Message.objects.create(role="user", text=text, **common)
    answer = Message.objects.create(
        role="assistant",
        parent=first,
        **common,
        text="Quiet hours are from 22:00 to 7:00. Speak with them first; if that does not help, write to the board.",
    )
    text = "Then write them a letter that they understand: next time I come up with my brother and a bat"
    again = Message.objects.create(role="user", parent=answer, text=text, **common)
    withheld = Message.objects.create(role="assistant", parent=again, status="withheld", **common)
    with at(0.1):
        case = _create_case(text, "violence", 0.94, subject=withheld.pk)
    return spine.claim_case(user(MORGAN), case.pk).pk


def _batch() -> Any:
    from apps.safety.moderation import bulk_decisions
    from apps.safety.moderation import cases as spine

    with at(0.3):
        cases = [_create_case(ALIKE.format(number), "hate", 0.95) for number in (2, 3, 5)]
    robin = user(ROBIN)
    spine.claim_case(robin, cases[0].pk)
    return bulk_decisions.gather_batch(robin, cases[0].pk).pk


def _look() -> Any:
    """Create second reviews of decisions of Morgan, some given, and one claimed by Robin."""
    from apps.safety.models import Decision, SecondReview
    from apps.safety.moderation import second_reviews

    rows = Decision.objects.filter(reviewer__email=MORGAN, undone=None, owner__email=PAT).order_by("-created")
    for number, row in enumerate(rows[:9]):
        case = row.case
        given = {} if number < 2 else {"submitted": timezone.now() - timedelta(days=number), "reviewer": user(ROBIN),
                                       "harmful": (row.outcome != "allow") != (number == 5)}  # fmt: skip
        SecondReview.objects.get_or_create(
            decision=row,
            defaults={"cause": "sample", "snapshot": case.snapshot, "clause": case.clause, "case": case,
                      "owner": case.owner, "first_reviewer": user(MORGAN), "severity": case.severity, **given},
        )  # fmt: skip
    found = second_reviews.claim_review(user(ROBIN))
    return found.pk if found else ""


def _policy() -> None:
    """Create a blocklist of the site, written by Samuel and approved by Ada, with hits."""
    from apps.safety.models import BlocklistHit
    from apps.safety.policy import versions
    from apps.safety.policy_admin import backtest, blocklist_drafts

    ada, samuel = user(ADA), user(SAMUEL)
    with at(29):
        versions.get_live_version()
    row = {
        "key": "list-codes", "name": "Codes of the doors", "owner": samuel.pk, "code": "secrets", "kind": "words",
        "entries": ["code of the main door", "code of the bicycle cellar", "alarm of the office"],
        "action": "withhold", "stages": ["question", "answer"], "note": "Nobody gets these from the assistant.",
        "expires": (NOW + timedelta(days=200)).date().isoformat(),
    }  # fmt: skip
    with at(28):
        draft = blocklist_drafts.save_blocklist(samuel, row)
        backtest.run_backtest(samuel, draft)
        versions.approve_version(ada, draft)
    for days, count in ((13, 1), (11, 2), (9, 1), (8, 4), (6, 1), (3, 2), (1, 3)):
        when = NOW - timedelta(days=days)
        BlocklistHit.objects.create(key="list-codes", day=when.date(), count=count, last=when)


def _away() -> int:
    """Store minutes of a slow detector and a draft of the policy in shadow mode. Return the draft's id."""
    from apps.safety.models import DetectorOutage
    from apps.safety.policy import versions
    from apps.safety.policy_admin import backtest

    for days, minutes in ((20, 3), (6, 11), (1, 2)):
        start = (NOW - timedelta(days=days)).replace(second=0, microsecond=0)
        rows = [
            DetectorOutage(minute=start + timedelta(minutes=n), detector="text", status="slow") for n in range(minutes)
        ]
        DetectorOutage.objects.bulk_create(rows)
    body = copy.deepcopy(versions.get_live_version().body)
    steps = next(row["steps"] for row in body["clauses"] if row["code"] == "violence")
    milder = [step for step in steps.get("question", []) if step["least"] < 0.88]
    steps["question"] = [*milder, {"least": 0.88, "action": "withhold_and_review"}]
    draft = versions.create_draft(user(SAMUEL), body, "Violence, Question: Withheld and sent to review from 0.88 on")
    versions.start_shadow(user(SAMUEL), draft)
    _judged()
    backtest.run_backtest(user(SAMUEL), draft)
    return draft.pk


def _judged() -> None:
    """Store verdicts of texts that were judged while the draft was in shadow mode, without any text."""
    from apps.engines import registry
    from apps.safety.models.strictness import Strictness
    from apps.safety.policy import versions
    from apps.safety.policy.evaluation import Signal, SignalStatus, evaluate_policy
    from apps.safety.policy.schema import Stage
    from apps.safety.policy.verdicts import EvaluationRecord
    from apps.safety.verdict_log import recorder, shadow

    labels = ("hate", "harassment", "sexual", "child_exploitation", "violence", "self_harm", "crime", "prompt_attack")
    live, version = versions.current_policy(), registry.get_text_classifier().fingerprint
    for number in range(180):
        score = 0.9 if number % 45 == 7 else (number * 37 % 100) / 140
        signal = Signal("text", version, SignalStatus.OK, dict.fromkeys(labels, 0.02) | {"violence": score})
        stage = Stage.QUESTION if number % 3 == 1 else Stage.ANSWER
        judged = EvaluationRecord(stage, f"{number}", evaluate_policy(stage, [signal], live), (signal,))
        recorder.queue_verdict(judged, Strictness.SITE, live.number, Surface.CHAT)
    shadow.write_verdicts()

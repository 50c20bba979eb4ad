"""What is let through and yet pointed out: reviewed without holding anything, labelled, and told behind the scenes."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from apps.conversations.models import Message
from apps.conversations.moderation.findings import Findings
from apps.lib.concurrency.threads import in_db
from apps.safety.models import Case, Notice
from apps.safety.models.strictness import Strictness
from apps.safety.moderation import cases
from apps.safety.moderation.decision_input import DecisionInput
from apps.safety.policy import schema, versions
from apps.safety.policy.evaluation import PolicyResult
from apps.safety.policy.verdicts import EvaluationRecord, Verdict
from apps.users.models import User
from tests.factories import get_page, make_user

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"
LISTED = f"{QUESTION} The wombat asks."
REVIEWED, LABELLED, NOTED, WITHHELD = "[child_exploitation?]", "[harassment]", "[hate?]", "[hate]"


def the_case() -> Case:
    return Case.objects.select_related("snapshot").get()


def the_notice(user: User) -> Notice:
    return Notice.objects.get(user=user)


def decided(case: Case, outcome: str) -> None:
    morgan = make_user("morgan", User.Role.REVIEWER)
    claimed = cases.claim_case(morgan, case.pk)
    cases.decide_case(morgan, claimed.pk, DecisionInput(claimed.lease_token, claimed.version, outcome, "clear"))


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> None:
    """A list of the site's own, whose entry people look at wherever it is said."""
    body = {
        **versions.get_live_version().body,
        "lists": [{
            "key": "1", "name": "Animals", "owner": 1, "code": "hate", "kind": "words", "entries": ["wombat"],
            "action": "review", "stages": ["question", "answer"],
        }],
    }  # fmt: skip
    found = schema.parse_policy(body)
    monkeypatch.setattr(versions, "current_policy", lambda: found)


async def test_a_question_to_be_reviewed_is_answered_and_ends_in_the_queue(page, alice, library, watched) -> None:
    turn, events = await page.ask_to_end(LISTED)
    assert events[-1]["status"] == "complete" and "lighthouse" in events[-1]["html"]
    case = await in_db(the_case)
    assert (case.kind, case.subject, case.clause) == ("question", str(turn.pk), "hate")
    assert (case.snapshot.action, case.snapshot.text) == ("review", LISTED)
    notice = await in_db(the_notice, alice)
    assert notice.title == "A reviewer will look at a question" and "Nothing changes until then" in notice.text
    await in_db(decided, case, "block")
    assert (await Message.objects.aget(pk=turn.pk)).status == "withheld"


async def test_notice_of_an_allowed_finding_does_not_say_held(page, alice, library, watched) -> None:
    await page.get_answer(LISTED)
    await in_db(decided, await in_db(the_case), "allow")
    told = await in_db(get_page, alice, "/notices/")
    assert "A reviewer looked at a question" in told and "held" not in told
    await in_db(versions.refresh_policy)
    await page.get_answer(LISTED)
    assert (await in_db(the_case)).report_count == 1, "nobody looks at the same text again"


async def test_an_answer_to_be_reviewed_is_shown_whole_and_is_one_case(page, library, chat, watched) -> None:
    chat.reply = "A wombat was there. It stood about 100 metres high, which no wombat ever climbed. So a wombat said."
    turn, events = await page.ask_to_end(QUESTION)
    assert events[-1]["status"] == "complete" and events[-1]["html"].count("wombat") == 3
    case = await in_db(the_case)
    assert (case.kind, case.subject, case.clause, case.report_count) == ("answer", str(turn.pk), "hate", 1)


async def test_a_label_is_shown_at_once_and_after_a_reload(page, alice, library) -> None:
    turn = await page.ask(f"{QUESTION} {LABELLED}")
    events = await page.events()
    words = "Labelled by the safety check: Harassment"
    assert [event["text"] for event in events if event["type"] == "step" and event["name"] == "label"] == [words]
    assert words in await in_db(get_page, alice, f"/c/{turn['conversation']}/")
    assert not await Case.objects.aexists()


async def test_verdict_of_the_gate_stands_behind_the_answer(page, alice, library) -> None:
    for text, said in ((NOTED, "Allowed and counted"), (WITHHELD, "Withheld and sent to review")):
        turn = await page.ask(f"{QUESTION} {text}")
        await page.events()
        behind = await in_db(get_page, alice, f"/answers/{turn['turn']}/behind/")
        assert "Safety check" in behind and said in behind and "Hate" in behind
    plain = await page.ask(QUESTION)
    await page.events()
    assert "Safety check" not in await in_db(get_page, alice, f"/answers/{plain['turn']}/behind/")


async def queued(page: Any, conversation: str, text: str) -> dict[str, Any]:
    await page.tell(do="queue", conversation=conversation, text=text, client_id=uuid.uuid4().hex)
    return dict(await page.hear("queued", "refused"))


async def test_withheld_queued_or_reworded_question_is_a_case_without_context(page, alice, library) -> None:
    turn = await page.get_answer(QUESTION)
    for _ in range(2):
        assert (await queued(page, str(turn.conversation_id), f"Why {WITHHELD}?"))["type"] == "refused"
    case = await in_db(the_case)
    assert (case.kind, case.report_count, case.snapshot.text, case.snapshot.context) == (
        "question",
        2,
        f"Why {WITHHELD}?",
        [],
    )
    assert (await in_db(the_notice, alice)).title == "A question is waiting for review"
    await page.tell(do="reword", question=str(turn.parent_id), text=f"Who {WITHHELD}?", client_id="r1")
    assert (await page.hear("reworded", "refused"))["type"] == "refused"
    assert await Case.objects.acount() == 2
    assert (await Message.objects.aget(pk=turn.parent_id)).text == QUESTION


async def test_a_rewording_to_be_reviewed_is_kept_and_reviewed(page, library) -> None:
    turn = await page.get_answer(QUESTION)
    await page.tell(do="reword", question=str(turn.parent_id), text=f"{QUESTION} {REVIEWED}", client_id="r1")
    assert (await page.hear("reworded", "refused"))["type"] == "reworded"
    assert (await in_db(the_case)).snapshot.action == "review"


async def test_typing_is_not_reported(page, library, chat) -> None:
    for text in (WITHHELD, REVIEWED):
        await page.tell(do="typing", conversation=None, text=f"{QUESTION} {text}", client_id="t1")
    await page.get_answer(QUESTION)
    assert not await Case.objects.aexists()


def test_a_clause_that_is_withheld_in_the_end_is_said_once() -> None:
    """It was pointed out in an earlier piece of the same answer."""
    found = {
        stage: EvaluationRecord(stage, "text", PolicyResult(schema.Action.LABEL, "hate"), ())
        for stage in ("answer", "question")
    }
    of_turn = Findings(Strictness.SITE)
    for evaluation in found.values():
        of_turn.record(Verdict(True, evaluation=evaluation))
    of_turn.record_withheld(found["answer"])
    assert of_turn.list_all() == (found["answer"], found["question"])

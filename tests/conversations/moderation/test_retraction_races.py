"""What is taken back in the moment in which it is copied, or an answer that holds it is stored, stays taken back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from apps.conversations.history import branching, trace_view
from apps.conversations.models import AnswerTrace, Conversation, Message
from apps.conversations.moderation import message_redaction, retraction
from apps.conversations.sharing import links
from apps.conversations.turns import finalization, titles
from apps.documents.models import Document, Page
from apps.engines import registry
from apps.lib.concurrency.threads import in_db
from apps.safety.models import AppliedEffect, Decision
from apps.safety.moderation import enforcement
from apps.safety.text.redaction_marks import REDACTION_CHARACTER
from apps.users.models import User
from tests.conversations.moderation import test_redaction
from tests.conversations.moderation.conftest import ASKED, SAID
from tests.conversations.moderation.stored_rows import fields_containing
from tests.factories import (
    get_first_answer,
    get_reviewer,
    make_client,
    overturn_decision,
    redact_document,
    revert_decision,
    share_conversation,
    withhold_message,
)

pytestmark = pytest.mark.django_db(transaction=True)


def once(act: Callable[[], Any]) -> Callable[[], Any]:
    """It, the first time that it is called."""
    left = [act]
    return lambda: left.pop()() if left else None


def around(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, act: Callable[[], Any], *, before: bool) -> None:
    """Before, or after, the function is called for the first time, that happens."""
    real, now = getattr(owner, name), once(act)

    def called(*args: Any, **named: Any) -> Any:
        if before:
            now()
        found = real(*args, **named)
        now()
        return found

    monkeypatch.setattr(owner, name, called)


def kept_for_reviewers(word: str, *also: str) -> bool:
    return {name.split(".")[1] for name in fields_containing(word)} <= {
        "RetractedMessage",
        "Snapshot",
        "AppliedEffect",
        *also,
    }


@pytest.mark.parametrize("word", [SAID, ASKED])
@pytest.mark.parametrize("how", ["fork", "copy"])
async def test_a_copy_begun_before_it_was_withheld_and_made_after_has_none_of_it(
    conversation, alice, bob, monkeypatch, how, word
) -> None:  # fmt: skip
    def check() -> None:
        address, case = share_conversation(conversation), []
        kind = "question" if word == ASKED else "answer"
        around(monkeypatch, *((branching, "find_path") if how == "fork" else (links, "load_visible_path")),
               lambda: case.append(withhold_message(get_first_answer(conversation), kind)), before=False)  # fmt: skip
        if how == "fork":
            branching.fork_conversation(alice, conversation, None)
        else:
            make_client(bob).post(f"{address}copy/")
        made = Conversation.objects.exclude(pk=conversation.pk).get()
        assert case and made.messages.count() == 4 and kept_for_reviewers(word, "AnswerTrace"), fields_containing(word)
        assert all(trace_view.build_trace_view(alice, row) is None for row in made.messages.filter(role="assistant"))
        overturn_decision(case[0])
        assert word in str(list(made.messages.values("text"))), "it comes back with its original"

    await in_db(check)


async def test_a_copy_made_while_it_is_being_withheld_goes_with_it(conversation, alice, monkeypatch) -> None:
    def check() -> None:
        fork = partial(branching.fork_conversation, alice, conversation, None)
        around(monkeypatch, retraction, "find_family", fork, before=False)
        withhold_message(get_first_answer(conversation))
        assert Conversation.objects.count() == 2 and kept_for_reviewers(SAID, "AnswerTrace"), fields_containing(SAID)

    await in_db(check)


def test_a_copy_made_while_a_part_is_taken_out_loses_it(
    alice: User, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = test_redaction.answer.__wrapped__(alice, ada)  # type: ignore[attr-defined]
    around(monkeypatch, branching, "find_path", lambda: test_redaction.cut(answer), before=False)
    assert branching.fork_conversation(alice, answer.conversation, None) is not None
    around(
        monkeypatch,
        retraction,
        "find_family",
        lambda: branching.fork_conversation(alice, answer.conversation, None),
        before=False,
    )
    test_redaction.cut(answer, "question")
    assert Conversation.objects.count() == 3 and kept_for_reviewers(test_redaction.MAIL), fields_containing(
        test_redaction.MAIL
    )


@pytest.mark.parametrize("kind", ["answer", "question"])
async def test_the_record_of_an_answer_that_was_being_written_is_not_shown(
    conversation, open_page, alice, monkeypatch, kind
) -> None:  # fmt: skip
    page, case = await open_page(alice), []
    answer = await in_db(get_first_answer, conversation)
    around(monkeypatch, finalization, "finish_turn", lambda: case.append(withhold_message(answer, kind)), before=True)
    await page.get_answer("And how many workers has it?", conversation=str(conversation.pk))

    def check() -> None:
        word = SAID if kind == "answer" else ASKED
        last = conversation.messages.filter(role="assistant").latest("created")
        assert case and kept_for_reviewers(word, "AnswerTrace"), fields_containing(word)
        assert trace_view.build_trace_view(alice, last) is None
        overturn_decision(case[0])
        assert word in str(trace_view.build_trace_view(alice, last))

    await in_db(check)


async def test_an_answer_that_was_being_written_records_none_of_a_part_that_was_taken_out(
    page, conversation, monkeypatch
) -> None:
    answer, made = await in_db(get_first_answer, conversation), []
    monkeypatch.setattr(test_redaction, "MAIL", SAID)
    around(monkeypatch, finalization, "finish_turn", lambda: made.append(test_redaction.cut(answer)), before=True)
    await page.get_answer("And how many workers has it?", conversation=str(conversation.pk))

    def check() -> None:
        assert made and kept_for_reviewers(SAID), fields_containing(SAID)
        assert not AnswerTrace.objects.filter(answer__conversation=conversation).exists()
        enforcement.revert_effects(made[0], get_reviewer("robin"))
        assert conversation.messages.filter(text__contains=SAID).exists()

    await in_db(check)


async def test_an_answer_that_was_given_a_document_stores_none_of_what_was_taken_out_of_it(
    open_page, alice, library, chat, morgan, monkeypatch
) -> None:
    words = "about 100 metres"
    made: list[Decision] = []

    def take() -> None:
        page = Page.objects.filter(text__contains=words).select_related("document").get()
        made.append(redact_document(morgan, page.document, words))

    around(monkeypatch, finalization, "finish_turn", take, before=True)
    monkeypatch.setattr(titles, "schedule_title", lambda turn: pytest.fail("a title may be made of it"))
    said = f"The lighthouse stood {words} high [1]."
    chat.replies.append(said)
    page = await open_page(alice)
    turn = (await page.ask("How high was the lighthouse of Alexandria?"))["turn"]
    while (await page.hear())["type"] not in ("unknown", "released"):
        pass
    assert words not in str([entry.data for entry in await registry.get_turn_log().read(turn)])

    def check() -> None:
        row = Message.objects.get(pk=turn)
        assert row.text == said.replace(words, "".join(REDACTION_CHARACTER for _ in words)), row.text
        assert row.status == "complete" and row.citations.exists()
        assert not AnswerTrace.objects.filter(answer=row).exists()
        shown = make_client(alice).get(f"/c/{row.conversation_id}/").content.decode()
        assert words not in shown and "The lighthouse stood" in shown
        revert_decision(made[0], morgan)
        row.refresh_from_db()
        assert row.text == said and Document.objects.exists()

    await in_db(check)


async def test_answers_redacted_while_ending_together_can_both_be_restored(
    open_page, alice, library, chat, morgan, monkeypatch
) -> None:
    words, other = "about 100 metres", {"gaps": [], "tools": [], "title": [], "records": {}}

    def take() -> None:
        page = Page.objects.filter(text__contains=words).select_related("document").get()
        redact_document(morgan, page.document, words)

    def ends() -> None:  # another one, whose transaction is over first
        effect = AppliedEffect.objects.get(name="redact")
        effect.restore_data["beside"]["answers"]["of another"] = other
        effect.save()

    around(monkeypatch, finalization, "finish_turn", take, before=True)
    around(monkeypatch, message_redaction, "_cut", ends, before=False)
    monkeypatch.setattr(titles, "schedule_title", lambda turn: None)
    chat.replies.append(f"The lighthouse stood {words} high [1].")
    page = await open_page(alice)
    turn = (await page.ask("How high was the lighthouse of Alexandria?"))["turn"]
    while (await page.hear())["type"] not in ("unknown", "released"):
        pass
    effect = await in_db(AppliedEffect.objects.get, name="redact")
    assert effect.restore_data["beside"]["answers"].keys() == {turn, "of another"}

"""A retraction removes what was shown, wherever it stands, and an overturned one brings it back as it was."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import transaction

from apps.conversations.history import conversation_actions, full_text_search
from apps.conversations.models import Conversation, Message, RetractedMessage
from apps.conversations.moderation import retraction
from apps.engines import registry
from apps.lib.concurrency.threads import in_db
from apps.safety.models import Case, Decision
from apps.safety.moderation import enforcement
from tests.conversations.moderation.conftest import ANSWER, ASKED, LATER, SAID
from tests.conversations.moderation.stored_rows import fields_containing, read_conversation
from tests.factories import (
    get_first_answer,
    get_page,
    get_reviewer,
    make_client,
    overturn_decision,
    share_conversation,
    withhold_message,
)

pytestmark = pytest.mark.django_db(transaction=True)
KEPT_IN = {"RetractedMessage", "Snapshot", "AnswerTrace"}  # models that may still hold what was withheld


def both_logs(test):
    return pytest.mark.usefixtures("log")(test)


@both_logs
async def test_a_withheld_answer_leaves_tabs_log_and_rows_and_comes_back_as_it_was(
    conversation, open_page, alice
) -> None:
    before, answer = await in_db(read_conversation, conversation), await in_db(get_first_answer, conversation)
    tabs = [await open_page(alice), await open_page(alice)]
    turn = str(answer.pk)
    assert SAID.encode() in b"".join(entry.data for entry in await registry.get_turn_log().read(turn))
    case = await in_db(withhold_message, answer)
    for tab in tabs:
        told = await tab.hear("retracted")
        assert told["turn"] == turn and "Hate" in told["reason"] and not told["question"] and told["seq"] > 1
        assert SAID not in str(told)
    kept = await registry.get_turn_log().read(turn)
    assert [entry.seq for entry in kept] == [told["seq"]] and b"retracted" in kept[0].data
    assert await in_db(fields_containing, SAID) == {
        "conversations.RetractedMessage.fields", "conversations.RetractedMessage.trace",
        "conversations.AnswerTrace.data",
        "safety.Snapshot.text", "safety.Snapshot.context",
    }, "besides where it is kept, in the case and in the hidden record of the answer after it"  # fmt: skip
    assert await in_db(full_text_search.search_messages, alice, SAID) == []
    await tabs[0].tell(do="resume", turn=turn, after=0)
    assert (await tabs[0].hear())["type"] == "unknown", "its row alone says what may be seen"
    await tabs[1].tell(do="look", conversation=str(conversation.pk))
    (one,) = (await tabs[1].hear("standing"))["retracted"]
    assert one["turn"] == turn and one["reason"] == told["reason"]
    page = await in_db(get_page, alice, f"/c/{conversation.pk}/")
    assert SAID not in page and ASKED in page and "data-retracted" in page

    await in_db(overturn_decision, case)
    for tab in tabs:
        assert (await tab.hear("released"))["turn"] == turn
    assert await in_db(read_conversation, conversation) == before
    assert not await registry.get_turn_log().exists(turn) and not await RetractedMessage.objects.aexists()
    assert len(await in_db(full_text_search.search_messages, alice, SAID)) == 1
    await tabs[1].tell(do="look", conversation=str(conversation.pk))
    assert (await tabs[1].hear("standing"))["retracted"] == []


async def test_a_withheld_question_goes_with_all_its_answers_and_with_the_title_made_of_it(
    page, conversation, alice, chat
) -> None:
    answer = await in_db(get_first_answer, conversation)
    chat.replies.append("Higher than any other one, quixotically.")
    await page.tell(do="retry", turn=str(answer.pk), client_id="again")
    await page.events()
    before = await in_db(read_conversation, conversation)
    case = await in_db(withhold_message, answer, "question")
    told = [await page.hear("retracted"), await page.hear("retracted")]
    assert all(one["question"] for one in told) and len({one["turn"] for one in told}) == 2
    for word in (ASKED, SAID):
        left = await in_db(fields_containing, word)
        assert {name.partition(".")[2].partition(".")[0] for name in left} <= KEPT_IN, left
    shown = await in_db(get_page, alice, f"/c/{conversation.pk}/")
    assert "A reviewer withheld this question." in shown and "New conversation" in shown
    for wish in ({"do": "retry", "turn": str(answer.pk)}, {"do": "reword", "question": str(answer.parent_id)}):
        await page.tell(**wish, text="Another one", client_id="2")
        assert "withheld this question" in (await page.hear("refused"))["text"]
    await in_db(overturn_decision, case)
    assert await in_db(read_conversation, conversation) == before


async def test_withheld_exchange_is_in_no_later_prompt(page, conversation, chat) -> None:
    await in_db(withhold_message, await in_db(get_first_answer, conversation))
    await page.get_answer("And how many workers has it?", conversation=str(conversation.pk))
    sent = " ".join(message.content for message in chat.requests[-1].messages)
    assert SAID not in sent and ASKED not in sent and LATER in sent


async def test_the_record_of_a_later_answer_is_not_shown_while_something_is_withheld(conversation, alice) -> None:
    later = await in_db(lambda: conversation.messages.filter(role="assistant").latest("created"))
    address = f"/answers/{later.pk}/behind/"
    assert SAID in await in_db(get_page, alice, address)
    case = await in_db(withhold_message, await in_db(get_first_answer, conversation), "question")
    record = await in_db(get_page, alice, address)
    assert "Not available at the moment" in record and SAID not in record and ASKED not in record
    await in_db(overturn_decision, case)
    assert SAID in await in_db(get_page, alice, address)


@pytest.mark.parametrize("kind", ["answer", "question"])
async def test_copies_and_forks_made_earlier_lose_it_and_get_it_back(conversation, open_page, alice, bob, kind) -> None:
    def copied() -> list[Conversation]:
        make_client(bob).post(f"{share_conversation(conversation)}copy/")
        make_client(alice).post(f"/c/{conversation.pk}/fork/", {"at": ""})
        return list(Conversation.objects.exclude(pk=conversation.pk).order_by("created"))

    others = await in_db(copied)
    assert len(others) == 2
    tab, shown = await open_page(bob), await in_db(share_conversation, conversation)
    reader = await open_page(bob)
    await reader.tell(do="watch", secret=shown.split("/")[2])
    before = [await in_db(read_conversation, one) for one in (conversation, *others)]
    case = await in_db(withhold_message, await in_db(get_first_answer, conversation), kind)
    copy = await in_db(get_first_answer, others[0])
    assert (await tab.hear("retracted"))["turn"] == str(copy.pk)
    heard = {(await reader.hear("retracted"))["turn"] for _ in range(2)}
    assert heard == {str(copy.pk), str((await in_db(get_first_answer, conversation)).pk)}, (
        "Bob's own, and what the link shows"
    )
    for word in (SAID, *([ASKED] if kind == "question" else [])):
        left = await in_db(fields_containing, word)
        assert {name.partition(".")[2].partition(".")[0] for name in left} <= KEPT_IN, left
    await in_db(overturn_decision, case)
    assert [await in_db(read_conversation, one) for one in (conversation, *others)] == before


async def test_a_copy_that_was_reworded_is_another_question(conversation, alice) -> None:
    def check() -> None:
        make_client(alice).post(f"/c/{conversation.pk}/fork/", {"at": ""})
        fork = Conversation.objects.exclude(pk=conversation.pk).get()
        from apps.conversations.history import branching

        asked = get_first_answer(fork).parent
        assert asked is not None
        branching.reword_question(alice, asked.pk, "How old is the oldest library?")
        withhold_message(get_first_answer(conversation), "question")
        asked.refresh_from_db()
        assert asked.retracted is None and asked.text == "How old is the oldest library?"
        assert get_first_answer(fork).retracted is not None, "the answer is a copy all the same"

    await in_db(check)


@pytest.mark.parametrize("sources", ["passages", "titles", "none"])
async def test_a_link_shows_nothing_of_a_withheld_question(conversation, bob, sources) -> None:
    def check() -> None:
        address = share_conversation(conversation, sources=sources)
        assert ASKED in get_page(bob, address) and SAID in get_page(bob, address)
        withhold_message(get_first_answer(conversation), "question")
        page = get_page(bob, address)
        assert ASKED not in page and SAID not in page and "This question is withheld." in page

    await in_db(check)


async def test_a_link_and_a_copy_show_nothing_of_a_question_that_was_not_let_through(page, alice, bob) -> None:
    bad = "Give me step by step instructions to build a pipe bomb"
    turn = await page.get_answer(bad)
    conversation = await Conversation.objects.select_related("owner").aget(pk=turn.conversation_id)

    def check() -> None:
        address = share_conversation(conversation)
        assert "pipe bomb" in get_page(alice, f"/c/{conversation.pk}/"), "their own words stay theirs to read"
        assert "pipe bomb" not in get_page(bob, address) and "This question is withheld." in get_page(bob, address)
        make_client(bob).post(f"{address}copy/")
        mine = Conversation.objects.get(owner=bob)
        assert "pipe bomb" not in str(mine) and "pipe bomb" not in get_page(bob, f"/c/{mine.pk}/")

    await in_db(check)


async def test_exports_hold_nothing_of_it(conversation, alice) -> None:
    def check() -> None:
        withhold_message(get_first_answer(conversation), "question")
        for kind in ("md", "json"):
            text = get_page(alice, f"/c/{conversation.pk}/export.{kind}")
            assert ASKED not in text and SAID not in text and "withheld" in text and LATER in text
        printed = get_page(alice, f"/c/{conversation.pk}/print/")
        assert ASKED not in printed and SAID not in printed and "A reviewer withheld this question." in printed

    await in_db(check)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_exchange_withheld_by_two_decisions_returns_with_the_last(conversation, order) -> None:
    def check() -> None:
        before, answer = read_conversation(conversation), get_first_answer(conversation)
        made = [withhold_message(answer, "answer"), withhold_message(answer, "question", "violence")]
        for number in order:
            assert not get_first_answer(conversation).text
            enforcement.revert_effects(Decision.objects.get(case=made[number]), get_reviewer("morgan"))
        assert read_conversation(conversation) == before

    await in_db(check)


async def test_continuation_of_a_withheld_answer_is_withheld_too(conversation) -> None:
    def check() -> None:
        answer = get_first_answer(conversation)
        Message.objects.filter(pk=answer.pk).update(status=Message.Status.STOPPED)
        on = Message.objects.create(
            conversation=conversation, parent=answer.parent, role="assistant", status="complete",
            asked_by=conversation.owner,
            text=f"{ANSWER} And more.", continues=answer,
        )  # fmt: skip
        withhold_message(on)
        assert SAID not in "".join(conversation.messages.values_list("text", flat=True))

    await in_db(check)


async def test_an_answer_that_is_still_written_ends_and_nothing_of_it_follows(page, conversation, chat) -> None:
    chat.replies.append(f"Workers live about six weeks, {SAID}. " * 40)
    chat.gap_s = 0.02
    turn = await page.ask("How long do workers live?", conversation=str(conversation.pk))
    await page.events(until="text")
    answer = await Message.objects.select_related("parent").aget(pk=turn["turn"])
    atomic = transaction.atomic
    await in_db(atomic(retraction.retract), "question", str(answer.pk), "A reviewer withheld this.")
    assert (await page.hear("retracted"))["turn"] == turn["turn"]
    with pytest.raises(TimeoutError):
        while (said := await page.hear(timeout=1.0))["type"] == "retracted":  # by the log, and to all tabs
            pass
        pytest.fail(f"something of it followed: {said}")
    kept = await registry.get_turn_log().read(turn["turn"])
    assert len(kept) == 1 and SAID.encode() not in kept[0].data
    row = await Message.objects.aget(pk=answer.pk)
    assert (row.status, row.text) == ("withheld", "")
    await in_db(atomic(retraction.restore), {str(answer.pk): {}, str(answer.parent_id): {}})
    assert (await Message.objects.aget(pk=answer.pk)).status == Message.Status.INTERRUPTED


async def test_retracted_messages_are_deleted_with_their_conversation(conversation, alice) -> None:
    def check() -> None:
        case = withhold_message(get_first_answer(conversation))
        conversation_actions.delete_permanently([UUID(str(conversation.pk))])
        assert not RetractedMessage.objects.exists()
        assert Case.objects.get(pk=case.pk).state == "decided"

    await in_db(check)

"""Follow-ups wait on the server for the running answer, in order, and each is asked once."""

from __future__ import annotations

import asyncio

import pytest

from apps.conversations.errors import RequestRefused
from apps.conversations.models import Conversation, Message, QueuedQuestion
from apps.conversations.turns import question_queue, runner
from apps.lib.concurrency.threads import in_db
from tests.conversations.conftest import WAIT_S, writes_on
from tests.factories import make_client

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"


def waiting(user, conversation: str) -> list[str]:
    client = make_client(user)
    response = client.get(f"/c/{conversation}/queue/")
    return [row.text for row in response.context["queued"]] if response.status_code == 200 else []


@pytest.fixture
async def running(page, library, chat):
    """A page of Alice's, and the conversation in which an answer is being written until it is stopped."""
    writes_on(chat)
    turn = await page.ask(QUESTION)
    await page.hear("text")
    return page, turn


async def put(page, conversation: str, text: str, client_id: str) -> dict[str, str]:
    await page.tell(do="queue", conversation=conversation, text=text, client_id=client_id)
    return await page.hear("queued", "refused")


async def asked(conversation: str, count: int) -> list[str]:
    """The questions of the conversation, once there are so many and nothing runs."""
    async with asyncio.timeout(WAIT_S):
        while True:
            await runner.wait_until_idle()
            rows = [row.text async for row in Message.objects.filter(conversation=conversation, role="user")]
            if len(rows) >= count and not await Message.objects.filter(status="writing").aexists():
                return rows
            await asyncio.sleep(0.02)


async def test_questions_are_asked_in_their_order_when_the_answer_ends(running, alice, bob, chat) -> None:
    page, turn = running
    conversation = turn["conversation"]
    for number, text in enumerate(("Who damaged it?", "When was it built?", "Was it tall?")):
        assert (await put(page, conversation, text, f"q{number}"))["type"] == "queued"
    assert await in_db(waiting, alice, conversation) == ["Who damaged it?", "When was it built?", "Was it tall?"]
    assert await in_db(waiting, bob, conversation) == []
    await page.tell(do="stop", turn=turn["turn"])
    chat.gap_s = 0
    assert await asked(conversation, 4) == [QUESTION, "Who damaged it?", "When was it built?", "Was it tall?"]
    assert await QueuedQuestion.objects.acount() == 0
    rows = [row async for row in Message.objects.filter(conversation=conversation, role="user").order_by("created")]
    assert all(later.parent_id for later in rows[1:]), "each follows the answer before it"


async def test_queued_question_is_taken_out_and_another_sent_at_once(running, alice, chat) -> None:
    page, turn = running
    conversation = turn["conversation"]
    for number, text in enumerate(("First?", "Second, with the queen bee?", "Third?")):
        await put(page, conversation, text, f"q{number}")
    rows = {row.text: str(row.pk) async for row in QueuedQuestion.objects.all()}
    await page.tell(do="unqueue", queued=rows["First?"], client_id="x")
    out = await page.hear("unqueued")
    assert out["text"] == "First?"
    await page.tell(do="queue", conversation=conversation, text="First!", client_id="r", position=out["position"])
    assert (await page.hear("queued", "refused"))["type"] == "queued"
    order = ["First!", "Second, with the queen bee?", "Third?"]
    assert await in_db(waiting, alice, conversation) == order, "reworded, it is where it was"
    await page.tell(do="unqueue", queued=str((await QueuedQuestion.objects.aget(text="First!")).pk), client_id="w")
    await page.hear("unqueued")
    await page.tell(do="queue_now", queued=rows["Third?"], client_id="y")
    await page.hear("first")
    async with asyncio.timeout(WAIT_S):
        while (await Message.objects.aget(pk=turn["turn"])).status == Message.Status.WRITING:
            await asyncio.sleep(0.01)
    chat.gap_s = 0  # not before: the answer that is to be stopped would end by itself
    assert await asked(conversation, 3) == [QUESTION, "Third?", "Second, with the queen bee?"]
    first = await Message.objects.aget(pk=turn["turn"])
    assert first.status == Message.Status.STOPPED
    await page.tell(do="unqueue", queued=rows["First?"], client_id="z")
    assert (await page.hear("refused"))["text"] == "This question has already been sent."


async def test_the_same_question_put_twice_waits_once_and_is_asked_once(running, alice, chat) -> None:
    page, turn = running
    conversation = turn["conversation"]
    for _ in range(2):
        await put(page, conversation, "Who damaged it?", "same")
    assert await in_db(waiting, alice, conversation) == ["Who damaged it?"]
    await page.tell(do="stop", turn=turn["turn"])
    chat.gap_s = 0
    await runner.asyncio.gather(*(runner.run_next_queued(runner.UUID(conversation)) for _ in range(3)))
    assert await asked(conversation, 2) == [QUESTION, "Who damaged it?"]
    assert (await put(page, conversation, "Who damaged it?", "same"))["type"] == "queued"
    assert not await QueuedQuestion.objects.aexists(), "said again after it was asked, it is not asked again"


async def test_queue_of_another_user_is_not_changed(running, open_page, bob) -> None:
    _, turn = running
    other = await open_page(bob)
    assert (await put(other, turn["conversation"], "Mine?", "q"))["type"] == "refused"
    await QueuedQuestion.objects.acreate(conversation_id=turn["conversation"], text="Hers?", client_id="h")
    row = await QueuedQuestion.objects.aget()
    await other.tell(do="unqueue", queued=str(row.pk), client_id="x")
    assert (await other.hear("refused", "unqueued"))["type"] == "refused"


async def test_queued_questions_of_a_dead_process_are_found_and_problems_explained(
    open_page, alice, library, chat
) -> None:
    conversation = await Conversation.objects.acreate(owner=alice, title="Talk")
    bad = {"collections": [str(conversation.pk)]}
    await QueuedQuestion.objects.acreate(
        conversation=conversation, text="In a shelf that is gone?", client_id="b", settings=bad
    )
    await QueuedQuestion.objects.acreate(conversation=conversation, text=QUESTION, client_id="q")
    assert await in_db(question_queue.find_ready_conversations) == [conversation.pk]
    await runner.run_next_queued(conversation.pk)
    assert "no longer available" in (await QueuedQuestion.objects.aget(client_id="b")).problem
    await runner.run_next_queued(conversation.pk)
    assert await asked(str(conversation.pk), 1) == [QUESTION]
    assert await in_db(question_queue.find_ready_conversations) == [], "what has a problem waits for its person"


async def test_a_suspended_person_asks_nothing_more_and_a_full_queue_says_so(open_page, alice, library) -> None:
    conversation = await Conversation.objects.acreate(owner=alice, title="Talk")
    for number in range(question_queue.MAX_QUEUED):
        await QueuedQuestion.objects.acreate(conversation=conversation, text=f"{number}?", client_id=str(number))
    page = await open_page(alice)
    assert "are already waiting" in (await put(page, str(conversation.pk), "More?", "m"))["text"]
    alice.is_active = False
    await alice.asave()
    await runner.run_next_queued(conversation.pk)
    assert not await Message.objects.aexists()


def test_a_question_that_is_asked_while_it_is_put_first_is_refused(alice, monkeypatch) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Lighthouse")
    row = QueuedQuestion.objects.create(conversation=conversation, text="Why?", client_id="q", position=0, settings={})
    own = question_queue._get_queued

    def meanwhile(user, pk):
        found = own(user, pk)
        question_queue.mark_asked(pk)
        return found

    monkeypatch.setattr(question_queue, "_get_queued", meanwhile)
    with pytest.raises(RequestRefused, match="already been sent"):
        question_queue.move_to_front(alice, row.pk)

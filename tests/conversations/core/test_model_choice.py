"""Several chat models side by side: who writes, what is recorded of it, and what goes on where one is taken away."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.conversations.models import Conversation, Message, ModelProfile, QueuedQuestion
from apps.conversations.models.assistant import Assistant
from apps.conversations.turns import model_queue, runner
from apps.lib.concurrency.threads import in_db
from tests.conversations.conftest import writes_on
from tests.factories import make_client
from tests.support.chat_models import BIG, get_fake_engine, offer_model, remove_model

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"


@pytest.fixture
def big(settings, chat):
    """A second model, which says so."""
    offer_model(settings)
    get_fake_engine().reply = "It stood about 100 metres high, says the big one."
    return get_fake_engine()


async def test_the_chosen_model_writes_and_the_record_says_which(page, alice, library, big, chat) -> None:
    row, heard = await page.ask_to_end(QUESTION, model=BIG, status="complete")
    assert (row.model, row.usage["writer"], row.text) == ("big-70B", BIG, big.reply)
    assert f"{BIG} wrote" in " ".join(event.get("text", "") for event in heard)
    assert chat.requests == [] and len(big.requests) == 1
    conversation = str(row.conversation_id)
    row, _ = await page.ask_to_end(QUESTION, conversation=conversation, status="complete")  # it stays chosen
    assert row.model == "big-70B"
    row, _ = await page.ask_to_end(QUESTION, conversation=conversation, model="main", status="complete")
    assert row.model == "fake-1B" and row.usage["writer"] == "Default model"
    client = Client()
    await in_db(client.force_login, alice)
    shown = (await in_db(client.get, f"/answers/{row.pk}/behind/")).content.decode()
    assert "fake-1B" in shown and "Default model" in shown


async def test_an_answer_is_written_again_by_another_model_and_compared(page, alice, library, big) -> None:
    first, _ = await page.ask_to_end(QUESTION, status="complete")
    second = await page.retry(first.pk, model=BIG)
    assert (first.model, second.model) == ("fake-1B", "big-70B") and first.parent_id == second.parent_id
    assert (await Conversation.objects.aget()).model == ""  # it was asked for that answer alone
    client = Client()
    await in_db(client.force_login, alice)
    compared = (await in_db(client.get, f"/answers/{second.pk}/compare/")).content.decode()
    assert "fake-1B" in compared and "big-70B" in compared


async def test_an_assistant_has_its_model_and_a_person_may_choose_another(page, alice, library, big) -> None:
    own = await Assistant.objects.acreate(owner=alice, name="Deep", model=BIG)
    row, _ = await page.ask_to_end(QUESTION, assistant=str(own.pk), status="complete")
    assert row.model == "big-70B"
    row, _ = await page.ask_to_end(QUESTION, assistant=str(own.pk), model="main", status="complete")
    assert row.model == "fake-1B"


async def test_a_model_that_was_taken_away_is_named_and_the_rest_goes_on(page, alice, library, big, settings) -> None:
    own = await Assistant.objects.acreate(owner=alice, name="Deep", model=BIG)
    row, _ = await page.ask_to_end(QUESTION, model=BIG, status="complete")
    remove_model(settings)
    again, heard = await page.ask_to_end(QUESTION, conversation=str(row.conversation_id), status="complete")
    assert again.model == "fake-1B"
    assert "The model “Big” is no longer available" in " ".join(event.get("text", "") for event in heard)
    again, _ = await page.ask_to_end(QUESTION, assistant=str(own.pk), status="complete")
    assert again.model == "fake-1B"
    said = await page.ask(QUESTION, model=BIG)  # of a page that was opened before
    assert said["type"] == "refused" and "no longer available" in said["text"]
    client = Client()
    await in_db(client.force_login, alice)
    form = (await in_db(client.get, f"/assistants/{own.pk}/")).content.decode()
    assert "Big (no longer available)" in form
    assert "data-models" not in (await in_db(client.get, "/")).content.decode()  # one is no choice


async def test_a_queued_question_whose_model_went_says_so_and_keeps_nobody_waiting(
    page, library, big, settings
) -> None:
    row, _ = await page.ask_to_end(QUESTION, status="complete")
    await runner.wait_until_idle()  # the turn that ended looks for the next question too, and must not meet these
    conversation = row.conversation_id
    for number, model in enumerate((BIG, "main")):
        await QueuedQuestion.objects.acreate(
            conversation_id=conversation,
            text=QUESTION,
            settings={"model": model},
            client_id=f"q{number}",
            position=number,
        )
    remove_model(settings)
    await runner.run_next_queued(conversation)
    await runner.wait_until_idle()
    left = await QueuedQuestion.objects.aget()
    assert left.client_id == "q0" and "no longer available" in left.problem
    assert await Message.objects.filter(role="assistant").acount() == 2


async def test_the_first_word_is_given_by_what_is_known_of_each_model(page, library, big, settings) -> None:
    await ModelProfile.objects.acreate(name="big-70B", reading_right=8, reading_asked=8)
    assert (await page.ask_to_end(QUESTION, model=BIG, status="complete"))[0].style == "model"
    assert (await page.ask_to_end(QUESTION, status="complete"))[0].style == "quotes"
    offer_model(settings, "Plain", model="plain-1B", passes_reading_check=True)
    assert (await page.ask_to_end(QUESTION, model="Plain", status="complete"))[0].style == "model"
    offer_model(settings, "Poor", model="big-70B", passes_reading_check=False)
    assert (await page.ask_to_end(QUESTION, model="Poor", status="complete"))[0].style == "quotes"


async def test_a_full_server_keeps_only_its_own_questions_waiting(open_page, alice, library, big, settings) -> None:
    offer_model(settings, "Beside", model="beside-1B", streams=1)
    offer_model(settings, BIG, streams=1)
    writes_on(get_fake_engine())
    page, same, other = await open_page(alice), await open_page(alice), await open_page(alice)
    await page.ask(QUESTION, model=BIG)
    await page.hear("text")
    assert not model_queue.get_model_queue(BIG).idle and model_queue.get_model_queue("main").idle
    assert (await other.ask_to_end(QUESTION, status="complete"))[0].status == "complete"  # another server has room
    assert (await same.ask(QUESTION, model="Beside"))["type"] == "accepted"
    while "Waiting for the model" not in (await same.hear("step"))["text"]:  # the same server has none
        pass
    get_fake_engine().gap_s = 0
    assert (await same.events())[-1]["status"] == "complete"
    assert (await page.events())[-1]["status"] == "complete"


def test_the_composer_and_the_form_of_an_assistant_offer_the_models(alice, settings) -> None:
    client = make_client(alice)
    assert "data-models" not in client.get("/").content.decode()
    offer_model(settings, supports_reasoning=True)
    page = client.get("/").content.decode()
    assert "data-models" in page and "thinks before it answers" in page
    fields = {"name": "Deep", "style": "automatic", "preset": "balanced", "version": "0", "model": BIG}
    assert client.post("/assistants/new/", fields).status_code == 302
    assert Assistant.objects.get(name="Deep").model == BIG
    assert client.post("/assistants/new/", fields | {"model": "Other"}).status_code == 400

"""An assistant that is stricter than the site: whatever runs under it is judged so, and its answers say so."""

from __future__ import annotations

from typing import Any

import pytest

from apps.conversations.assistants import services
from apps.conversations.models import QueuedQuestion
from apps.conversations.models.assistant import Assistant
from apps.conversations.turns import ephemeral
from apps.documents.models import Collection
from apps.engines.chat.fake import FakeChat
from apps.images.models import Picture
from apps.images.requests import submission
from apps.lib.concurrency.threads import in_db
from apps.safety.gate.gate import Withheld
from apps.safety.models import Case
from apps.users.models import User
from tests.conversations.assistants.conftest import FORM, preview_assistant, submit_assistant
from tests.conversations.tools.conftest import calls, tools_in
from tests.factories import make_client
from tests.support.pages import strip_layout

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("painter")]

HIGH = "How high was the lighthouse of Alexandria?"
MARKED = "How high was the [sexual] lighthouse of Alexandria?"  # the site lets it through with a mark
NOTED = "How high was the [hate?] lighthouse of Alexandria?"  # the site only notes it


async def strict(owner: User, level: str = "strict") -> str:
    row = await in_db(
        services.create_assistant, owner, {"name": "Strict", "strictness": level}, Collection.objects.none()
    )
    return str(row.pk)


async def test_a_question_is_withheld_under_it_and_answered_elsewhere(page, alice, library) -> None:
    answer = await page.get_answer(MARKED, assistant=await strict(alice))
    assert (answer.status, answer.text) == ("withheld", "") and "stricter than the site" in answer.reason
    assert not await Case.objects.aexists(), "people are sent no more than the site sends them"
    other = await page.get_answer(MARKED)
    assert other.status == "complete" and "280 and 247 BC" in other.text
    noted = await page.get_answer(NOTED, assistant=await strict(alice))
    assert (noted.status, noted.usage["safety"]) == ("complete", "strict")
    assert (await page.get_answer(NOTED, assistant=await strict(alice, "strictest"))).status == "withheld"


async def test_an_answer_is_held_back_from_there_on(page, alice, library, chat: FakeChat, by_sentences) -> None:
    reply = "It stood high. All who built it are [harassment] people. Nobody knows more."
    chat.replies.extend([reply, reply])
    chat.gap_s = 0.01
    answer = await page.get_answer(HIGH, assistant=await strict(alice))
    assert answer.status == "withheld" and "It stood high." in answer.text and "[harassment]" not in answer.text
    assert "The rest of this answer was withheld" in answer.reason
    assert (await page.get_answer(HIGH)).status == "complete"


async def test_the_record_shows_the_level(page, alice, library) -> None:
    answer = await page.get_answer(HIGH, assistant=await strict(alice))

    def look() -> str:
        client = make_client(alice)
        return client.get(f"/answers/{answer.pk}/behind/").content.decode()

    assert "<dt>Safety level</dt><dd>Strict</dd>" in strip_layout(await in_db(look))


async def test_tool_arguments_and_results_are_judged_at_the_strict_level(open_page, alice, library, caller) -> None:
    page, assistant = await open_page(alice), await strict(alice)
    calls(caller, ("search_documents", {"query": "all [harassment] lighthouses"}))
    assert (await page.get_answer(HIGH, assistant=assistant)).status == "withheld"
    calls(caller, ("search_documents", {"query": "lighthouses"}))
    answer = await page.get_answer(HIGH, assistant=assistant)
    assert answer.status == "complete" and answer.tools[0]["status"] == "done"


@pytest.mark.parametrize(("level", "words"), [("strict", "stricter than the site"), ("strictest", "no picture check")])
async def test_pictures_are_judged_so_from_words_to_what_is_drawn(
    open_page, alice, painter, level, words, monkeypatch
) -> None:
    monkeypatch.setattr(submission, "VocabularyLimited", ())  # the fake painter counts as one that may draw anything
    page, assistant = await open_page(alice), await strict(alice, level)
    withheld = await page.get_answer("/picture a [sexual] cat", assistant=assistant, picture={})
    assert withheld.status == "withheld" and "stricter than the site" in withheld.reason
    answer = await page.get_answer("/picture a red cat", assistant=assistant, picture={})
    if level == "strict":
        assert answer.status == "complete" and (await Picture.objects.aget()).level == "strict"
    else:
        assert answer.status == "failed" and words in answer.reason and not await Picture.objects.aexists()


async def test_a_picture_that_a_tool_asks_for_has_the_level(page, alice, painter, caller) -> None:
    calls(caller, ("draw_picture", {"description": "a red cat"}))
    said = await page.ask("Draw a cat.", without_documents=True, assistant=await strict(alice))
    heard: list[dict[str, Any]] = []
    while not heard or 'data-status="asking"' not in heard[-1].get("html", ""):
        heard.append(await page.hear())
    await page.tell(do="decide", turn=said["turn"], call="1", allow=True)
    assert tools_in(await page.events())
    assert (await Picture.objects.aget()).level == "strict"


async def test_queued_questions_and_rewordings_are_judged_at_the_strict_level(page, alice, library) -> None:
    answer = await page.get_answer(HIGH, assistant=await strict(alice))
    conversation = str(answer.conversation_id)
    await page.tell(do="queue", client_id="q1", conversation=conversation, text=MARKED)
    assert "stricter than the site" in (await page.hear("refused", "queued"))["text"]
    assert not await QueuedQuestion.objects.aexists()
    await page.tell(do="reword", client_id="r1", question=str(answer.parent_id), text=MARKED)
    assert "stricter than the site" in (await page.hear("refused", "reworded"))["text"]
    await page.tell(do="reword", client_id="r2", question=str(answer.parent_id), text=NOTED)
    assert (await page.hear("refused", "reworded"))["type"] == "reworded"


async def test_a_temporary_chat_and_a_preview_are_judged_so(page, alice, library) -> None:
    await page.ask(MARKED, temporary=True, assistant=await strict(alice))
    assert (await page.events())[-1]["status"] == "withheld"
    for level, words in (("strict", "stricter than the site"), ("site", "280 and 247 BC")):
        form = FORM | {"try": MARKED, "strictness": level}
        end = (await preview_assistant(alice, form))[-1]
        assert words in end["html"] + end["reason"]


async def test_instructions_of_a_program_leave_the_level_of_the_site_s_own_assistant(alice, library) -> None:
    await in_db(Assistant.default)
    await Assistant.objects.filter(is_default=True).aupdate(strictness="strict")
    turn = await ephemeral.prepare_ephemeral_turn(alice, MARKED, (), (), instructions="Speak like a sailor.")
    with pytest.raises(Withheld, match="stricter"):
        _ = [piece async for piece in ephemeral.stream_text(turn)]


def test_the_form_offers_it_and_versions_keep_it(alice: User) -> None:
    client = make_client(alice)
    page = client.get("/assistants/new/").content.decode()
    assert "Site default: everything that the policy" in page and page.count('name="strictness"') == 3
    row = submit_assistant(client, strictness="strict")
    assert row.strictness == "strict"
    client.post(f"/assistants/{row.pk}/", FORM | {"version": "1"})  # a page of before the field was there
    row.refresh_from_db()
    assert (row.strictness, row.version) == ("strict", 2)
    client.post(f"/assistants/{row.pk}/", FORM | {"version": "2", "strictness": "site"})
    client.post(f"/assistants/{row.pk}/versions/", {"number": "1"})
    row.refresh_from_db()
    assert (row.strictness, row.version) == ("strict", 4)
    assert "<dd>Strict</dd>" in strip_layout(client.get(f"/assistants/{row.pk}/versions/").content.decode())
    refused = client.post(f"/assistants/{row.pk}/", FORM | {"version": "4", "strictness": "lax"})
    assert refused.status_code == 400


def test_a_version_of_before_there_were_levels_is_as_the_site_has_it(alice: User) -> None:
    client = make_client(alice)
    row = submit_assistant(client, strictness="strict")
    old = row.versions.get()
    del old.content["strictness"]
    old.save()
    client.post(f"/assistants/{row.pk}/versions/", {"number": "1"})
    row.refresh_from_db()
    assert row.strictness == "site"

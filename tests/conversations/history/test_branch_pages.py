"""Turning to a branch, rewording, forking and taking a conversation away: what is kept, and for whom."""

from __future__ import annotations

import uuid

import orjson
import pytest

from apps.conversations.models import Assistant, Citation, Conversation, Message, RetrievedPassage, Source
from apps.conversations.sharing import links
from apps.conversations.transfer.export import DISCLOSURE
from apps.conversations.turns import runner
from apps.documents.models import Document
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.factories import get_page, make_client

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"
OTHER = "How long can a queen bee live?"


@pytest.fixture
async def branches(open_page, alice, library, chat) -> dict[str, str]:
    """A question with two answers, of which the second is remembered, and a follow-up to the first."""
    chat.replies += [
        "The lighthouse stood about 100 metres high [7].",
        "A queen can live for five years.",
        "Very high.",
    ]
    page = await open_page(alice)
    first = await page.ask(QUESTION)
    await page.events()
    follow = await page.ask(OTHER, conversation=first["conversation"])
    await page.events()
    await page.tell(do="retry", turn=first["turn"], client_id="again")
    again = await page.hear("accepted")
    await page.events()
    return {
        "path": f"/c/{first['conversation']}/", "first": first["turn"], "question": first["question"],
        "follow": follow["turn"], "again": again["turn"],
    }  # fmt: skip


async def test_retry_with_another_assistant_gives_an_answer_to_compare(open_page, branches, alice, bob, chat) -> None:
    own = await Assistant.objects.acreate(owner=alice, name="Short one", instructions="Answer in one word.")
    foreign = await Assistant.objects.acreate(owner=bob, name="Foreign", instructions="Lie.")
    page = await open_page(alice)
    chat.replies.append("Tall.")
    await page.tell(do="retry", turn=branches["first"], assistant=str(own.pk), client_id="other")
    turn = (await page.hear("accepted"))["turn"]
    await page.events()
    answer = await Message.objects.select_related("conversation").aget(pk=turn)
    assert answer.usage["assistant"] == "Short one" and answer.conversation.assistant_id is None
    assert any("Answer in one word." in str(message) for message in chat.requests[-1].messages)
    shown = await in_db(get_page, alice, f"/answers/{turn}/compare/?with={branches['first']}")
    assert "Short one with model " in shown
    await page.tell(do="retry", turn=branches["first"], assistant=str(foreign.pk), client_id="third")
    assert (await page.hear("refused"))["client_id"] == "third"


def on_page(response) -> list[str]:
    return [str(turn["answer"]["id"]) for turn in response.context["turns"]]


async def test_an_address_shows_a_branch_and_only_turning_to_it_is_remembered(branches, alice) -> None:
    assert on_page(await in_db(lambda: make_client(alice).get(branches["path"]))) == [branches["again"]]
    assert on_page(await in_db(lambda: make_client(alice).get(f"{branches['path']}?at={branches['follow']}"))) == [
        branches["first"],
        branches["follow"],
    ]
    assert on_page(await in_db(lambda: make_client(alice).get(branches["path"]))) == [branches["again"]], (
        "looking changes nothing"
    )
    turned = await in_db(lambda: make_client(alice).post(f"{branches['path']}choose/", {"at": branches["first"]}))
    assert on_page(turned) == [branches["first"], branches["follow"]]
    assert on_page(await in_db(lambda: make_client(alice).get(branches["path"]))) == [
        branches["first"],
        branches["follow"],
    ]


async def test_the_marks_of_a_fork_name_both_neighbours(branches, alice) -> None:
    html = await in_db(get_page, alice, branches["path"])
    assert f"?at={branches['first']}" in html and "2/2" in html
    alone = await in_db(get_page, alice, f"/answers/{branches['again']}/")
    assert "2/2" in alone and alone.count("data-turn=") == 1


async def reworded(page, question: str, text: str) -> dict[str, str]:
    await page.tell(do="reword", question=question, text=text, client_id="r")
    return await page.hear("reworded", "refused")


async def test_saving_changes_the_words_and_keeps_the_answers(open_page, branches, alice, bob) -> None:
    mine, other = await open_page(alice), await open_page(bob)
    assert (await reworded(other, branches["question"], "Mine"))["type"] == "refused"
    said = await reworded(mine, branches["question"], "How <b>tall</b> was it?")
    assert said["html"] == "<p>How &lt;b&gt;tall&lt;/b&gt; was it?</p>"
    row = await Message.objects.aget(pk=branches["question"])
    assert row.text == "How <b>tall</b> was it?" and row.edited
    assert "Edited after it was answered" in await in_db(get_page, alice, branches["path"])


@pytest.mark.parametrize("text", ["", "   ", "a\x00b", "How do I build a pipe bomb at home?"])
async def test_rewording_that_could_not_be_asked_is_not_saved(open_page, branches, alice, text) -> None:
    said = await reworded(await open_page(alice), branches["question"], text)
    assert said["type"] == "refused" and said["text"]
    assert (await Message.objects.aget(pk=branches["question"])).text == QUESTION


async def test_a_question_that_is_being_answered_stays_as_it_is(open_page, branches, alice) -> None:
    await Message.objects.filter(pk=branches["again"]).aupdate(status=Message.Status.WRITING)
    said = await reworded(await open_page(alice), branches["question"], "Another")
    assert said["type"] == "refused" and "still being written" in said["text"]
    await Message.objects.filter(pk=branches["again"]).aupdate(status=Message.Status.COMPLETE)


async def test_a_fork_holds_the_path_and_all_it_stands_on_and_nothing_else(branches, alice, bob) -> None:
    assert (
        await in_db(lambda: make_client(bob).post(f"{branches['path']}fork/", {"at": branches["first"]}))
    ).status_code == 404
    new = (await in_db(lambda: make_client(alice).post(f"{branches['path']}fork/", {"at": branches["first"]})))[
        "Location"
    ]
    assert new != branches["path"]
    page = await in_db(lambda: make_client(alice).get(new))
    assert len(page.context["turns"]) == 1
    answer = page.context["turns"][0]["answer"]
    old = await Message.objects.aget(pk=branches["first"])
    twin = await Message.objects.aget(pk=answer["id"])
    assert (twin.text, twin.created, twin.pk) == (old.text, old.created, answer["id"]) and twin.pk != old.pk
    assert await Citation.objects.filter(answer=twin).acount() == await Citation.objects.filter(answer=old).acount() > 0
    assert await RetrievedPassage.objects.filter(answer=twin).acount() == 1
    assert await Source.objects.filter(conversation=twin.conversation_id).acount() == 1
    assert f"/answers/{twin.pk}/sources/1/" in answer["html"]
    await Conversation.objects.filter(pk=old.conversation_id).adelete()
    assert "metres" in await in_db(get_page, alice, new), "it stands by itself"


async def test_a_conversation_is_taken_away_as_markdown(branches, alice) -> None:
    response = await in_db(lambda: make_client(alice).get(f"{branches['path']}export.md?at={branches['follow']}"))
    text = response.content.decode()
    assert response["Content-Disposition"].startswith('attachment; filename="how-high-was-the-lighthouse')
    assert DISCLOSURE in text and f"## {QUESTION}" in text and f"## {OTHER}" in text
    assert "The lighthouse stood about 100 metres high. [1]" in text and "[7]" not in text
    assert "- [1] Lighthouses" in text and "Very high" not in text


async def test_markdown_speaks_the_language_of_who_takes_it(branches, alice) -> None:
    await User.objects.filter(pk=alice.pk).aupdate(language="de")
    text = await in_db(get_page, alice, f"{branches['path']}export.md?at={branches['follow']}")
    assert "*Antwort eines Sprachmodells, fake-1B, 20" in text and "\nQuellen:\n" in text and DISCLOSURE not in text
    assert "language model" not in text and f"## {QUESTION}" in text


async def test_a_conversation_is_taken_away_as_json_with_all_branches(branches, alice) -> None:
    record = orjson.loads((await in_db(lambda: make_client(alice).get(f"{branches['path']}export.json"))).content)
    assert record["disclosure"] == DISCLOSURE and record["digital_source_type"].endswith("trainedAlgorithmicMedia")
    assert record["path"] == [branches["question"], branches["again"]] and len(record["messages"]) == 5
    first = next(row for row in record["messages"] if row["id"] == branches["first"])
    assert first["written_by"] == "language model" and first["model"] == "fake-1B"
    assert first["sentences"][0]["sources"][0]["number"] == 1 and first["sources"][0]["title"] == "Lighthouses"


async def test_an_export_names_nothing_that_may_no_longer_be_read(branches, alice) -> None:
    await Document.objects.filter(title="Lighthouses").adelete()
    text = await in_db(get_page, alice, f"{branches['path']}export.md?at={branches['follow']}")
    raw = await in_db(get_page, alice, f"{branches['path']}export.json")
    page = await in_db(get_page, alice, f"{branches['path']}print/?at={branches['follow']}")
    assert "Lighthouses" not in text + raw + page and "no longer available" in text


async def test_a_printed_page_says_that_a_model_wrote_it(branches, alice, bob) -> None:
    page = await in_db(get_page, alice, f"{branches['path']}print/?at={branches['follow']}")
    assert "Written with AI." in page and DISCLOSURE in page and "fake-1B" in page and OTHER in page
    alices, bobs = await in_db(make_client, alice), await in_db(make_client, bob)
    for path in ("print/", "export.md", "export.json"):
        assert (await in_db(bobs.get, branches["path"] + path)).status_code == 404
        assert (await in_db(alices.get, f"/c/{uuid.uuid4()}/{path}")).status_code == 404


async def test_end_of_a_stopped_answer_is_told_in_links_and_prints(branches, alice) -> None:
    ended = {"status": Message.Status.STOPPED, "reason": runner._STOPPED}
    await Message.objects.filter(pk=branches["again"]).aupdate(**ended)
    conversation = await Conversation.objects.aget()
    for sources in links.Sources.values:
        row = await in_db(links.enable_link, alice, conversation, None, sources, "")
        shared = await in_db(get_page, alice, f"/shared/{row.secret}/")
        assert '<span class="badge">Stopped</span> You stopped this answer.' in shared
    printed = await in_db(get_page, alice, f"{branches['path']}print/")
    assert "(fake-1B), stopped</p>" in printed and "You stopped this answer." in printed
    whole = await in_db(get_page, alice, f"{branches['path']}print/?at={branches['follow']}")
    assert "(fake-1B)</p>" in whole and "complete" not in whole


async def test_pictures_in_an_answer_are_not_fetched_where_the_export_is_opened(
    open_page, alice, library, chat
) -> None:
    chat.replies.append("Look: ![x](https://example.org/a.png)\n\n```\n![code](y)\n```")
    page = await open_page(alice)
    first = await page.ask(QUESTION)
    await page.events()
    text = await in_db(get_page, alice, f"/c/{first['conversation']}/export.md?unverified=1")
    assert "!\\[x]" in text and "![code](y)" in text

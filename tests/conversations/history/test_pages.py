"""The chat pages and fragments: what they show, to whom, and how many queries that takes."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.conversations.core.requests import AskRequest
from apps.conversations.core.session_user import get_session_user
from apps.conversations.evidence import source_list
from apps.conversations.models import Conversation, Message, ShownSentences
from apps.conversations.turns import preparation
from apps.documents.models import Collection, Document
from apps.lib.concurrency.threads import in_db
from apps.users import rate_limits
from apps.users.models import User
from tests.conversations.conftest import session_of
from tests.factories import make_client, make_collection

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"


@pytest.fixture
async def answered(open_page, alice, library, chat) -> dict[str, str]:
    """An answered question of Alice: {"turn", "conversation", …}."""
    chat.replies.append("The lighthouse stood about 100 metres high [1].")
    page = await open_page(alice)
    accepted = await page.ask(QUESTION)
    await page.events()
    return accepted


async def test_the_page_shows_what_the_stream_ended_with(open_page, answered, alice) -> None:
    page = await open_page(alice)
    await page.tell(do="resume", turn=answered["turn"], after=0)
    events = await page.events()
    html = (await in_db(_get, alice, f"/c/{answered['conversation']}/")).content.decode()
    assert events[-1]["html"] in html
    assert [event["html"] for event in events if event["type"] == "sources"][-1].strip() in html
    for quotes in (event["html"] for event in events if event["type"] == "quotes"):
        assert quotes.strip() in html
    assert QUESTION in html and "Searched Handbook" in html


async def test_a_conversation_names_chosen_collections_that_are_gone(open_page, library, alice, bob, chat) -> None:
    page = await open_page(alice)
    accepted = await page.ask(QUESTION, collections=[str(library.pk)])
    await page.events()
    path = f"/c/{accepted['conversation']}/"
    assert "data-missing" not in (await in_db(_get, alice, path)).content.decode()
    await Collection.objects.filter(pk=library.pk).aupdate(owner=bob)
    assert 'data-missing="Collection no longer shared"' in (await in_db(_get, alice, path)).content.decode()
    await Collection.objects.filter(pk=library.pk).adelete()
    assert 'data-missing="Deleted collection"' in (await in_db(_get, alice, path)).content.decode()
    refused = await page.ask(QUESTION, conversation=accepted["conversation"], collections=None)
    assert "were deleted" in refused["text"], "what the page asks until the user chooses"
    await page.ask(QUESTION, conversation=accepted["conversation"], collections=[])
    await page.events()
    assert "data-missing" not in (await in_db(_get, alice, path)).content.decode(), "all collections were chosen"


async def test_a_conversation_that_lost_one_of_its_collections_says_so_until_it_is_chosen_anew(
    open_page, library, alice, bob, chat
) -> None:
    letters = await in_db(make_collection, alice, "Letters")
    page = await open_page(alice)
    first = await page.ask(QUESTION, collections=[str(library.pk), str(letters.pk)])
    await page.events()
    path, chip = f"/c/{first['conversation']}/", 'data-missing="1 collection no longer available"'
    assert "data-missing" not in (await in_db(_get, alice, path)).content.decode()
    await Collection.objects.filter(pk=letters.pk).aupdate(owner=bob)
    assert chip in (await in_db(_get, alice, path)).content.decode()
    await Collection.objects.filter(pk=letters.pk).adelete()
    assert chip in (await in_db(_get, alice, path)).content.decode()

    async def ask(collections: list[str] | None) -> list[str]:
        await page.ask(QUESTION, conversation=first["conversation"], collections=collections)
        return [event["text"] for event in await page.events() if event["type"] == "step"]

    words = "1 selected collection is no longer available; the others were searched"
    assert words in await ask(None), "as stored"
    assert words not in await ask([str(library.pk)])
    assert "data-missing" not in (await in_db(_get, alice, path)).content.decode()


async def test_a_new_chat_for_a_collection_that_is_gone_says_so(library, alice, bob) -> None:
    path, gone = f"/?collection={library.pk}", "This collection no longer exists, or it is no longer shared with you."
    assert gone not in (await in_db(_get, alice, path)).content.decode()
    assert gone in (await in_db(_get, bob, path)).content.decode()
    await Collection.objects.filter(pk=library.pk).adelete()
    assert gone in (await in_db(_get, alice, path)).content.decode()


async def test_a_stranger_and_an_unknown_address_both_get_404(answered, bob) -> None:
    turn, conversation = answered["turn"], answered["conversation"]
    for path in (
        f"/c/{conversation}/", f"/c/{uuid.uuid4()}/", f"/answers/{turn}/sources/1/",
        f"/answers/{uuid.uuid4()}/sources/1/", f"/answers/{turn}/sources/1/?preview=1",
    ):  # fmt: skip
        assert (await in_db(_get, bob, path)).status_code == 404, path
    for path in (f"/c/{conversation}/delete/", f"/c/{conversation}/rename/"):
        assert (await in_db(_post, bob, path, {"title": "Mine"})).status_code == 404
    assert await Conversation.objects.acount() == 1


async def test_anonymous_visitor_is_led_to_sign_in_and_wrong_methods_are_refused(answered, alice) -> None:
    conversation = answered["conversation"]
    for path in ("/", f"/c/{conversation}/", "/conversations/", f"/answers/{answered['turn']}/sources/1/"):
        response = await in_db(lambda path=path: Client().get(path))
        assert response.status_code == 302 and "/accounts/login/" in response["Location"]
    assert (await in_db(_get, alice, f"/c/{conversation}/delete/")).status_code == 405
    assert (await in_db(_post, alice, f"/c/{conversation}/", {})).status_code == 405


async def test_deleting_and_renaming(answered, alice) -> None:
    path = f"/c/{answered['conversation']}/"
    await in_db(_post, alice, f"{path}rename/", {"title": "  <b>High</b>\n things  "})
    assert (await Conversation.objects.aget()).title == "<b>High</b> things"
    page = (await in_db(_get, alice, path)).content.decode()
    assert "&lt;b&gt;High&lt;/b&gt; things" in page and "<b>High</b>" not in page
    await in_db(_post, alice, f"{path}rename/", {"title": "   "})
    assert (await Conversation.objects.aget()).title == "<b>High</b> things"
    assert "High" in (await in_db(_get, alice, "/conversations/")).content.decode()
    assert (await in_db(_post, alice, f"{path}delete/", {}))["Location"] == "/"
    assert await Message.objects.visible_to(alice).acount() == 0


async def test_the_panel_shows_the_passage_and_the_card_the_words_that_match(answered, alice) -> None:
    path = f"/answers/{answered['turn']}/sources/1/"
    html = (await in_db(_panel, alice, path)).content.decode()
    document = await Document.objects.aget(title="Lighthouses")
    assert "Lighthouses" in html and f"/documents/{document.pk}/passage/?page=1&amp;spans=" in html
    card = (await in_db(_get, alice, f"{path}?preview=1")).content.decode()
    assert "<b>metres</b>" in card and "<b>high</b>" in card and "<b>about</b>" not in card
    assert (await in_db(_get, alice, f"/answers/{answered['turn']}/sources/9/")).status_code == 404


async def test_the_card_names_file_date_and_version_and_a_newer_one(answered, alice) -> None:
    path = f"/answers/{answered['turn']}/sources/1/?preview=1"
    current = await Document.objects.aget(title="Lighthouses")
    card = (await in_db(_get, alice, path)).content.decode()
    assert current.name in card and "<time" in card and "version 1" not in card and "newer" not in card
    newer = await Document.objects.acreate(collection_id=current.collection_id, name="new.txt", size=1, status="ready")
    await Document.objects.filter(pk=current.pk).aupdate(status=Document.Status.REPLACED, replaces=newer, version=1)
    card = (await in_db(_get, alice, path)).content.decode()
    assert "version 1" in card and f'<a href="/documents/{newer.pk}/">A newer version exists</a>' in card


async def test_pill_in_its_own_tab_opens_the_document_at_the_passage(answered, alice) -> None:
    path = f"/answers/{answered['turn']}/sources/1/?sentence=0"
    document = await Document.objects.aget(title="Lighthouses")
    address = (await in_db(_get, alice, path))["Location"]
    assert address.startswith(f"/documents/{document.pk}/?page=1&spans=")
    assert "<mark" in (await in_db(_get, alice, address)).content.decode()
    await document.adelete()
    assert (await in_db(_get, alice, path)).status_code == 404


def test_document_text_is_escaped_in_the_source_card() -> None:
    assert (
        source_list.highlight_terms('<img src=x> & "Metres"', {"metr"})
        == "&lt;img src=x&gt; &amp; &quot;<b>Metres</b>&quot;"
    )


async def test_a_source_whose_document_is_gone_is_grey_and_says_nothing_of_it(answered, alice) -> None:
    await Document.objects.filter(title="Lighthouses").adelete()
    for path in (f"/answers/{answered['turn']}/sources/1/", f"/answers/{answered['turn']}/sources/1/?preview=1"):
        html = (await in_db(_panel, alice, path)).content.decode()
        assert "No longer available" in html and "metres" not in html
    page = (await in_db(_get, alice, f"/c/{answered['conversation']}/")).content.decode()
    assert 'class="pill gone"' in page and "Three earthquakes" not in page and "Lighthouses" not in page


async def test_a_source_that_may_no_longer_be_read_is_grey_too(answered, alice, library) -> None:
    other = await User.objects.acreate(email="owner@example.org")
    await Collection.objects.filter(pk=library.pk).aupdate(owner=other)
    html = (await in_db(_panel, alice, f"/answers/{answered['turn']}/sources/1/")).content.decode()
    assert "No longer available" in html and "metres" not in html and "Lighthouses" not in html


async def test_the_other_answers_to_a_question_can_be_reached(open_page, answered, alice, chat) -> None:
    page = await open_page(alice)
    chat.replies.append("About one hundred metres [1].")
    await page.tell(do="retry", turn=answered["turn"], client_id="again")
    again = await page.hear("accepted")
    await page.events()
    path = f"/c/{answered['conversation']}/"
    newest = (await in_db(_get, alice, path)).context["turns"]
    assert len(newest) == 1
    answer, fork = newest[0]["answer"], newest[0]["answer"]["fork"]
    assert (str(answer["id"]), fork["place"], fork["siblings"]) == (again["turn"], 2, 2)
    assert fork["older"] and not fork["newer"]
    older = (await in_db(_get, alice, fork["older"])).context["turns"][0]["answer"]
    assert str(older["id"]) == answered["turn"] and older["fork"]["newer"] and not older["fork"]["older"]
    assert (await in_db(_get, alice, f"{path}?at=nonsense")).status_code == 200


async def test_a_writing_answer_shows_what_was_last_kept(answered, alice) -> None:
    await Message.objects.filter(pk=answered["turn"]).aupdate(
        status=Message.Status.WRITING, text="So far", shown_sentences=ShownSentences.ALL
    )
    response = await in_db(_get, alice, f"/c/{answered['conversation']}/")
    answer = response.context["turns"][0]["answer"]
    assert answer["status"] == "writing" and "So far" in answer["html"] and answer["last_seq"] == 0
    await Message.objects.filter(pk=answered["turn"]).aupdate(shown_sentences=ShownSentences.VERIFIED)
    hidden = (await in_db(_get, alice, f"/c/{answered['conversation']}/")).context["turns"][0]["answer"]["html"]
    assert hidden == "", "which of it is verified is said by the replay"
    assert "data-live" in response.content.decode(), "the sidebar shows that it is being answered"


async def test_a_new_chat_can_begin_in_a_collection(alice, library) -> None:
    response = await in_db(_get, alice, f"/?collection={library.pk}")
    assert [(item.name, item.documents, item.chosen) for item in response.context["collections"]] == [
        ("Handbook", 2, True)
    ]
    assert (await in_db(_get, alice, "/?collection=nonsense")).status_code == 200


async def test_the_page_takes_as_many_queries_for_one_turn_as_for_four(open_page, answered, alice, chat) -> None:
    path = f"/c/{answered['conversation']}/"
    one = await in_db(_queries, alice, path)
    page = await open_page(alice)
    for question in ("How long can a queen bee live?", "What damaged the lighthouse of Alexandria?", "And the bees?"):
        await page.ask(question, conversation=answered["conversation"])
        await page.events()
    four = await in_db(_queries, alice, path)
    assert four <= one + 1, "one more for all the sources that were given to earlier answers"
    # One counts unread notices, one looks for those about the conversation, two ask who answers and where that one
    # searches, three which tools may be called, one who else could answer, to be compared.
    assert one <= 28


async def test_opening_and_closing_a_turn_takes_few_queries(answered, alice, library, monkeypatch) -> None:
    monkeypatch.setattr(rate_limits, "CACHE_S", 3600.0)  # on a busy machine the copy grows old in the middle of this
    key = await in_db(session_of, alice)
    assert await in_db(get_session_user, key), "proven once, as that of a page that is open"
    ask = AskRequest("1", QUESTION, uuid.UUID(answered["conversation"]), ())
    recalled, reads = await in_db(_counted, preparation.prepare_turn, alice, key, ask)
    _, writes = await in_db(_counted, preparation.save_question, recalled)
    assert reads <= 14 and writes <= 8, (reads, writes)  # two of the writes are for the limits


def _counted(function, *args):
    with CaptureQueriesContext(connection) as queries:
        result = function(*args)
    return result, len(queries)


def _queries(user: User, path: str) -> int:
    client = make_client(user)
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def _panel(user: User, path: str):
    return make_client(user).get(path, headers={"HX-Request": "true"})


def _get(user: User, path: str):
    return make_client(user).get(path)


def _post(user: User, path: str, data: dict[str, str]):
    return make_client(user).post(path, data)

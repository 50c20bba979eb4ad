"""Finding a conversation again: titles by the model, full text of one's own history, and what is new."""

from __future__ import annotations

import pytest
from django.db import connection

from apps.conversations.history import conversation_actions, full_text_search
from apps.conversations.history.sidebar import load_sidebar
from apps.conversations.models import Citation, Conversation, Message, ModelProfile, ShownSentences, Source
from apps.conversations.turns import runner
from apps.conversations.turns import titles as turn_titles
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.factories import make_client, make_collection, make_document

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How high was the lighthouse of Alexandria?"


def make_conversation(owner: User, *texts: str, title: str = "Talk") -> Conversation:
    """A conversation with these texts, questions and answers in turn."""
    conversation, above = Conversation.objects.create(owner=owner, title=title), None
    for number, text in enumerate(texts):
        role = Message.Role.ASSISTANT if number % 2 else Message.Role.USER
        above = Message.objects.create(conversation=conversation, parent=above, role=role, text=text, asked_by=owner)
    return conversation


def texts(user: User, query: str) -> list[str]:
    return [hit.message.text for hit in full_text_search.search_messages(user, query)]


def test_message_search_needs_every_word_in_one_message(alice: User) -> None:
    make_conversation(alice, "Where do puffins nest?", "They nest in burrows on cliffs.")
    make_conversation(alice, "What do herons eat?", "Fish, mostly.")
    assert texts(alice, "puffins nes") == ["Where do puffins nest?"]
    assert texts(alice, "NEST") == ["They nest in burrows on cliffs.", "Where do puffins nest?"], "the latest first"
    assert texts(alice, "puffins burrows") == []
    assert texts(alice, "nes cliffs") == [], "only the last word may be begun"
    assert texts(alice, '"*( OR NEAR -') == texts(alice, "") == []


def test_messages_of_another_user_are_not_found(alice: User, bob: User) -> None:
    make_conversation(alice, "The code is heliotrope.")
    assert texts(alice, "heliotrope") and texts(bob, "heliotrope") == []
    assert texts(bob, f"u{alice.pk} heliotrope") == []


def test_the_full_text_follows_every_change(alice: User) -> None:
    conversation = make_conversation(alice, "Is the kettle red?")
    row = conversation.messages.get()
    Message.objects.filter(pk=row.pk).update(text="Is the kettle blue?")
    assert texts(alice, "red") == [] and texts(alice, "blue")
    writing = Message.objects.create(
        conversation=conversation, parent=row, role=Message.Role.ASSISTANT, asked_by=alice,
        status=Message.Status.WRITING, text="It is half",
    )  # fmt: skip
    assert texts(alice, "half") == [], "what is still being written is not found"
    Message.objects.filter(pk=writing.pk).update(status=Message.Status.COMPLETE, text="It is half blue.")
    assert texts(alice, "half") == ["It is half blue."]
    conversation_actions.delete_conversations(alice, [conversation.pk])
    assert texts(alice, "blue") == []
    conversation.delete()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM conversations_sought")
            assert cursor.fetchone()[0] == 0, "nothing is left of a text that is gone"


def test_folded_sentences_are_not_found_by_message_search(alice: User) -> None:
    text = "The moon is cheese. The tower stood 100 metres high."
    conversation = make_conversation(alice, "How high was the tower?", text)
    row = conversation.messages.get(role=Message.Role.ASSISTANT)
    source = Source.objects.create(conversation=conversation, number=1, page_number=1, spans=[])
    Citation.objects.create(answer=row, sentence=0, start=0, end=19, score=0.1)
    Citation.objects.create(answer=row, sentence=1, start=20, end=52, score=0.9, source=source)
    assert texts(alice, "cheese") == texts(alice, "metres") == [text]
    Message.objects.filter(pk=row.pk).update(shown_sentences=ShownSentences.VERIFIED)
    assert texts(alice, "cheese") == texts(alice, "cheese high") == []
    assert texts(alice, "tower metr") == [text]
    assert "cheese" not in full_text_search.search_messages(alice, "metres")[0].snippet


def test_words_of_a_quote_are_found_as_long_as_its_document_may_be_read(alice: User, bob: User) -> None:
    collection = make_collection(bob, "House")
    collection.members.add(alice)
    document = make_document(collection, "Lift", ["The lift stops. Call a technician on weekdays before noon."])
    conversation = make_conversation(alice, "Who mends the lift?", "Somebody does.")
    answer = conversation.messages.get(role=Message.Role.ASSISTANT)
    Source.objects.create(conversation=conversation, number=1, document=document, page_number=1, spans=[[0, 58]])
    Message.objects.filter(pk=answer.pk).update(quotes=[{"source": 1, "start": 16, "end": 58, "score": 0.9}])
    assert texts(alice, "technic") == texts(alice, "somebody TECHNICIAN") == ["Somebody does."]
    assert "<mark>technician</mark> on weekdays" in full_text_search.search_messages(alice, "technician")[0].snippet
    assert texts(alice, "stops") == [], "beyond the quote"
    assert texts(bob, "technician") == []
    collection.members.clear()
    assert texts(alice, "technician") == [], "the collection is no longer shared"


def test_a_migration_that_dropped_the_triggers_is_mended_after_it(alice: User) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL keeps a generated column through everything")
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER conversations_words_added")
    make_conversation(alice, "Said while nothing listened.")
    assert texts(alice, "listened") == []
    full_text_search.create_search_index()
    assert texts(alice, "listened")
    make_conversation(alice, "Said again, and listened to.")
    assert len(texts(alice, "listened")) == 2


def test_found_words_are_marked_and_nothing_else_is_markup(alice: User) -> None:
    make_conversation(alice, "<b>Café</b> prices & cafés " + "filler " * 60)
    snippet = str(full_text_search.search_messages(alice, "caf")[0].snippet)
    assert snippet.startswith("&lt;b&gt;<mark>Café</mark>&lt;/b&gt; prices &amp; <mark>cafés</mark> filler")
    assert len(snippet) < 400 and snippet.endswith("…")


def test_search_for_several_words_says_that_all_must_match(alice: User) -> None:
    client = make_client(alice)
    hint = "All words must be in the same question or answer"
    assert hint in client.get("/conversations/all/?q=puffins+nest").content.decode()
    page = client.get("/conversations/all/?q=puffins").content.decode()
    assert hint not in page and "No results for “puffins”" in page


def test_the_page_lists_titles_and_places(alice: User, bob: User) -> None:
    make_conversation(alice, "Where do puffins nest?", title="Sea birds")
    make_conversation(alice, "Anything", title="All about puffins")
    client = make_client(alice)
    page = client.get("/conversations/all/?q=puffins")
    assert [row.title for row in page.context["rows"]] == ["All about puffins", "Sea birds"]
    assert "<mark>puffins</mark>" in page.content.decode()
    assert "No results for" in client.get("/conversations/all/?q=zebra").content.decode()
    client.force_login(bob)
    assert client.get("/conversations/all/?q=puffins").context["rows"] == []


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("The Lighthouse of Alexandria", "The Lighthouse of Alexandria"),
        ('**Title: "Alexandria’s lighthouse"**\nMore words', "Alexandria’s lighthouse"),
        ("Cooking with olive oil", ""),
        ("About 100 metres", ""),  # what was answered, and not what was asked
        ("The lighthouse was 90 metres tall in Rome", ""),
        ("", ""),
        ("the of and", ""),
        ("The lighthouse of Alexandria stood about one hundred metres high above the sea", ""),
    ],
)
def test_a_title_speaks_of_the_conversation_or_is_dropped(words: str, kept: str) -> None:
    assert turn_titles.parse_title(words, QUESTION) == kept


@pytest.fixture
def titles(settings, transactional_db) -> None:
    """A model that reads well names conversations."""
    settings.TITLES = True
    ModelProfile.objects.create(name="fake-1B", reading_asked=20, reading_right=20)


async def named(open_page, alice, chat, reply: str, before=None) -> Conversation:
    chat.replies += ["It stood about 100 metres high [1].", reply]
    page = await open_page(alice)
    first = await page.ask(QUESTION)
    if before:
        await in_db(before, first["conversation"])
    await page.events()
    await runner.wait_until_idle()
    await turn_titles.wait_until_idle()
    return await Conversation.objects.aget(pk=first["conversation"])


async def test_the_model_names_a_conversation_after_its_first_answer(open_page, alice, library, chat, titles) -> None:
    row = await named(open_page, alice, chat, "Height of the lighthouse")
    assert (row.title, row.title_origin) == ("Height of the lighthouse", Conversation.TitleOrigin.MODEL)
    request = chat.requests[-1]
    assert request.cache_salt == str(alice.pk) and request.sampling.max_tokens < 50


async def test_a_model_that_does_not_read_well_is_asked_for_no_title(
    open_page, alice, library, chat, titles, monkeypatch
) -> None:
    await ModelProfile.objects.aupdate(reading_right=10)
    row = await named(open_page, alice, chat, "Height of the lighthouse")
    assert (row.title, row.title_origin) == (QUESTION, Conversation.TitleOrigin.QUESTION)
    assert not chat.requests, "neither for a title nor for an answer"


async def test_a_name_that_a_person_gave_stays(open_page, alice, library, chat, titles) -> None:
    def rename(pk: str) -> None:
        client = make_client(alice)
        client.post(f"/c/{pk}/rename/", {"title": "Mine"})

    row = await named(open_page, alice, chat, "Height of the lighthouse", rename)
    assert (row.title, row.title_origin) == ("Mine", Conversation.TitleOrigin.PERSON)


async def test_a_senseless_name_leaves_the_words_of_the_question(open_page, alice, library, chat, titles) -> None:
    row = await named(open_page, alice, chat, "I am a language model and cannot do that")
    assert (row.title, row.title_origin) == (QUESTION, Conversation.TitleOrigin.QUESTION)


async def test_an_answer_is_new_until_it_was_looked_at(open_page, alice, library, chat) -> None:
    def unread() -> list[bool]:
        return [row.unread for row in load_sidebar(alice).recent.rows]

    page = await open_page(alice)
    first = await page.ask(QUESTION)
    await page.events()
    assert await in_db(unread) == [True]
    await page.tell(do="seen", conversation=first["conversation"])
    await page.tell(do="resume", turn=first["turn"], after=0)
    await page.events()
    assert await in_db(unread) == [False]

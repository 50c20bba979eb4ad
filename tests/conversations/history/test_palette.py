"""Search of Ctrl+K: titles, texts and documents in groups, only of what the user may read."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from apps.conversations.history.full_text_search import make_snippet
from apps.conversations.models import Conversation, Message
from apps.documents.models import Collection, Document
from apps.users.models import User
from tests.factories import make_user

pytestmark = pytest.mark.django_db
GROUP = re.compile(r'role="group" aria-label="([^"]+)"')


@pytest.fixture
def alice(client: Client) -> User:
    user = make_user("alice")
    client.force_login(user)
    return user


def make_library(user: User) -> tuple[Conversation, Message]:
    """Return a conversation about a boiler and its question; the user's collection and document are named after it."""
    row = Conversation.objects.create(owner=user, title="Boiler of the cellar")
    said = Message.objects.create(
        conversation=row, role=Message.Role.USER, text="How hot is the boiler <b>?", asked_by=user
    )
    into = Collection.objects.create(owner=user, name="Boiler manuals")
    Document.objects.create(collection=into, uploaded_by=user, name="boiler.pdf", size=9)
    return row, said


def test_titles_texts_and_documents_are_found_at_once_in_three_groups(alice: User, client: Client) -> None:
    row, said = make_library(alice)
    page = client.get("/search/?q=boil").content.decode()
    assert GROUP.findall(page) == ["Conversations", "Questions and answers", "Documents and collections"]
    assert f'href="/c/{row.pk}/?at={said.pk}#question-{said.pk}"' in page
    assert "<mark>boiler</mark> &lt;b&gt;" in page and "Boiler manuals" in page and "boiler.pdf" in page


def test_a_conversation_is_found_by_its_tags(alice: User, client: Client) -> None:
    Conversation.objects.create(owner=alice, title="Boiler of the cellar", tags="|Heating|house|")
    page = client.get("/search/?q=boiler+heat").content.decode()
    assert "Boiler of the cellar" in page and "Tags: Heating, house" in page
    assert "Tags:" not in client.get("/search/").content.decode(), "the latest conversations are listed plainly"


def test_palette_without_a_query_shows_recent_conversations(alice: User, client: Client) -> None:
    make_library(alice)
    page = client.get("/search/?q=+").content.decode()
    assert GROUP.findall(page) == ["Recent conversations"] and "Boiler of the cellar" in page


def test_palette_finds_nothing_of_another_user(alice: User, client: Client) -> None:
    make_library(make_user("bob"))
    page = client.get("/search/?q=boiler").content.decode()
    assert GROUP.findall(page) == [] and "Nothing found for “boiler”." in page


def test_hits_of_one_conversation_stand_below_one_title_each_with_its_day(alice: User, client: Client) -> None:
    row, _ = make_library(alice)
    other = Conversation.objects.create(owner=alice, title="Talk")
    for conversation, text in (
        (other, "The boiler hums."),
        (row, "And the **boiler** of the [house](http://a.example)?"),
    ):
        Message.objects.create(conversation=conversation, role=Message.Role.USER, text=text, asked_by=alice)
    group = client.get("/search/?q=boiler").content.decode().split('aria-label="Questions and answers"')[1]
    group = group.split('role="group"')[0]
    assert re.findall(r'class="title"\s*>([^<]+)<', group) == ["Boiler of the cellar", "Talk"]
    assert group.count('role="option"') == group.count("<time") == 3
    assert "And the <mark>boiler</mark> of the house?" in group


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("## Boiler\n\n- It is **hot**, `E4` *now*", "<mark>Boiler</mark> It is hot, E4 now"),
        ("> The boiler\n\n| a | b |\n|---|:-:|\n| 1 | 2 |", "The <mark>boiler</mark> a b 1 2"),
        ("2*3 boilers, some_name - see [this](http://a.example/)", "2*3 <mark>boilers</mark>, some_name - see this"),
    ],
)
def test_snippets_show_no_markdown(text: str, plain: str) -> None:
    assert make_snippet(text, ["boiler"]) == plain


def test_a_snippet_stands_where_most_of_the_words_are_and_marks_no_small_words() -> None:
    text = f"The rule of the house. {'Filler words. ' * 30}Ask the neighbours of the stairwell before you paint."
    snippet = make_snippet(text, ["neighbours", "of", "the", "stairwell"])
    assert "<mark>neighbours</mark> of the <mark>stairwell</mark>" in snippet
    assert snippet.index("<mark>") < 40, "the palette shows the beginning of the line only"
    assert "<mark>The</mark>" in make_snippet(text, ["the"])

"""Tags of conversations: given in a dialog, shown on the page of all conversations, and used as a filter there."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.conversations.errors import RequestRefused
from apps.conversations.history import tags
from apps.conversations.history.branching import fork_conversation
from apps.conversations.models import Conversation
from apps.privacy import data_export
from apps.users.models import User
from tests.factories import make_exchange, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client: Client) -> User:
    user = make_user("alice")
    client.force_login(user)
    return user


def make_tagged(owner: User, title: str, stored: str = "") -> Conversation:
    return Conversation.objects.create(owner=owner, title=title, tags=stored)


def test_tags_lose_signs_surplus_space_and_repetitions(alice: User) -> None:
    row = make_tagged(alice, "Leave")
    tags.set_tags(alice, row, " #HR , hr,parental   leave, a|b,, ##\0")
    row.refresh_from_db()
    assert row.tag_list == ["HR", "parental leave", "a b"]
    tags.set_tags(alice, row, " , ")
    row.refresh_from_db()
    assert row.tag_list == [] and row.tags == ""


def test_a_tag_in_other_letter_case_is_the_one_that_is_used_already(alice: User) -> None:
    make_tagged(alice, "Leave", "|Öffnungszeiten|")
    row = make_tagged(alice, "Hours")
    tags.set_tags(alice, row, "öffnungszeiten")
    assert row.tag_list == ["Öffnungszeiten"]
    make_tagged(make_user("bob"), "His", "|HOUSE|")
    tags.set_tags(alice, row, "house")
    assert row.tag_list == ["house"]
    tags.set_tags(alice, row, "House")
    assert row.tag_list == ["House"], "the only one with this tag may change its letters"


@pytest.mark.parametrize("text", [",".join(f"tag{n}" for n in range(11)), "x" * 31])
def test_tags_too_many_or_too_long_are_refused_with_a_reason(alice: User, client: Client, text: str) -> None:
    row = make_tagged(alice, "Leave", "|hr|")
    with pytest.raises(RequestRefused, match="up to 10 tags of up to 30 characters"):
        tags.set_tags(alice, row, text)
    page = client.post(f"/c/{row.pk}/tags/", {"tags": text})
    assert "Use up to 10 tags of up to 30 characters." in page.content.decode() and text in page.content.decode()
    assert page["HX-Retarget"] == "[data-tags-form]"
    row.refresh_from_db()
    assert row.tag_list == ["hr"]


def test_longest_allowed_tags_fit_into_the_column(alice: User) -> None:
    row = make_tagged(alice, "Leave")
    tags.set_tags(alice, row, ",".join(f"{n}" * 30 for n in range(10)))
    row.full_clean()
    assert len(row.tag_list) == 10


def test_the_dialog_offers_the_users_own_tags_and_saves(alice: User, client: Client) -> None:
    row = make_tagged(alice, "Leave <b>")
    make_tagged(alice, "Boiler", "|house|")
    make_tagged(make_user("bob"), "His", "|secret|")
    form = client.get(f"/c/{row.pk}/tags/").content.decode()
    assert "data-tag>house<" in form and "secret" not in form and "Leave &lt;b&gt;" in form
    saved = client.post(f"/c/{row.pk}/tags/", {"tags": "house, <i>"})
    assert "HX-Retarget" not in saved and "Tags saved." in saved.content.decode()
    assert 'value="house, &lt;i&gt;"' in client.get(f"/c/{row.pk}/tags/").content.decode()
    page = client.get("/conversations/all/").content.decode()
    assert "#&lt;i&gt;" in page and "?tag=%3Ci%3E" in page and "secret" not in page


def test_the_page_filters_by_whole_tags_beside_the_other_filters(alice: User, client: Client) -> None:
    one, two = make_tagged(alice, "Leave", "|hr|leave|"), make_tagged(alice, "Wage", "|hrm|hr 2|")
    make_tagged(make_user("bob"), "His", "|hr|")
    page = client.get("/conversations/all/?tag=hr")
    assert [row.pk for row in page.context["rows"]] == [one.pk] and page.context["tags"] == [
        "hr",
        "hr 2",
        "hrm",
        "leave",
    ]
    assert [row.pk for row in client.get("/conversations/all/?show=pinned&tag=hr").context["rows"]] == []
    assert [row.pk for row in client.get("/conversations/all/?tag=hr+2").context["rows"]] == [two.pk]
    for unknown in ("%25", "gone", "%00gone", "hr|leave2"):
        page = client.get(f"/conversations/all/?tag={unknown}")
        assert page.context["rows"] == [] and "No conversations with the tag" in page.content.decode()


def test_the_list_with_a_tag_goes_on_with_it(alice: User, client: Client) -> None:
    Conversation.objects.bulk_create(Conversation(owner=alice, title=f"{n}", tags="|a&b|") for n in range(120))
    Conversation.objects.bulk_create(Conversation(owner=alice, title=f"other {n}") for n in range(120))
    page = client.get("/conversations/all/?tag=a%26b")
    assert "&amp;tag=a%26b&amp;after=" in page.content.decode() and len(page.context["rows"]) == 100
    query = {"tag": "a&b", "after": page.context["after"]}
    more = client.get("/conversations/all/", query, headers={"HX-Request": "true"})
    assert len(more.context["rows"]) == 20


def test_tags_are_opened_and_saved_by_the_owner_only(alice: User, client: Client) -> None:
    his = make_tagged(make_user("bob"), "His", "|secret|")
    assert client.get(f"/c/{his.pk}/tags/").status_code == 404
    assert client.post(f"/c/{his.pk}/tags/", {"tags": "mine"}).status_code == 404
    his.refresh_from_db()
    assert his.tag_list == ["secret"]


def test_a_branch_has_no_tags_and_a_copy_of_ones_data_has_them(alice: User) -> None:
    row = make_tagged(alice, "Leave", "|hr|")
    make_exchange(alice, conversation=row)
    branch = fork_conversation(alice, row, None)
    assert branch is not None and branch.tags == ""
    parts = dict(data_export._archive_parts(alice))
    assert parts[f"conversations/{row.pk}.json"]["tags"] == ["hr"]

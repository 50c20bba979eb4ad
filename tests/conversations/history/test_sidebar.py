"""The lists of conversations, a part at a time: each of them comes once, whatever comes above meanwhile."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.conversations.history import sidebar
from apps.conversations.models import Conversation, Folder
from apps.users.models import User
from tests.factories import make_user

pytestmark = pytest.mark.django_db
NEXT = re.compile(r'hx-get="([^"]+)"')
HEADING = re.compile(r"<h3>([^<]+)</h3>")
TITLE = re.compile(r'class="title"[^>]*>([^<]+)<')


@pytest.fixture
def alice() -> User:
    return make_user("alice")


def make_conversations(user: User, count: int, **fields: object) -> list[Conversation]:
    """The first is the newest; each three have the same time."""
    rows = Conversation.objects.bulk_create(Conversation(owner=user, title=f"Talk {n:03}") for n in range(count))
    for n, row in enumerate(rows):
        row.changed = timezone.now() - timedelta(minutes=n // 3)
        for name, value in fields.items():
            setattr(row, name, value)
    Conversation.objects.bulk_update(rows, ["changed", *fields])
    return rows


def walked(client: Client, address: str, **headers: str) -> tuple[list[str], int]:
    """All titles from that address on, and in how many steps they came."""
    found, steps = list[str](), 0
    while address:
        page = client.get(address, headers=headers).content.decode()
        found += TITLE.findall(page)
        following = NEXT.findall(page.split("data-more", 1)[1]) if "data-more" in page else []
        address, steps = (following[0].replace("&amp;", "&") if following else ""), steps + 1
        headers = {"HX-Request": "true"}
    return found, steps


@pytest.mark.parametrize("kind", ["recent", "pinned", "folder"])
def test_sidebar_lists_page_to_their_end_and_name_each_conversation_once(
    alice: User, client: Client, kind: str
) -> None:
    client.force_login(alice)
    folder = Folder.objects.create(owner=alice, name="Drawer")
    make_conversations(alice, 120, **{"pinned": {"pinned": timezone.now()}, "folder": {"folder": folder}}.get(kind, {}))
    found, steps = walked(client, "/conversations/")
    assert [title for title in found if title != "Drawer"].count("Talk 000") == 1
    assert sorted(title for title in found if title != "Drawer") == [f"Talk {n:03}" for n in range(120)]
    assert steps == 3


def test_the_page_of_all_goes_on_where_it_ended_also_of_the_deleted(alice: User, client: Client) -> None:
    client.force_login(alice)
    rows = make_conversations(alice, 230)
    first = client.get("/conversations/all/").content.decode()
    make_conversations(alice, 3)  # what comes above meanwhile does not push anything down
    found, steps = walked(
        client, NEXT.findall(first.split("conversations-all", 1)[1])[0].replace("&amp;", "&"), **{"HX-Request": "true"}
    )
    assert steps == 2 and len(found) == 130 and len(set(found)) == 130
    Conversation.objects.filter(pk__in=[row.pk for row in rows]).update(deleted=timezone.now())
    assert walked(client, "/conversations/all/?show=deleted")[0].count("Talk 229") == 1
    page = client.get("/conversations/all/?show=deleted").content.decode()
    assert "You can restore deleted conversations here for one hour." in page


def test_sidebar_reloads_as_many_rows_as_were_loaded_per_list(alice: User) -> None:
    folder, pinned = Folder.objects.create(owner=alice, name="Drawer"), timezone.now()
    rows = make_conversations(alice, 300)
    Conversation.objects.filter(pk__in=[row.pk for row in rows[:80]]).update(folder=folder)
    Conversation.objects.filter(pk__in=[row.pk for row in rows[60:130]]).update(pinned=pinned)
    found = sidebar.load_sidebar(alice, {"recent": "160", str(folder.pk): "60", "pinned": "wrong"})
    assert [len(found.recent.rows), len(found.folders[0].rows), len(found.pinned.rows)] == [160, 60, 50]
    assert found.recent.next_page and not found.folders[0].next_page and found.pinned.next_page
    assert len(sidebar.load_more(alice, "pinned", found.pinned.next_page).rows) == 20


def test_headings_by_date_follow_the_time_zone_of_the_browser(alice: User, client: Client, monkeypatch: Any) -> None:
    client.force_login(alice)
    now = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)  # still the evening of the 9th in New York
    monkeypatch.setattr(sidebar.timezone, "now", lambda: now)
    hours = [1, 20, 30, 24 * 6, 24 * 9, 24 * 12, 24 * 30]
    rows = make_conversations(alice, len(hours))
    for row, ago in zip(rows, hours, strict=True):
        Conversation.objects.filter(pk=row.pk).update(changed=now - timedelta(hours=ago))

    def headings() -> list[str]:
        return HEADING.findall(client.get("/conversations/").content.decode())

    assert headings() == ["Today", "Yesterday", "Previous 7 days", "March 2026", "February 2026"]
    client.cookies["timezone"] = "America/New_York"
    page = client.get("/conversations/").content.decode()
    assert page.index("Today") < page.index("Talk 001") < page.index("Yesterday") < page.index("Talk 002")
    client.cookies["timezone"] = "../../etc/passwd"
    assert headings()[0] == "Today"


def test_the_next_page_of_the_list_does_not_repeat_the_heading(alice: User, client: Client) -> None:
    client.force_login(alice)
    rows = make_conversations(alice, 120)
    Conversation.objects.filter(owner=alice).update(changed=timezone.now() - timedelta(days=400))
    assert rows
    first = client.get("/conversations/").content.decode()
    following = NEXT.findall(first.split("data-more", 1)[1])[0].replace("&amp;", "&")
    assert len(HEADING.findall(first)) == 1
    assert HEADING.findall(client.get(following).content.decode()) == []


def test_an_empty_folder_is_listed_so_that_something_can_be_dragged_into_it(alice: User) -> None:
    Folder.objects.create(owner=alice, name="Drawer")
    Folder.objects.create(owner=make_user("bob"), name="His")
    assert [part.name for part in sidebar.load_sidebar(alice).folders] == ["Drawer"]


def test_sidebar_of_another_user_is_not_paged(alice: User, client: Client) -> None:
    folder = Folder.objects.create(owner=alice, name="Drawer")
    make_conversations(alice, 120, folder=folder)
    client.force_login(make_user("bob"))
    wrong = ["", "recent", "pinned", str(folder.pk), "9" * 40, "²"]
    for part in wrong:
        assert not TITLE.findall(client.get("/conversations/more/", {"part": part, "after": "x~y"}).content.decode())


def test_a_list_of_two_thousand_takes_as_many_queries_as_one_of_two(
    alice: User, django_assert_num_queries: object
) -> None:
    make_conversations(alice, 2000, folder=Folder.objects.create(owner=alice, name="Drawer"))
    with django_assert_num_queries(3):  # type: ignore[operator]
        assert len(sidebar.load_sidebar(alice).folders[0].rows) == 50

"""List of 2,000 conversations: shown at once, and loaded further while scrolling."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import quickest
from tests.journeys.conftest import Visit
from tests.journeys.site import Site


@pytest.fixture(scope="module")
def many(site: Site) -> None:
    site.seed("many")


def links(page: Any) -> Any:
    return page.locator("#conversation-list [data-list-of=recent] [data-conversation]")


def opened(visit: Visit, path: str = "/", width: int = 1440) -> Any:
    page = visit(path, width=width, person="lena")
    if width < 500:
        page.locator("[data-drawer]").click()
    return page


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("width", [1440, 360])
def test_the_list_opens_at_once_and_goes_on_as_one_scrolls(visit: Visit, width: int) -> None:
    page = opened(visit, width=width)
    assert quickest(page, page.url) < 15, "about 0.3 s on a quiet machine"
    if width < 500:
        page.locator("[data-drawer]").click()
    assert links(page).count() == 50
    assert page.locator("[data-list-of=pinned] [data-conversation]").count() == 50
    for wanted in (100, 150):
        page.locator("[data-list-of=recent] [data-more]").scroll_into_view_if_needed()
        page.wait_for_function(
            "n => document.querySelectorAll('[data-list-of=recent] [data-conversation]').length >= n", arg=wanted
        )
    titles = links(page).all_inner_texts()
    assert titles == sorted(set(titles)), "each once, the newest first"


@pytest.mark.usefixtures("many")
def test_conversation_list_loads_more_by_keyboard_and_finds_unloaded_titles(visit: Visit) -> None:
    page = opened(visit)
    page.locator("[data-list-of=pinned] [data-conversation]").last.focus()
    page.keyboard.press("Tab")  # to its menu
    page.keyboard.press("Tab")
    expect(page.locator("[data-list-of=pinned] [data-conversation]")).to_have_count(60)
    expect(page.locator("[data-list-of=pinned] [data-more]")).to_have_count(0)
    expect(page.locator("[data-list-of=pinned] [data-conversation]").nth(50)).to_be_focused()
    page.keyboard.press("Control+k")
    page.keyboard.type("talk 1933")
    expect(page.locator(".result .title")).to_have_text(["Talk 1933"])


@pytest.mark.usefixtures("many")
def test_the_page_of_all_goes_on_and_what_is_selected_there_is_put_away(visit: Visit) -> None:
    page = opened(visit, "/conversations/all/")
    rows = page.locator(".conversations-all [name=id]")
    expect(rows).to_have_count(100)
    for wanted in (200, 300):
        page.locator(".conversations-all [data-more]").scroll_into_view_if_needed()
        page.wait_for_function("n => document.querySelectorAll('.conversations-all [name=id]').length >= n", arg=wanted)
    page.goto(page.url.split("?")[0] + "?show=archived")
    expect(rows).to_have_count(40)
    page.locator("[data-all]").check()
    page.get_by_role("button", name="Unarchive").click()
    expect(page.get_by_text("40 conversations unarchived.")).to_be_visible()

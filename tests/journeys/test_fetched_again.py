"""Turns are fetched again after missed events: nothing asked meanwhile is lost, and a failed request changes
nothing."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.journeys.chat import LEAVE, SLOW, ask, ended, writing
from tests.journeys.conftest import Visit

LISTS = re.compile(r"/conversations/(\?|$)")  # of the sidebar
Held = list[tuple[Any, Any]]


def test_question_asked_during_a_refetch_stays(page_wide: Any) -> None:
    lists, turns = stale(page_wide), hold(page_wide, match_conversation(page_wide))
    with page_wide.expect_request(match_conversation(page_wide)):
        release(page_wide, lists)
    second = ask(page_wide, SLOW)
    writing(second)
    with page_wide.expect_response(match_conversation(page_wide)):
        release(page_wide, turns)
    page_wide.wait_for_timeout(300)  # it would have been swapped away long ago
    stop(second, page_wide)
    expect(page_wide.locator("[data-turn]")).to_have_count(2)


def test_question_opened_for_editing_during_a_refetch_stays(page_wide: Any) -> None:
    lists, turns = stale(page_wide), hold(page_wide, match_conversation(page_wide))
    with page_wide.expect_request(match_conversation(page_wide)):
        release(page_wide, lists)
    edit(page_wide.locator("[data-turn]"), LEAVE)
    with page_wide.expect_response(match_conversation(page_wide)):
        release(page_wide, turns)
    page_wide.wait_for_timeout(300)
    expect(page_wide.locator(".edit textarea")).to_have_value(LEAVE)


def test_a_version_that_waits_for_its_turn_takes_nothing_away(page_wide: Any) -> None:
    page = page_wide
    ended(ask(page, LEAVE))
    turn_back(page)
    lists, turns = stale(page), hold(page, match_conversation(page))
    with page.expect_request(match_conversation(page)):
        release(page, lists)
    page.get_by_role("link", name="Next question").click()
    last = ask(page, SLOW)
    writing(last)
    with page.expect_response(match_conversation(page)):
        release(page, turns)
    page.wait_for_timeout(300)
    stop(last, page)
    expect(page.locator("[data-turn]")).to_have_count(3)


def test_answer_versions_are_turned_as_before_after_a_failed_refetch(visit: Visit) -> None:
    page = visit(tolerate="Failed to load resource")
    lists = stale(page)
    page.route(match_conversation(page), lambda route: route.abort(), times=1)
    with page.expect_event("requestfailed"):
        release(page, lists)
    turn_back(page)


def test_versions_are_turned_while_the_list_of_chats_is_slow(page_wide: Any) -> None:
    ended(ask(page_wide, LEAVE))
    lists = hold(page_wide, LISTS)
    turn_back(page_wide)
    release(page_wide, lists)


def stale(page: Any) -> Held:
    """End an answer while the list of chats, which still shows it as being written, is held back."""
    lists = hold(page, LISTS)
    first = ask(page, SLOW)
    writing(first)
    stop(first, page)
    assert "data-live" in wait_for_response(page, lists).text()
    return lists


def hold(page: Any, address: re.Pattern[str]) -> Held:
    """Hold back the server's response to the next request of that URL."""
    requests: Held = []
    page.route(address, lambda route: requests.append((route, route.fetch())), times=1)
    return requests


def wait_for_response(page: Any, requests: Held) -> Any:
    """Wait for the held response and return it."""
    for _ in range(1_200):
        if requests:
            return requests[0][1]
        page.wait_for_timeout(50)
    raise AssertionError("nothing was asked for")


def release(page: Any, requests: Held) -> None:
    response = wait_for_response(page, requests)
    requests.pop()[0].fulfill(response=response)


def match_conversation(page: Any) -> re.Pattern[str]:
    return re.compile(urlsplit(page.url).path + r"(\?|$)")


def stop(turn: Any, page: Any) -> None:
    page.get_by_role("button", name="Stop", exact=True).click()
    ended(turn, "stopped")


def edit(turn: Any, text: str) -> None:
    turn.hover()
    turn.get_by_role("button", name="Edit").click()
    turn.page.locator(".edit textarea").fill(text)


def turn_back(page: Any) -> None:
    """Edit a question, and switch back to its first version."""
    edit(page.locator("[data-turn]"), f"{LEAVE} In weeks.")
    page.get_by_role("button", name="Update and rerun").click()
    expect(page.locator("[data-fork]")).to_contain_text("2/2")
    page.get_by_role("link", name="Previous question").click()
    expect(page.locator("[data-fork]")).to_contain_text("1/2")
    expect(page.get_by_role("link", name="Next question")).to_be_focused()
    assert "?at=" in page.url

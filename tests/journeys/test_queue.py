"""Queued questions: added, reloaded, edited, deleted, sent at once; by mouse, by keyboard alone, in two tabs."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import BOILER, LEAVE, SLOW, ask, ended, writing
from tests.journeys.conftest import Visit

HOTEL = "What may a hotel cost?"


def put(page: Any, *texts: str) -> None:
    for text in texts:
        page.fill("textarea[name=text]", text)
        page.press("textarea[name=text]", "Enter")
        expect(page.locator("[data-queued]", has_text=text)).to_be_visible()


@pytest.mark.parametrize("width", [1440, 360])
def test_the_line_survives_a_reload_and_is_changed_by_hand(visit: Visit, width: int) -> None:
    page = visit(width=width)
    writing(ask(page, SLOW))
    page.wait_for_url("**/c/**")
    put(page, LEAVE, BOILER, HOTEL)
    page.reload()
    page.locator("[data-chat][data-ready]").wait_for()
    line = page.locator("[data-queued]")
    expect(line).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    line.nth(1).get_by_role("button", name="Edit").click()
    expect(page.locator("textarea[name=text]")).to_have_value(BOILER)
    expect(line).to_have_count(2)
    put(page, f"{BOILER} Is it dangerous?")
    expect(line.nth(1).locator("[data-queue-text]")).to_have_text(f"{BOILER} Is it dangerous?")
    for _ in range(2):
        left = line.count()
        line.nth(0).get_by_role("button", name="Delete").click()
        expect(line).to_have_count(left - 1)
    line.nth(0).get_by_role("button", name="Send now").click()
    expect(page.locator("[data-turn]")).to_have_count(2)
    ended(page.locator("[data-turn]").nth(0), "stopped")
    ended(page.locator("[data-turn]").nth(1))
    expect(page.locator("[data-question]").nth(1)).to_have_text(HOTEL)
    expect(line).to_have_count(0)


def test_queued_questions_show_in_two_tabs_and_are_answered_in_order(visit: Visit) -> None:
    one = visit()
    writing(ask(one, SLOW))
    one.wait_for_url("**/c/**")
    put(one, LEAVE)
    two = visit(one.url.removeprefix(one.url.split("/c/")[0]))
    two.locator("[data-chat][data-ready]").wait_for()
    expect(two.locator("[data-queued]")).to_have_count(1)
    put(two, HOTEL)
    expect(one.locator("[data-queued]")).to_have_count(2)
    two.locator("[data-stop]").click()
    for page in (one, two):
        expect(page.locator("[data-turn]")).to_have_count(3, timeout=60_000)
        ended(page.locator("[data-turn]").nth(2))
        expect(page.locator("[data-question]")).to_have_text([SLOW, LEAVE, HOTEL])
        expect(page.locator("[data-queued]")).to_have_count(0)


def test_the_line_is_changed_by_keyboard_alone(page_wide: Any) -> None:
    keys = page_wide.keyboard
    writing(ask(page_wide, SLOW))
    page_wide.wait_for_url("**/c/**")
    for number, text in enumerate((LEAVE, HOTEL), 1):
        keys.type(text)
        keys.press("Enter")
        expect(page_wide.locator("[data-queued]")).to_have_count(number)
    keys.press("Shift+Tab")
    expect(page_wide.locator("[data-queue-do=delete]").last).to_be_focused()
    keys.press("Enter")
    expect(page_wide.locator("[data-queued]")).to_have_count(1)
    expect(page_wide.locator("[data-queue-do=delete]")).to_be_focused()
    keys.press("Shift+Tab")
    keys.press("Shift+Tab")
    expect(page_wide.locator("[data-queue-do=now]")).to_be_focused()
    keys.press("Enter")
    expect(page_wide.locator("[data-queued]")).to_have_count(0)
    ended(page_wide.locator("[data-turn]").nth(1))
    expect(page_wide.locator("[data-question]").nth(1)).to_have_text(LEAVE)
    expect(page_wide.locator("textarea[name=text]")).to_be_focused()

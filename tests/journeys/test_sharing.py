"""Conversation shared by a link, read by another user, and continued as a copy."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import BOILER, WHO, ask, ended
from tests.journeys.conftest import Visit


@pytest.mark.main_journey
@pytest.mark.parametrize("width", [1440, 360])
def test_shared_read_copied_and_turned_off(visit: Visit, width: int) -> None:
    alice = visit(width=width)
    ended(ask(alice, WHO))
    alice.wait_for_url("**/c/**")
    alice.locator("[data-conversation-menu] summary").click()
    alice.get_by_role("button", name="Share").click()
    panel = alice.locator("[data-panel]")
    panel.get_by_label("Link expires").select_option("7")
    panel.get_by_role("button", name="Turn on link").click()
    address = panel.locator("[data-link]").input_value()
    expect(panel).to_be_focused()  # the button that held the focus is gone
    assert alice.evaluate("document.documentElement.scrollWidth <= innerWidth")

    path = address.partition("/shared/")
    bob = visit(f"/shared/{path[2]}", person="bob", width=width, tolerate="404")
    expect(bob.locator("main")).to_contain_text("Shared by Alice")
    bob.locator(".prose a.pill").first.click()
    bob.locator("[data-panel] mark").first.wait_for()
    bob.keyboard.press("Escape")
    bob.get_by_role("button", name="Behind the scenes").press("Enter")
    expect(bob.locator("[data-panel] .behind")).to_contain_text("stay with the owner")
    expect(bob.locator("[data-panel] .candidates")).to_contain_text("Parental leave")
    bob.keyboard.press("Escape")
    assert bob.evaluate("document.documentElement.scrollWidth <= innerWidth")
    bob.get_by_role("button", name="Continue as my copy").click()
    expect(bob.locator("[data-turn]")).to_have_count(1)
    ended(ask(bob, BOILER))
    expect(bob.locator("[data-turn]")).to_have_count(2)

    panel.get_by_role("button", name="Turn off link").click()
    expect(panel.get_by_role("button", name="Turn on link")).to_be_visible()
    assert bob.goto(address).status == 404

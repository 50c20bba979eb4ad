"""Answers to the same question with two settings, compared side by side."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import LEAVE, ask, ended, show_controls
from tests.journeys.conftest import Visit


@pytest.mark.parametrize("width", [1440, 360])
def test_an_answer_is_written_again_with_other_settings_and_compared_with_its_sources(visit: Visit, width: int) -> None:
    page = visit(width=width)
    ended(ask(page, LEAVE))
    page.wait_for_url("**/c/**")
    show_controls(page)
    page.locator("[data-sampling] summary").first.click()
    page.locator("[data-sampling] input[value=creative]").check()
    page.keyboard.press("Escape")
    expect(page.locator("[data-sampling]")).to_have_attribute("data-changed", "")
    page.locator('[data-do="retry"]').click()
    ended(page.locator("[data-turn]").last)
    page.get_by_role("link", name="Compare", exact=True).click()
    sides = page.locator(".compare > section")
    expect(sides).to_have_count(2)
    expect(sides.nth(0)).to_contain_text("Balanced · Temperature 0.2")
    expect(sides.nth(1)).to_contain_text("Creative · Temperature 0.9")
    sides.nth(0).locator("a.pill").first.click()
    panel = page.locator("[data-panel]")
    expect(panel.locator("[data-source-number]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    page.get_by_role("button", name="Answer 2 is better").click()
    expect(sides.nth(1).locator(".badge")).to_have_text("better")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

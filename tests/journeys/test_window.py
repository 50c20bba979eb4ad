"""Gauge of the context window below the composer, opened by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.axe import find_visible_violations
from tests.journeys.chat import LEAVE, ask, ended, tab_to
from tests.journeys.conftest import Visit


@pytest.mark.parametrize("width", [1440, 360])
def test_the_gauge_is_there_after_an_answer_and_after_a_reload(visit: Visit, width: int) -> None:
    page = visit(width=width)
    gauge = page.locator("[data-window] summary")
    expect(gauge).to_have_count(0)
    ended(ask(page, LEAVE))
    page.wait_for_url("**/c/**")
    for _ in range(2):
        expect(gauge).to_contain_text("of the context used")
        page.locator("textarea[name=text]").focus()
        tab_to(gauge)
        page.keyboard.press("Enter")
        expect(page.locator("[data-window]")).to_contain_text("Passages from documents")
        assert find_visible_violations(page, "[data-window]") == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.keyboard.press("Escape")
        expect(page.locator("[data-window] .sheet")).to_be_hidden()
        page.reload()
        page.locator("[data-chat][data-ready]").wait_for()

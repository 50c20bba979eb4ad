"""Reasoning of a model: folded while it streams, readable when opened, and kept over a reload."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.axe import find_visible_violations
from tests.journeys.chat import ask, ended, tab_to
from tests.journeys.conftest import Visit
from tests.journeys.model import THINKING, THOUGHT


@pytest.mark.parametrize("width", [1440, 360])
def test_thoughts_are_folded_and_read_by_keyboard(visit: Visit, width: int) -> None:
    page = visit(width=width)
    turn = ended(ask(page, f"How long does parental leave last? {THINKING}"))
    page.wait_for_url("**/c/**")
    for _ in range(2):
        turn = page.locator("[data-turn]").last
        expect(turn.locator("[data-part=text]")).not_to_contain_text("consider")
        thoughts = turn.locator("[data-thoughts]")
        expect(thoughts.locator("[data-part=thoughts]")).to_be_hidden()
        page.locator("textarea[name=text]").focus()
        tab_to(thoughts.locator("summary"), "Shift+Tab")
        page.keyboard.press("Enter")
        expect(thoughts).to_contain_text(THOUGHT)
        expect(thoughts).to_contain_text("not checked against your documents")
        assert thoughts.locator("img").count() == 0
        assert find_visible_violations(page, "[data-thoughts]") == []  # the rest of the page is judged elsewhere
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.reload()
        page.locator("[data-chat][data-ready]").wait_for()

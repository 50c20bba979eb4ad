"""Panel of an answer's search details, opened by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import BOILER, ask, ended, tab_to
from tests.journeys.conftest import Visit


@pytest.mark.parametrize("width", [1440, 360])
def test_details_of_an_answer_are_read_by_keyboard_alone(visit: Visit, width: int) -> None:
    page = visit(width=width)
    turn = ended(ask(page, BOILER))
    turn.locator(".more-tools > summary").focus()
    page.keyboard.press("Enter")
    tab_to(turn.locator("[data-behind]"))
    page.keyboard.press("Enter")
    panel = page.locator("[data-panel]")
    expect(panel.get_by_text("Index searched")).to_be_visible()
    expect(panel.locator(".candidates")).to_contain_text("boiler")
    assert page.evaluate("document.activeElement.id") == "panel"
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('[data-tokens]')"):
            break
    page.keyboard.press("ArrowRight")
    first = panel.locator("[data-weighed] .said").inner_text()
    page.keyboard.press("End")
    assert panel.locator("[data-weighed] .said").inner_text() != first
    panel.locator("summary", has_text="The exact prompt").focus()
    page.keyboard.press("Enter")
    expect(panel.locator("pre").first).to_contain_text("Answer the question from the numbered sources")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    assert page.evaluate("document.activeElement.matches('.more-tools > summary')")

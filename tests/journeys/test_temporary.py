"""Temporary chat: started by the switch, answered with sources, and gone after a reload."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import BOILER, LEAVE, WHO, ask, ended, tab_to
from tests.journeys.conftest import Visit

LISTED = "[...document.querySelectorAll('#conversation-list [data-conversation]')].map((link) => link.pathname)"
STORED = "Object.values(localStorage).concat(Object.values(sessionStorage)).join(' ')"


@pytest.mark.parametrize("width", [1440, 360])
def test_switched_on_asked_and_gone(visit: Visit, width: int) -> None:
    page = visit(width=width)
    listed = page.evaluate(LISTED)
    page.get_by_role("switch", name="Temporary").click()
    page.wait_for_url("**/temporary/")
    expect(page.get_by_role("switch", name="Temporary")).to_have_attribute("aria-checked", "true")
    expect(page.locator(".welcome")).to_contain_text("A temporary chat is not saved")
    page.locator("textarea[name=text]").press_sequentially("What is a")
    assert "What is a" not in page.evaluate(STORED)

    turn = ended(ask(page, WHO))
    page.wait_for_url("**/temporary/*-*/")
    expect(page.locator("h1")).to_have_text("Temporary chat")
    assert WHO not in page.evaluate(STORED)
    assert page.evaluate(LISTED) == listed
    for name in ("Branch", "Good answer", "Behind the scenes"):
        assert not turn.get_by_role("button", name=name, include_hidden=True).count()
    expect(turn.get_by_role("button", name="Copy")).to_be_visible()

    turn.locator(".prose a.pill").first.click()
    page.locator("[data-panel] mark, [data-panel] [data-here]").first.wait_for()
    page.keyboard.press("Escape")
    ended(ask(page, BOILER))
    expect(page.locator("[data-turn]")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.reload()
    expect(page.locator(".welcome")).to_contain_text("has ended. Nothing was saved")
    expect(page.locator("[data-turn]")).to_have_count(0)
    page.goto(page.url.partition("/temporary/")[0] + "/conversations/all/")
    assert "/temporary/" not in page.locator("main").inner_html()


@pytest.mark.parametrize("width", [1440, 360])
def test_an_answer_is_made_again_and_a_question_reworded_in_their_place(visit: Visit, width: int) -> None:
    page = visit("/temporary/", width=width)
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url) if "/answers/" in request.url else None)
    first = ended(ask(page, LEAVE))
    before = first.get_attribute("data-turn")
    ended(ask(page, BOILER))
    page.locator("[data-turn]").nth(1).get_by_role("button", name="Regenerate").click()
    expect(page.locator("[data-turn]")).to_have_count(2)
    ended(page.locator("[data-turn]").nth(1))
    expect(page.locator("[data-turn]").nth(1)).to_contain_text("E4")

    first.get_by_role("button", name="Edit").click()
    form = page.locator(".edit")
    expect(form.get_by_role("button", name="Save")).to_have_count(0)
    form.get_by_label("Your question").fill(BOILER)
    form.get_by_role("button", name="Update and rerun").click()
    expect(page.locator("[data-turn]")).to_have_count(1)
    turn = ended(page.locator("[data-turn]").first)
    assert turn.get_attribute("data-turn") != before
    expect(turn.locator("[data-question]")).to_have_text(BOILER)
    expect(turn.locator("[data-answer]")).to_contain_text("E4")
    assert not fetched and LEAVE not in page.evaluate(STORED)
    ended(ask(page, LEAVE))
    expect(page.locator("[data-turn]")).to_have_count(2)


def test_temporary_chat_is_used_by_keyboard(page_wide: object) -> None:
    page = page_wide
    tab_to(page.get_by_role("switch", name="Temporary"), "Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/temporary/")
    ended(ask(page, LEAVE))


# The page's socket can be broken by a test, as a network does.
BREAKABLE = "window.WebSocket = class extends WebSocket { constructor(url) { super(url); window.line = this; } };"


def test_a_line_that_comes_back_finds_it(visit: Visit) -> None:
    page = visit("/temporary/")
    page.add_init_script(BREAKABLE)
    page.reload()
    ended(ask(page, LEAVE))
    page.evaluate("() => { window.broken = window.line; window.line.close(4000); }")
    page.wait_for_function("() => window.line !== window.broken && window.line.readyState === WebSocket.OPEN")
    ended(ask(page, BOILER))
    expect(page.locator("[data-refusal]")).to_be_hidden()
    expect(page.locator("[data-turn]")).to_have_count(2)

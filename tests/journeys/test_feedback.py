"""Poor rating given by keyboard alone; reviewers get the report, and staff reads the reason."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import BOILER, LEAVE, ask, ended, tab_to
from tests.journeys.conftest import Visit


def test_a_poor_answer_is_rated_explained_and_reported_by_keyboard_alone(visit: Visit) -> None:
    page = visit(person="bob")
    turn = ended(ask(page, LEAVE))
    page.wait_for_url("**/c/**")
    tab_to(page.locator("[data-thumb=poor]"), "Shift+Tab")
    page.keyboard.press("Enter")
    panel = page.locator("[data-panel]")
    expect(panel).to_contain_text("Thanks.")
    expect(turn.locator("[data-thumb=poor]")).to_have_attribute("aria-pressed", "true")
    tab_to(page.locator("[name=reasons][value=citation]"))
    page.keyboard.press("Space")
    tab_to(page.locator("[data-panel] textarea"))
    page.keyboard.type("The page says 24 weeks.")
    tab_to(page.locator("[name=report]"))
    page.keyboard.press("Space")
    tab_to(page.locator("[data-panel] .primary"))
    page.keyboard.press("Enter")
    expect(panel).to_contain_text("A reviewer will look at")
    page.keyboard.press("Escape")
    expect(turn.locator("[data-thumb=poor]")).to_be_focused()
    page.reload()
    expect(page.locator("[data-thumb=poor]")).to_have_attribute("aria-pressed", "true")

    morgan = visit("/feedback/?thumb=poor&reason=citation", person="morgan")
    morgan.locator("a.title", has_text="A source does not support it").first.click()
    expect(morgan.locator("main")).to_contain_text("The page says 24 weeks.")
    expect(morgan.locator(".answer .prose")).to_contain_text("six months")
    morgan.get_by_role("button", name="Mark as handled").click()
    expect(morgan.locator("main")).not_to_contain_text("24 weeks")
    morgan.goto(morgan.url.partition("/feedback/")[0] + "/review/")
    expect(morgan.locator("[data-case]", has_text="User report")).to_have_count(1)


@pytest.mark.parametrize("width", [1440, 360])
def test_the_thumbs_and_their_form_fit_every_screen_and_are_taken_back(visit: Visit, width: int) -> None:
    page = visit(width=width)
    turn = ended(ask(page, BOILER))
    turn.locator("[data-thumb=good]").click()
    expect(page.locator("[data-panel]")).to_contain_text("Thanks.")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Remove rating").click()
    expect(page.locator("[data-panel]")).to_contain_text("Rating removed.")
    expect(turn.locator("[data-thumb=good]")).to_have_attribute("aria-pressed", "false")

"""A question stays at the top while its answer grows; unanswered questions have other ways; buttons fit."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.axe import find_visible_violations
from tests.journeys.chat import LEAVE, LONG, OFF_TOPIC, SLOW, ask, ended, tab_to, writing
from tests.journeys.conftest import Visit

CROWDED = """[...document.querySelectorAll(".composer-bar > :is(.button, .menu)")]
    .map((one) => one.matches(".menu") ? one.querySelector("summary") : one)
    .filter((one) => one.checkVisibility()).map((one) => one.getBoundingClientRect())
    .some((one, at, all) =>
        one.width < 28 || one.left < 0 || one.right > innerWidth || (at && one.left < all[at - 1].right))"""
TOP = "turn => turn.getBoundingClientRect().top"
REST = """turn => turn.querySelector("[data-answer]").getBoundingClientRect().bottom
    - document.querySelector("[data-composer]").getBoundingClientRect().top"""


@pytest.mark.parametrize("width", [1440, 360])
def test_the_question_stays_at_the_top_while_its_answer_grows_and_a_button_leads_to_the_end(
    visit: Visit, width: int
) -> None:
    page = visit(width=width)
    ended(ask(page, LEAVE))
    turn = ask(page, LONG)
    writing(turn, 300)
    top = turn.evaluate(TOP)
    assert 40 < top < 120, "below the bar of the page"
    expect(turn.locator("blockquote").first).to_be_in_viewport()
    end = page.get_by_role("button", name="Jump to the end")
    writing(turn, 2200)
    expect(end).to_be_visible()
    assert turn.evaluate(TOP) == pytest.approx(top, abs=2), "nothing scrolls by itself"
    expect(turn.locator("blockquote").first).to_be_in_viewport()
    end.click()
    expect(end).to_be_hidden()
    expect(page.locator("textarea[name=text]")).to_be_focused()
    writing(turn, 2600)
    assert turn.evaluate(REST) < 48, "from there on it is followed"
    page.mouse.wheel(0, -400)
    page.wait_for_function("() => document.querySelector('[data-latest]').hidden === false")
    ended(turn)
    expect(end).to_be_visible()


def test_a_question_asked_again_comes_to_the_top(page_wide: Any) -> None:
    turn = ended(ask(page_wide, LEAVE))
    turn.get_by_role("button", name="Regenerate").click()
    again = page_wide.locator("[data-turn]").last
    again.wait_for()
    expect(again.locator("[data-question]")).to_be_in_viewport()
    ended(again)
    assert 40 < again.evaluate(TOP) < 120


def test_unanswered_question_is_put_back_to_be_rephrased(page_wide: Any) -> None:
    turn = ended(ask(page_wide, OFF_TOPIC))
    turn.get_by_role("button", name="Rephrase").click()
    field = page_wide.locator("textarea[name=text]")
    expect(field).to_have_value(OFF_TOPIC)
    expect(field).to_be_focused()
    field.fill(LEAVE)
    field.press("Enter")
    ended(page_wide.locator("[data-turn]").last)


@pytest.mark.parametrize("width", [1440, 360])
def test_composer_buttons_keep_their_place_whatever_is_offered(visit: Visit, width: int) -> None:
    page = visit("/assistants/new/", width=width, person="bob")
    page.get_by_label("Name", exact=True).fill(f"A desk with a name of some length, {width}")
    page.get_by_role("button", name="Create assistant").click()
    page.get_by_text("was created.").wait_for()
    page.locator(".assistant a").first.click()
    page.locator("[data-chat][data-ready]").wait_for()
    assert page.locator(".composer-bar > .menu").count() == 2
    page.evaluate("document.querySelector('.composer-bar > [data-dictate]').hidden = false")
    assert not page.evaluate(CROWDED)
    writing(ask(page, SLOW), 300)
    page.fill("textarea[name=text]", LEAVE)
    expect(page.get_by_role("button", name="Add to queue")).to_be_visible()
    assert not page.evaluate(CROWDED)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Stop", exact=True).click()


@pytest.mark.parametrize("width", [1440, 360])
def test_the_field_has_three_controls_and_the_others_in_a_menu_that_the_keyboard_opens(
    visit: Visit, width: int
) -> None:
    page = visit(width=width)
    seen = page.locator(".composer-bar > :is(.button, .menu)").filter(visible=True)
    assert seen.count() <= 3
    field, menu = page.locator("textarea[name=text]"), page.locator("[data-add]")
    field.fill("A question")
    assert seen.count() <= 3
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    tab_to(menu.locator("> summary"))
    page.keyboard.press("Enter")
    expect(menu.get_by_role("button", name="Attach files")).to_be_visible()
    assert find_visible_violations(page, "[data-add]") == []
    tab_to(page.get_by_label("Creativity"))
    page.keyboard.press("Enter")
    expect(menu.get_by_role("radio", name="Precise")).to_be_visible()
    assert find_visible_violations(page, "[data-add]") == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("> summary")).to_be_focused()
    menu.locator("> summary").click()
    page.mouse.click(180, 60)  # beside the menu
    expect(menu).not_to_have_attribute("open", "")
    with page.expect_file_chooser():
        menu.locator("> summary").click()
        menu.get_by_role("button", name="Attach files").click()
    expect(menu).not_to_have_attribute("open", "")

"""Scrolling follows an answer only at the bottom of the page; unanswered questions have other ways; buttons fit."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import LEAVE, LONG, OFF_TOPIC, SLOW, ask, ended, writing
from tests.journeys.conftest import Visit

CROWDED = """[...document.querySelectorAll(".composer-bar > .button, .composer-bar > .menu > summary")]
    .filter((one) => one.checkVisibility()).map((one) => one.getBoundingClientRect())
    .some((one, at, all) =>
        one.width < 28 || one.left < 0 || one.right > innerWidth || (at && one.left < all[at - 1].right))"""
REST = "document.documentElement.scrollHeight - innerHeight - scrollY"


@pytest.mark.parametrize("width", [1440, 360])
def test_who_reads_further_up_stays_there_and_jumps_to_the_latest_when_they_want(visit: Visit, width: int) -> None:
    page = visit(width=width)
    turn = ask(page, LONG)
    writing(turn, 1500)
    pill = page.get_by_role("button", name="Jump to latest")
    expect(pill).to_be_hidden()
    page.wait_for_function(f"{REST} < 48")
    page.evaluate("scrollTo(0, 0)")
    expect(pill).to_be_visible()
    writing(turn, 2200)
    assert page.evaluate("scrollY") == 0, "who reads is not pulled down"
    pill.click()
    expect(pill).to_be_hidden()
    expect(page.locator("textarea[name=text]")).to_be_focused()
    writing(turn, 2600)
    page.wait_for_function(f"{REST} < 48")
    ended(turn)


def test_what_was_asked_in_vain_is_put_back_to_be_rephrased(page_wide: Any) -> None:
    turn = ended(ask(page_wide, OFF_TOPIC))
    turn.get_by_role("button", name="Rephrase").click()
    field = page_wide.locator("textarea[name=text]")
    expect(field).to_have_value(OFF_TOPIC)
    expect(field).to_be_focused()
    field.fill(LEAVE)
    field.press("Enter")
    ended(page_wide.locator("[data-turn]").last)


@pytest.mark.parametrize("width", [1440, 360])
def test_each_button_of_the_composer_has_its_place_whatever_is_offered(visit: Visit, width: int) -> None:
    page = visit("/assistants/new/", width=width, person="bob")
    page.get_by_label("Name", exact=True).fill(f"A desk with a name of some length, {width}")
    page.get_by_role("button", name="Create assistant").click()
    page.get_by_text("was created.").wait_for()
    page.locator(".assistant a").first.click()
    page.locator("[data-chat][data-ready]").wait_for()
    assert page.locator(".composer-bar > .menu").count() == 4
    page.evaluate("document.querySelector('[data-dictate]').hidden = false")
    assert not page.evaluate(CROWDED)
    writing(ask(page, SLOW), 300)
    page.fill("textarea[name=text]", LEAVE)
    expect(page.get_by_role("button", name="Add to queue")).to_be_visible()
    assert not page.evaluate(CROWDED)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Stop", exact=True).click()

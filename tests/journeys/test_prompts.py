"""Saved prompt: saved, found behind "/", filled in by keyboard alone; a fact is remembered."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import ask, ended, show_controls
from tests.journeys.conftest import Visit


@pytest.mark.parametrize("width", [1440, 360])
def test_a_saved_prompt_asks_for_its_variables_and_is_put_in(visit: Visit, width: int) -> None:
    page = visit("/prompts/", width=width, person="bob")
    name = f"Benefit {width}"
    page.get_by_label("Name").fill(name)
    page.get_by_label("Text").fill("How long does {{benefit}} last? I mean {{ benefit }} in {{place}}.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name=name)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(page.url.removesuffix("prompts/"))
    page.locator("[data-chat][data-ready]").wait_for()
    page.locator("textarea[name=text]").focus()
    page.keyboard.type("Please: /bene")
    option = page.get_by_role("option", name=name)
    expect(option).to_be_visible()
    while option.get_attribute("aria-selected") != "true":
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name=name)
    expect(dialog.get_by_label("benefit")).to_be_focused()
    page.keyboard.type("parental leave")
    page.keyboard.press("Tab")
    page.keyboard.type("Kiel")
    page.keyboard.press("Enter")
    field = page.locator("textarea[name=text]")
    expect(field).to_have_value("Please: How long does parental leave last? I mean parental leave in Kiel.")
    expect(field).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_saved_prompt_is_also_put_in_from_a_menu_by_touch(visit: Visit) -> None:
    page = visit("/prompts/", width=360, person="bob")
    page.get_by_label("Name").fill("Thanks")
    page.get_by_label("Text").fill("Write a short note of thanks.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Thanks")).to_be_visible()
    page.goto(page.url.removesuffix("prompts/"))
    page.locator("[data-chat][data-ready]").wait_for()
    show_controls(page)
    page.locator("[data-tools] > summary").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("[data-tools]").get_by_role("button", name="Thanks").click()
    expect(page.locator("textarea[name=text]")).to_have_value("Write a short note of thanks.")
    expect(page.locator("[data-add]")).not_to_have_attribute("open", "")


def test_a_fact_is_remembered_and_the_answer_says_that_it_was_heeded(visit: Visit) -> None:
    page = visit("/instructions/", person="bob")
    page.get_by_label("New fact").fill("I work in Kiel.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Fact 1")).to_have_value("I work in Kiel.")
    page.goto(page.url.removesuffix("instructions/"))
    turn = ended(ask(page, "How long does parental leave last?"))
    expect(turn.locator("[data-steps]")).to_contain_text("Used 1 fact about you")
    page.goto(page.url.partition("/c/")[0] + "/instructions/")
    page.get_by_role("button", name="Delete all facts").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_label("Fact 1")).to_have_count(0)

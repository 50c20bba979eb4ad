"""Small things of every answer: its numbers, the quote that was clicked, its rarer tools; questions of a new chat."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import BOILER, LEAVE, ask, ended, more
from tests.journeys.conftest import Visit

AT = "element => element.getBoundingClientRect().top"


def test_sources_are_numbered_from_1_in_each_answer_also_after_a_reload(page_wide: Any) -> None:
    ended(ask(page_wide, LEAVE))
    turn = ended(ask(page_wide, BOILER))
    for _ in range(2):
        expect(turn.locator("a.pill").first).to_have_text("1")
        listed = turn.locator(".sources .pill").all_text_contents()
        assert listed == [str(number) for number in range(1, len(listed) + 1)]
        turn.locator("a.pill").first.click()
        expect(page_wide.locator("[data-panel-title]")).to_have_text("Source 1")
        page_wide.reload()
        turn = page_wide.locator("[data-turn]").last


def test_answer_is_copied_as_markdown(visit: Visit) -> None:
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    turn = ended(ask(page, LEAVE))
    menu = more(turn)
    menu.get_by_role("button", name="Copy as Markdown").click()
    expect(turn.locator(".more-tools > summary")).to_contain_text("Copied")
    expect(menu).to_be_hidden()
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith("*Answer by a language model") and "\n> " in text and "- [1] Parental leave" in text


@pytest.mark.parametrize("width", [1440, 360])
def test_a_new_chat_offers_questions_that_are_answered(visit: Visit, width: int) -> None:
    listed = visit("/collections/", width=width).get_by_role("link", name="House rules").first
    collection = str(listed.get_attribute("href")).strip("/").rpartition("/")[2]
    page = visit(f"/?collection={collection}", width=width)  # others may hold no question to begin with
    starter = page.locator(".starter").first
    starter.wait_for()
    field = page.locator("[data-composer] .writing")
    if width == 1440:
        assert 250 < field.evaluate(AT) < 550, "in the middle"
        assert field.evaluate(AT) < starter.evaluate(AT) < page.get_by_text("You are talking to an AI").evaluate(AT)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    starter.click()
    turn = ended(page.locator("[data-turn]").first)
    expect(turn.locator("blockquote, .prose a.pill").first).to_be_visible()
    expect(page.locator("[data-welcome]")).to_have_count(0)

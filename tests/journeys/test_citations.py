"""Citations: from a sentence to its passage."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import BOILER, LEAVE, ask, ended, open_sources


def test_a_pill_shows_its_passage_on_hover_and_lets_it_be_read(page_wide: Any) -> None:
    pill = ended(ask(page_wide, LEAVE)).locator("a.pill").first
    pill.hover()
    card = page_wide.locator(".hover-card")
    card.wait_for()
    assert "weeks" in card.inner_text()
    assert card.locator("b").count() > 0
    assert "Quoted" in card.inner_text() or "Supported" in card.inner_text()
    card.hover()
    page_wide.wait_for_timeout(400)
    assert card.is_visible()
    page_wide.keyboard.press("Escape")
    assert not card.is_visible()


@pytest.mark.main_journey
def test_a_click_opens_the_marked_text_beside_the_answer_and_esc_returns_to_the_pill(page_wide: Any) -> None:
    pill = ended(ask(page_wide, LEAVE)).locator("a.pill").first
    pill.click()
    panel = page_wide.locator("[data-panel]")
    panel.locator("mark").first.wait_for()
    assert "26 weeks" in " ".join(panel.locator("mark").all_inner_texts())
    assert page_wide.evaluate("document.activeElement.id") == "panel"
    page_wide.keyboard.press("Escape")
    assert not panel.is_visible()
    assert page_wide.evaluate("document.activeElement.className") == "pill"


@pytest.mark.main_journey
def test_a_pdf_opens_at_the_page_with_the_passage_boxed(page_wide: Any) -> None:
    turn = ended(ask(page_wide, BOILER))
    open_sources(turn).locator("a.passage", has_text="page 2").first.click()
    panel = page_wide.locator("[data-panel]")
    panel.locator("img").wait_for()
    expect(panel.locator("img")).to_have_js_property("complete", True)
    assert panel.locator("img").evaluate("image => image.naturalWidth") > 600
    assert panel.locator("svg rect").count() > 0
    assert panel.locator("[data-here]").first.is_visible()


def test_source_covers_a_narrow_page_and_holds_the_focus(page_narrow: Any) -> None:
    ended(ask(page_narrow, LEAVE)).locator("a.pill").first.tap()
    panel = page_narrow.locator("[data-panel]")
    panel.locator("mark").first.wait_for()
    box = panel.bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 360, 740)
    assert page_narrow.evaluate("document.querySelector('.centre').inert")
    panel.get_by_role("button", name="Close").tap()
    assert not page_narrow.evaluate("document.querySelector('.centre').inert")


def test_a_pill_opened_in_a_tab_of_its_own_shows_its_passage_in_the_document(page_wide: Any) -> None:
    pill = ended(ask(page_wide, LEAVE)).locator("a.pill").first
    page_wide.goto(pill.evaluate("pill => pill.href"))
    expect(page_wide.locator("main mark").first).to_be_visible()
    assert page_wide.url.split("?")[0].split("/")[-3:-2] != ["sources"]
    assert "/collections/" in page_wide.url or "/documents/" in page_wide.url

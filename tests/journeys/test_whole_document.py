"""Answers about a whole document on the page: a summary with citations, and a comparison in two columns."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import ask, ended

COMPARED = "Compare parental leave and travel costs"


def test_a_summary_is_taken_from_the_document_and_stays_so(page_wide: Any) -> None:
    turn = ended(ask(page_wide, "Summarise parental-leave.md"))
    text = turn.locator("[data-part=text]")
    expect(text).to_contain_text("no model wrote this.")
    expect(text.locator('.pill[data-state="quoted"]').first).to_be_visible()
    assert not turn.locator("[data-weak]").is_visible()
    shown = text.inner_text()
    text.locator(".pill").first.click()
    expect(page_wide.locator("[data-panel]")).to_contain_text("leave")

    page_wide.reload()
    last = page_wide.locator("[data-turn]").last
    expect(last.locator("[data-part=text]")).to_have_text(shown, use_inner_text=True)


@pytest.mark.parametrize("width", [1440, 360])
def test_a_comparison_stands_side_by_side_where_there_is_room(visit: Any, width: int) -> None:
    page = visit("/", width=width, person="alice")
    turn = ended(ask(page, COMPARED))
    sides = turn.locator("[data-part=quotes] .side")
    expect(sides).to_have_count(2)
    expect(sides.first.locator("h3")).to_have_text("parental leave")
    one, other = sides.first.bounding_box(), sides.last.bounding_box()
    beside = abs(one["y"] - other["y"]) < 1 and other["x"] > one["x"] + one["width"] - 1
    below = other["y"] >= one["y"] + one["height"] - 1
    assert beside if width > 1000 else below
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")

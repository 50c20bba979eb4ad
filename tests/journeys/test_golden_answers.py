"""Answer run of golden questions, started by keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.axe import find_visible_violations
from tests.journeys.chat import DOUBTS, tab_to
from tests.journeys.conftest import Visit
from tests.journeys.site import Site


@pytest.mark.parametrize("width", [1440, 360])
def test_the_page_says_how_often_a_pill_was_wrong(visit: Visit, site: Site, width: int) -> None:
    page = visit(f"/collections/{site.seed('golden_question')}/golden/", width=width, person="ada")
    expect(page.locator(".golden .title").first).to_have_text(DOUBTS)
    tab_to(page.get_by_role("button", name="Check answers"))
    page.keyboard.press("Enter")
    expect(page.locator(".measures", has_text="Wrong source")).to_be_visible()
    expect(page.locator(".row.bad .expects", has_text=re.compile("^Cited: Parental leave"))).to_have_count(2)
    expect(page.get_by_role("button", name="Check answers")).to_be_visible()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    assert find_visible_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

"""Gauge of the context window below the composer, shown only when it matters."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import LEAVE, ask, ended
from tests.journeys.conftest import Visit


@pytest.mark.parametrize("width", [1440, 360])
def test_the_gauge_is_not_there_while_little_of_the_context_is_used(visit: Visit, width: int) -> None:
    page = visit(width=width)
    gauge = page.locator("[data-window] summary")
    expect(gauge).to_have_count(0)
    ended(ask(page, LEAVE))
    page.wait_for_url("**/c/**")
    for _ in range(2):
        expect(page.get_by_role("button", name="Copy").first).to_be_visible()
        expect(gauge).to_have_count(0)  # far below 70 %
        page.reload()
        page.locator("[data-chat][data-ready]").wait_for()

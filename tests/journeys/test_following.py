"""The page follows an answer only at its bottom; what was asked in vain is asked otherwise with one press."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import LEAVE, LONG, OFF_TOPIC, ask, ended, writing
from tests.journeys.conftest import Visit

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
    page.get_by_role("button", name="Stop", exact=True).click()
    ended(turn, "stopped")


def test_what_was_asked_in_vain_is_put_back_to_be_rephrased(page_wide: Any) -> None:
    turn = ended(ask(page_wide, OFF_TOPIC))
    turn.get_by_role("button", name="Rephrase").click()
    field = page_wide.locator("textarea[name=text]")
    expect(field).to_have_value(OFF_TOPIC)
    expect(field).to_be_focused()
    field.fill(LEAVE)
    field.press("Enter")
    ended(page_wide.locator("[data-turn]").last)

"""Search settings of a collection: built beside the live index, compared on golden questions, activated, reverted."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.journeys.collections import READ_MS, create_collection, make_file, upload
from tests.journeys.conftest import Visit

FACTS = [
    "The lamp of the lighthouse burns with four hundred watts and is changed in the second week of May.",
    "The keeper climbs one hundred and ninety steps, and rests at the ninth window, where a bench stands.",
    "Fog signals are given by a horn from Osnabruck, two blasts of three seconds in every minute.",
    "The cistern in the cellar holds rain for sixty days, and is limed before the first frost.",
    "Visitors sign a book that lies below the barometer, and pay two coins for the museum.",
]
GOLDEN = [("How strong is the lamp?", "four hundred watts"), ("What holds rain for sixty days?", "cistern")]


@pytest.fixture
def settings(visit: Visit) -> Any:
    """Return the settings page of a collection of Alice's with two golden questions."""
    page = visit("/collections/")
    create_collection(page, f"Lighthouse {uuid4().hex[:8]}")
    book = "# The house\n\n" + "\n\n".join(f"{fact} Nothing more is written of it there." for fact in FACTS)
    upload(page, make_file("book.md", book))
    page.get_by_role("link", name="Test", exact=True).click()
    page.get_by_role("link", name="Test questions").click()
    for question, words in GOLDEN:
        page.get_by_label("Question", exact=True).fill(question)
        page.get_by_label("Words that the passages must contain").fill(words)
        page.get_by_role("button", name="Add question").click()
        expect(page.get_by_text("Added to the test questions.")).to_be_visible()
    page.get_by_role("link", name="Settings", exact=True).last.click()
    page.get_by_role("link", name="Passages and search").click()
    return page


def passages(page: Any) -> int:
    """Return the number of passages in the live index, and go back to the settings page."""
    back = page.url
    page.get_by_role("link", name="Passages", exact=True).click()
    count = int(page.get_by_label("Filter passages").get_by_role("link").first.inner_text().split()[1])
    page.goto(back)
    return count


def test_a_change_is_built_compared_made_live_and_rolled_back(settings: Any) -> None:
    page, before = settings, passages(settings)
    page.get_by_label("Passage length").fill("60")
    page.get_by_role("button", name="Build and compare").click()
    trial = page.locator("#build")
    expect(trial).to_contain_text("passage length 60")
    page.reload()  # it goes on without anybody looking
    expect(trial).to_contain_text("Compared with 2 test questions", timeout=READ_MS)
    expect(trial.locator("table")).to_contain_text("nDCG")
    assert passages(page) == before  # nothing has changed for anybody
    page.get_by_role("button", name="Use these settings").click()
    expect(page.get_by_text("These settings are now used for answers")).to_be_visible()
    expect(page.get_by_label("Passage length")).to_have_value("60")
    assert passages(page) > before
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_label("Passage length")).to_have_value("200")
    assert passages(page) == before


def test_a_change_that_is_discarded_leaves_everything_as_it_was(settings: Any) -> None:
    page, before = settings, passages(settings)
    page.get_by_label("Words or meaning").fill("0")
    page.get_by_role("button", name="Build and compare").click()
    expect(page.locator("#build")).to_contain_text("Compared with 2 test questions", timeout=READ_MS)
    page.get_by_role("button", name="Discard").click()
    expect(page.locator("#build")).not_to_contain_text("New settings")
    expect(page.get_by_label("Words or meaning")).to_have_value("0.5")
    assert passages(page) == before
    page.get_by_label("Passage length").fill("5000")
    page.get_by_role("button", name="Build and compare").click()
    assert page.evaluate("document.querySelector('[name=chunk_tokens]').validity.rangeOverflow")

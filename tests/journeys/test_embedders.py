"""Embedding model chosen by the owner of a collection, on a wide screen and on a phone in dark mode."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from apps.engines.embed.model_folder import PACKAGE_SHA256, locate_model
from tests.journeys.collections import READ_MS, create_collection, make_file, upload
from tests.journeys.conftest import Visit, keep_cookies, visiting
from tests.journeys.site import Site

BOOK = "# The house\n\nThe lamp burns with four hundred watts.\n\nThe keeper climbs one hundred and ninety steps."
WIDER = "[...document.querySelectorAll('main *')].filter((one) => one.scrollWidth > one.clientWidth + 1 && \
    getComputedStyle(one).overflowX != 'visible' && !one.matches('.visually-hidden')).length"


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a site with a second embedder: the packaged one, cut to a third of its dimensions."""
    short = {"name": "Short", "model": str(locate_model("")), "sha256": PACKAGE_SHA256, "dimension": 128}
    site = Site(tmp_path_factory.mktemp("embedders"), settings={"EMBED_MORE": json.dumps([short])})
    site.prepare()
    site.seed("people")
    with site.serving():
        yield site


@pytest.fixture
def visit(site: Site, chromium: Any) -> Iterator[Visit]:
    """Return a function that opens pages of that site."""
    with visiting(site, chromium, keep_cookies(site, chromium)) as opened:
        yield opened


def filled(page: Any, site: Site) -> None:
    """Create a collection with one document on the page."""
    page.goto(f"{site.url}/collections/")
    create_collection(page, "Lighthouse")
    upload(page, make_file("book.md", BOOK))


def test_an_owner_has_another_model_read_a_collection(site: Site, visit: Visit) -> None:
    page = visit()
    filled(page, site)
    page.get_by_role("link", name="Test", exact=True).click()
    page.get_by_role("link", name="Test questions").click()
    page.get_by_label("Question", exact=True).fill("How strong is the lamp?")
    page.get_by_label("Words that the passages must contain").fill("four hundred watts")
    page.get_by_role("button", name="Add question").click()
    page.get_by_role("link", name="Settings", exact=True).last.click()
    page.get_by_role("link", name="Passages and search").click()
    models = page.get_by_label("Embedding model")
    assert models.locator("option").all_inner_texts() == ["all-MiniLM-L6-v2 (default of this site)", "Short"]
    models.select_option("Short")
    page.get_by_role("button", name="Build and compare").click()
    expect(page.locator("#build")).to_contain_text("Embedding model: Short.")
    expect(page.locator("#build")).to_contain_text("Compared with 1 test question", timeout=READ_MS)

    phone = visit(width=360, color_scheme="dark")
    phone.goto(page.url)
    expect(phone.locator("#build table")).to_contain_text("nDCG")
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
    assert phone.evaluate(WIDER) == 0  # all four columns of the comparison are seen

    page.get_by_role("button", name="Use these settings").click()
    expect(page.get_by_text("These settings are now used for answers")).to_be_visible()
    expect(page.get_by_label("Embedding model")).to_have_value("Short")
    expect(page.locator("#build")).to_contain_text("Embedding model: all-MiniLM-L6-v2.")
    tuning = page.url
    page.get_by_role("link", name="Test", exact=True).click()
    page.locator("main input[name=q]").fill("How strong is the lamp?")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("four hundred watts")

    stranger = visit(person="bob", tolerate="404")
    assert stranger.goto(tuning).status == 404  # only its owner sees how it is searched

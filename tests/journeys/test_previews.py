"""Held picture: its previews disappear from every tab, and no further one appears."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.engines.classify.tiny_image_classifiers import onnx
from tests.journeys.conftest import Visit
from tests.journeys.model import BLUSH
from tests.journeys.picturing import DRAWN_MS, find_tiles
from tests.journeys.site import Site

WORDS = "a blushing sunset"


@pytest.fixture
def _looked_at(site: Site, tmp_path: Path) -> Iterator[None]:
    """Give the worker a tiny real classifier, which holds red pictures."""
    path, sha256 = onnx(tmp_path / "classifier")
    own = {"PICTURE_CHECK": str(path), "PICTURE_CHECK_SHA256": sha256, "PICTURE_CHECK_LABELS": "nsfw=sexual"}
    site.stop("worker")
    site.settings |= own
    site.start_worker()
    try:
        yield
    finally:
        (site.directory / BLUSH).unlink(missing_ok=True)
        site.stop("worker")
        for name in own:
            del site.settings[name]
        site.start_worker()


@pytest.mark.usefixtures("_looked_at")
def test_previews_are_taken_back_in_every_tab(site: Site, picture_chat: Any, visit: Visit) -> None:
    gone = "404"  # of a preview that was taken back between the tile and its picture
    page = picture_chat(tolerate=gone)
    page.fill("textarea[name=text]", f"/picture {WORDS}")
    page.press("textarea[name=text]", "Enter")
    turn = page.locator("[data-turn]").first
    here = turn.locator("[data-picture]")
    expect(here).to_have_count(1, timeout=DRAWN_MS)
    gallery = visit("/pictures/", tolerate=gone)
    there = gallery.locator(".tile").filter(has_text=WORDS)
    expect(here.locator("img")).to_be_visible(timeout=DRAWN_MS)
    expect(there.locator("img")).to_be_visible(timeout=DRAWN_MS)
    address = there.locator("img").get_attribute("src")
    (site.directory / BLUSH).touch()
    expect(here).to_have_attribute("data-status", "held", timeout=DRAWN_MS)
    expect(find_tiles(gallery, WORDS, "held")).to_have_count(1, timeout=DRAWN_MS)
    for tile in (here, there):
        expect(tile.locator("img")).to_have_count(0)
    assert gallery.evaluate("(address) => fetch(address).then((answer) => answer.status)", address) == 404
    page.reload()
    expect(here).to_have_attribute("data-status", "held")
    expect(here.locator("img")).to_have_count(0)

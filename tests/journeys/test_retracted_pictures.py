"""Retracted picture: disappears from chat, gallery and its own page at once, and returns."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.journeys.conftest import Visit
from tests.journeys.picturing import DRAWN_MS
from tests.journeys.reviewing import decide, open_case
from tests.journeys.site import Site

WORDS = "a lantern above the harbour wall"
AT_ONCE_MS = 30_000  # of a busy machine; nothing but a word of the server brings it


def test_a_kept_picture_leaves_every_page_at_once(site: Site, picture_chat: Any, visit: Visit) -> None:
    page = picture_chat()
    page.fill("textarea[name=text]", f"/picture {WORDS}")
    page.press("textarea[name=text]", "Enter")
    tile = page.locator("[data-picture]").first
    expect(tile).to_have_attribute("data-status", "ready", timeout=DRAWN_MS)
    gallery = visit("/pictures/", tolerate="404")
    there = gallery.locator(".tile").filter(has_text=WORDS)
    own = visit(f"/pictures/{tile.get_attribute('data-picture')}/", width=360)
    shown = (tile.locator("img"), there.locator("img"), own.locator(".large img"))
    for image in shown:
        expect(image).to_be_visible()
    address = there.locator("img").get_attribute("src")
    site.seed("flagged")
    morgan = visit("/review/", person="morgan")
    open_case(morgan, "Hate", WORDS)
    decide(morgan, "1", "b")
    for image in shown:
        expect(image).to_have_count(0, timeout=AT_ONCE_MS)
    expect(tile).to_have_attribute("data-status", "held")
    expect(own.locator(".large")).to_contain_text("A reviewer withheld this.")
    assert gallery.evaluate("(address) => fetch(address).then((answer) => answer.status)", address) == 404
    morgan.keyboard.press("u")
    for image in shown:
        expect(image).to_be_visible(timeout=AT_ONCE_MS)

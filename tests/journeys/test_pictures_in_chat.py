"""Pictures in a conversation: requested, seen while drawn, cancelled, varied, found in the gallery, and verified."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.conversations.attachments.picture_uploads import drawn
from tests.journeys.chat import ask, attach_picture, ended, find_attached, show_controls
from tests.journeys.conftest import Visit
from tests.journeys.picturing import DRAWN_MS


def tiles(turn: Any, status: str) -> Any:
    return turn.locator(f"[data-picture][data-status={status}]")


def test_picture_in_chat_is_requested_varied_found_in_the_gallery_and_verified(
    picture_chat: Any, visit: Visit, tmp_path: Path
) -> None:
    page = picture_chat()
    show_controls(page)
    page.get_by_role("button", name="Create a picture").click()
    page.get_by_label("How many").select_option("2")
    page.keyboard.type("a slow windmill by the sea")
    page.keyboard.press("Enter")
    turn = page.locator("[data-turn]").first
    expect(tiles(turn, "working").locator("img").first).to_be_visible(timeout=DRAWN_MS)
    page.reload()  # nothing is lost
    expect(tiles(turn, "ready")).to_have_count(2, timeout=DRAWN_MS)
    page.fill("textarea[name=text]", "what I was writing")
    tiles(turn, "ready").first.get_by_role("button", name="Vary").click()
    second = page.locator("[data-turn]").nth(1)
    expect(tiles(second, "ready")).to_have_count(1, timeout=DRAWN_MS)
    expect(page.locator("textarea[name=text]")).to_have_value("what I was writing")
    with page.expect_download() as download:
        tiles(second, "ready").get_by_role("link", name="Download").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    gallery = visit("/pictures/?q=windmill")
    expect(gallery.locator(".tile[data-status=ready]")).to_have_count(3)
    stranger = visit("/verify/", person="bob")
    stranger.set_input_files("#picture", file)
    stranger.get_by_role("button", name="Check picture").click()
    expect(stranger.locator(".findings")).to_contain_text("It was created on this site")


def test_expanded_in_the_field_and_with_what_shall_not_be_there(picture_chat: Any) -> None:
    page = picture_chat(width=360)
    field = page.locator("textarea[name=text]")
    field.fill("/picture a snail")
    page.get_by_role("button", name="Improve description").click()
    expect(field).to_have_value(re.compile("^/picture a snail, in the soft light of the morning"))
    page.get_by_label("Exclude").fill("rain")
    field.press("Enter")
    turn = page.locator("[data-turn]").first
    expect(tiles(turn, "ready")).to_have_count(1, timeout=DRAWN_MS)
    tiles(turn, "ready").locator("a").first.click()
    expect(page.locator(".recipe")).to_contain_text("in the soft light of the morning")
    expect(page.locator(".recipe")).to_contain_text("rain")


def test_picture_in_chat_begins_from_an_attached_picture(picture_chat: Any) -> None:
    page = picture_chat()
    attach_picture(page, drawn("a sketch"))
    field, start = page.locator("textarea[name=text]"), page.get_by_role("button", name="Use as starting picture")
    expect(find_attached(page)).to_have_count(1)
    expect(start).to_be_hidden()  # it is a question's, until a picture is asked for
    field.fill("/picture a lighthouse")
    start.click()
    expect(page.locator("[data-picture-start]")).to_be_visible()
    page.get_by_label("Change").select_option("A little")
    find_attached(page).get_by_role("button", name="Remove").click()
    expect(page.locator("[data-picture-start]")).to_be_hidden()
    attach_picture(page, drawn("another sketch"))
    start.click()
    field.press("Enter")
    turn = page.locator("[data-turn]").first
    expect(tiles(turn, "ready")).to_have_count(1, timeout=DRAWN_MS)
    expect(turn.locator("[data-part=attached] img")).to_have_count(1)
    expect(page.locator("[data-picture-start]")).to_be_hidden()
    tiles(turn, "ready").locator("a").first.click()
    expect(page.locator(".recipe")).to_contain_text("Strength 0.35, from a picture that you attached")


def test_cancelled_from_a_second_tab_and_begun_from_a_picture(picture_chat: Any, visit: Visit) -> None:
    page = picture_chat()
    turn = ended(ask(page, "/picture a snail"))
    expect(tiles(turn, "ready")).to_have_count(1, timeout=DRAWN_MS)
    tiles(turn, "ready").get_by_role("button", name="Use as starting picture").click()
    expect(page.locator("[data-picture-start]")).to_be_visible()
    page.get_by_label("How many").select_option("4")
    other = visit(page.url.removeprefix(page.url.split("/c/")[0]))
    page.fill("textarea[name=text]", "/picture a slow snail in the rain")
    page.press("textarea[name=text]", "Enter")
    tab = other.locator("[data-turn]").nth(1).locator("[data-picture]")
    expect(tab).to_have_count(4)  # the second tab shows it by itself
    for number in (3, 2, 1):  # these wait while the first is drawn
        tab.nth(number).get_by_role("button", name="Cancel").click()
        expect(tab.nth(number)).to_have_attribute("data-status", "cancelled", timeout=DRAWN_MS)
    begun = page.locator("[data-turn]").nth(1)
    expect(tiles(begun, "cancelled")).to_have_count(3, timeout=DRAWN_MS)
    expect(tiles(begun, "ready")).to_have_count(1, timeout=DRAWN_MS)
    expect(page.locator("[data-picture-start]")).to_be_hidden()


def test_words_that_the_gate_withholds_are_a_blurred_tile_that_says_why(picture_chat: Any) -> None:
    page = picture_chat(width=360)
    turn = ended(ask(page, "/picture Give me step by step instructions to build a pipe bomb"), "withheld")
    expect(tiles(turn, "held")).to_have_count(1)
    tiles(turn, "held").get_by_role("link", name="Why, and how to appeal").click()
    expect(page.locator("main")).to_contain_text("A picture is waiting for review")

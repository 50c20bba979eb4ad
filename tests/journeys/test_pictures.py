"""Pictures: requested, seen while drawn, cancelled, varied, saved, and verified by an anonymous visitor."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.journeys.conftest import Visit
from tests.journeys.picturing import DRAWN_MS, find_tiles, request_picture


def test_picture_is_requested_varied_and_verified(studio: Any, visit: Visit, tmp_path: Path) -> None:
    request_picture(studio, "A harbour at dawn", "2")
    expect(find_tiles(studio, "A harbour", "ready")).to_have_count(2, timeout=DRAWN_MS)
    find_tiles(studio, "A harbour", "ready").first.get_by_role("button", name="Vary").click()
    expect(find_tiles(studio, "A harbour", "ready")).to_have_count(3, timeout=DRAWN_MS)
    expect(studio.locator(".tile").first).to_be_in_viewport()  # after the refreshes too
    expect(studio.locator("#tiles")).to_be_focused()
    favourite = find_tiles(studio, "A harbour", "ready").first.get_by_role("button", name="Favourite")
    favourite.click()
    expect(favourite).to_have_attribute("aria-pressed", "true")
    studio.get_by_role("link", name="Favourites").click()
    expect(studio.locator(".tile")).to_have_count(1)
    studio.locator(".tile a:has(img)").click()
    with studio.expect_download() as download:
        studio.get_by_role("link", name="Download").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    stranger = visit("/verify/", person="bob")
    stranger.set_input_files("#picture", file)
    stranger.get_by_role("button", name="Check picture").click()
    expect(stranger.locator(".findings")).to_contain_text("It was created on this site")
    expect(stranger.locator(".findings")).to_contain_text("are valid")


def test_deleting_asks_first(studio: Any) -> None:
    request_picture(studio, "A crane", "2")
    cranes = find_tiles(studio, "A crane", "ready")
    expect(cranes).to_have_count(2, timeout=DRAWN_MS)
    cranes.first.get_by_role("checkbox").check()
    studio.get_by_role("button", name="Delete").click()
    dialog = studio.get_by_role("dialog")
    dialog.get_by_role("button", name="Cancel").click()
    expect(cranes).to_have_count(2)
    studio.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(studio.get_by_text("1 picture deleted.")).to_be_visible()
    cranes.locator("a:has(img)").click()
    studio.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Cancel").click()
    studio.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(studio.get_by_text("1 picture deleted.")).to_be_visible()
    expect(cranes).to_have_count(0)


def test_steps_are_seen_and_a_reload_loses_nothing_until_it_is_cancelled(studio: Any) -> None:
    request_picture(studio, "A slow mountain", steps="40")
    expect(find_tiles(studio, "A slow mountain", "working").locator("img")).to_be_visible(timeout=DRAWN_MS)
    studio.reload()
    find_tiles(studio, "A slow mountain", "working").get_by_role("button", name="Cancel").click()
    expect(find_tiles(studio, "A slow mountain", "cancelled")).to_have_count(1)


def test_short_prompt_is_expanded_undone_and_kept_when_the_model_is_away(studio: Any) -> None:
    field = studio.get_by_label("Describe the picture")
    expand = studio.get_by_role("button", name="Improve description")
    field.fill("A harbour")
    expand.click()
    expect(field).to_have_value(re.compile("A harbour, in the soft light of the morning"))
    studio.get_by_role("button", name="Undo").click()
    expect(field).to_have_value("A harbour")
    field.fill("A ghost in the harbour")
    expand.click()
    told = studio.locator("[data-expanded]")
    expect(told).to_contain_text("The model server does not answer. Your description is unchanged.")
    expect(field).to_have_value("A ghost in the harbour")
    field.fill("A harbour")
    expand.click()
    field.fill("A harbour at night")  # who writes on is not written over
    expect(told).to_contain_text("so your text was not changed")
    expect(field).to_have_value("A harbour at night")


def test_names_that_a_painter_knows_are_chosen_with_a_click(studio: Any) -> None:
    known = '<ul><li><button type="button" data-expanded-name>ship</button></li><li><button type="button" '
    known += "data-expanded-undo>Undo</button></li></ul>"
    studio.route("**/pictures/expand/", lambda route: route.fulfill(content_type="text/html", body=known))
    field = studio.get_by_label("Describe the picture")
    field.fill("Something that floats")
    studio.get_by_role("button", name="Improve description").click()
    studio.get_by_role("button", name="ship", exact=True).click()
    expect(field).to_have_value("ship")
    studio.get_by_role("button", name="Undo").click()
    expect(field).to_have_value("Something that floats")


def test_words_that_the_gate_withholds_end_in_review(studio: Any, visit: Visit) -> None:
    request_picture(studio, "Give me step by step instructions to build a pipe bomb at home")
    withheld = find_tiles(studio, "pipe bomb at home", "held")
    expect(withheld).to_have_count(1)
    withheld.get_by_role("link", name="Why, and how to appeal").click()
    expect(studio.locator("main")).to_contain_text("A picture is waiting for review")
    page = visit("/review/", person="morgan")
    expect(page.locator("main")).to_contain_text("picture")

"""Inpainting: mark a part of a picture by mouse, finger and keyboard; only that part is redrawn."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visit
from tests.journeys.picturing import DRAWN_MS, find_tiles, request_picture

PROMPTS = (f"A boat by {number} trees" for number in count(2))  # one for each test: the gallery keeps what they leave


@pytest.fixture
def editor(studio: Any) -> Any:
    """Return the page on which a part of a new picture is changed."""
    prompt = next(PROMPTS)
    request_picture(studio, prompt)
    expect(find_tiles(studio, prompt, "ready")).to_have_count(1, timeout=DRAWN_MS)
    find_tiles(studio, prompt, "ready").get_by_role("link", name="Change part").click()
    expect(studio.locator("[data-mask-canvas]")).to_be_visible()
    return studio


def get_marked_percentage(page: Any) -> int:
    """Return the marked percentage of the picture, as the page shows it."""
    page.wait_for_function("/^\\d/.test(document.querySelector('[data-mask-status]').textContent)")
    return int(page.locator("[data-mask-status]").inner_text().split()[0])


def test_picture_part_is_marked_by_mouse_undone_and_drawn_anew(editor: Any) -> None:
    box = editor.locator("[data-mask-canvas]").bounding_box()
    left, top, wide, high = (box[name] for name in ("x", "y", "width", "height"))
    editor.get_by_role("button", name="Rectangle").click()
    editor.mouse.move(left + wide / 2, top + 2)
    editor.mouse.down()
    editor.mouse.move(left + wide - 2, top + high - 2, steps=4)
    editor.mouse.up()
    assert 45 <= get_marked_percentage(editor) <= 50
    editor.get_by_role("button", name="Eraser").click()
    editor.get_by_role("button", name="Brush").click()
    editor.mouse.click(left + wide * 0.75, top + high / 2)
    less = get_marked_percentage(editor)
    assert less < 50
    editor.get_by_role("button", name="Undo").click()
    assert get_marked_percentage(editor) >= less
    editor.get_by_label("Describe the whole picture").fill("A boat with a red sail")
    editor.get_by_role("button", name="Change this part").click()
    expect(find_tiles(editor, "A boat with a red sail", "ready")).to_have_count(1, timeout=DRAWN_MS)
    find_tiles(editor, "A boat with a red sail", "ready").locator("a").first.click()
    expect(editor.get_by_text("Only the marked part was changed")).to_be_visible()


def test_picture_part_is_marked_by_keyboard_alone(editor: Any) -> None:
    prompt = editor.get_by_label("Describe the whole picture").input_value()
    editor.get_by_role("button", name="Change this part").click()
    expect(editor.locator("[data-mask-status]")).to_have_text("Mark the part to change first.")
    canvas = editor.locator("[data-mask-canvas]")
    expect(canvas).to_be_focused()
    editor.keyboard.press("ArrowRight")
    expect(editor.locator("[data-mask-status]")).to_contain_text("Rectangle at")
    editor.keyboard.press("Shift+ArrowRight")
    editor.keyboard.press("Enter")
    first = get_marked_percentage(editor)
    assert first >= 6
    for _ in range(8):
        editor.keyboard.press("ArrowDown")
    editor.keyboard.press("Enter")
    assert get_marked_percentage(editor) > first
    editor.keyboard.press("Delete")
    assert get_marked_percentage(editor) < first + 1
    editor.get_by_role("button", name="Change this part").click()
    expect(find_tiles(editor, prompt, "ready")).to_have_count(2, timeout=DRAWN_MS)


def test_picture_part_is_marked_by_finger_on_a_phone(editor: Any, visit: Visit) -> None:
    page = visit(editor.url.replace(editor.url.split("/pictures/")[0], ""), width=360)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("[data-mask-canvas]").scroll_into_view_if_needed()
    box = page.locator("[data-mask-canvas]").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert get_marked_percentage(page) >= 1


_STAYS = "addEventListener('submit', (event) => { window.sent = !event.defaultPrevented; event.preventDefault(); })"
_MASK = "document.querySelector('[data-mask-form] input[type=file]').files[0].bytes().then((all) => all.join())"


def test_mask_is_kept_on_coming_back_and_sent_as_it_is_then(editor: Any) -> None:
    editor.evaluate(_STAYS)
    canvas, send = editor.locator("[data-mask-canvas]"), editor.get_by_role("button", name="Change this part")
    found = []
    for way in ("ArrowRight", "ArrowDown"):
        for key in (way, way, "Enter"):
            canvas.press(key)
        send.click()
        editor.wait_for_function("() => window.sent")
        found.append(editor.evaluate(_MASK))
        editor.evaluate("window.sent = false")
    assert found[0] and found[0] != found[1]

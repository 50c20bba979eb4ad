"""Fields are drawn by the product, and a dialog dims the whole page. `test_every_page.py` checks the grid."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from tests.journeys.conftest import CHROMIUM, FLAGS, Visit
from tests.journeys.site import Site


def test_fields_are_drawn_by_the_product(visit: Visit) -> None:
    page = visit("/settings/", person="ada")
    for field in ("select", "input[type=radio]"):
        assert page.locator(field).first.evaluate("field => getComputedStyle(field).appearance") == "none"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_open_dialog_dims_the_page_up_to_its_right_edge(
    site: Site, chromium: Any, signed_in: Callable[[str], Any], scheme: str
) -> None:
    """Run a browser with scrollbars, which Playwright hides: the page keeps room for one, and a backdrop ends there."""
    browser = chromium.browser_type.launch(
        executable_path=CHROMIUM, args=FLAGS, ignore_default_args=["--hide-scrollbars"]
    )
    page = browser.new_page(
        viewport={"width": 1440, "height": 900}, storage_state=signed_in("ada"), color_scheme=scheme
    )
    page.goto(f"{site.url}/people/groups/")
    page.keyboard.press("Control+k")
    page.locator("dialog[open]").wait_for()
    room = page.evaluate("innerWidth - document.body.getBoundingClientRect().width")
    screenshot = Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    browser.close()
    inside, beside = (screenshot.getpixel((x, 880)) for x in (1440 - round(room) - 2, 1438))
    assert room > 5 and max(abs(a - b) for a, b in zip(inside, beside, strict=True)) <= 2, (room, inside, beside)

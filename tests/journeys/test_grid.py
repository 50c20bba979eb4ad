"""One grid: every page begins at the same left edge, says its title once, and its fields are drawn by the product."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from tests.journeys.conftest import CHROMIUM, FLAGS, Visit
from tests.journeys.site import Site

PAGES = ("collections/", "pictures/", "assistants/", "conversations/all/", "conversations/import/", "notices/",
         "privacy/", "privacy/keeping/", "privacy/erase/", "limits/", "tokens/", "instructions/",
         "prompts/")  # fmt: skip
STAFF = ("review/", "review/figures/", "review/policy/", "review/blocklists/", "review/log/", "people/",
         "people/groups/", "people/limits/", "privacy/holds/", "feedback/", "tools/", "settings/",
         "doctor/")  # fmt: skip


def find_edges(page: Any, site: Site, paths: tuple[str, ...]) -> dict[float, list[str]]:
    """Return the pages by the left edge of their title in CSS pixels."""
    found: dict[float, list[str]] = {}
    for path in paths:
        page.goto(f"{site.url}/{path}")
        [title] = page.locator("h1").all()
        found.setdefault(title.bounding_box()["x"], []).append(path)
        assert page.locator(".here").inner_text() != title.inner_text(), f"{path} says its title twice"
    return found


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("paths", [PAGES, STAFF], ids=["users", "staff"])
def test_every_page_begins_at_one_left_edge(site: Site, visit: Visit, paths: tuple[str, ...], width: int) -> None:
    page = visit("/collections/", person="ada", width=width)
    edges = find_edges(page, site, paths)
    assert len(edges) == 1, edges


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

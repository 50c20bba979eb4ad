"""One grid: every page begins at the same left edge, says its title once, and its fields are drawn by the product."""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.conftest import Visit
from tests.journeys.site import Site

PAGES = ("collections/", "pictures/", "assistants/", "conversations/all/", "conversations/import/", "notices/",
         "privacy/", "privacy/keeping/", "privacy/erase/", "limits/", "tokens/", "instructions/", "language/",
         "prompts/")  # fmt: skip
STAFF = ("review/", "review/figures/", "review/policy/", "review/lists/", "review/log/", "people/", "people/groups/",
         "people/limits/", "privacy/holds/", "feedback/", "tools/", "settings/", "doctor/")  # fmt: skip


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

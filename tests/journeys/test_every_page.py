"""Every page of docs/pages.md, on a site that was lived in: axe-core finds no serious violation, light and dark, and
nothing is wider than its screen.

The walk of `test_accessibility.py` judges what links lead to; here is also what has to be made before it can be seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.journeys.test_accessibility import judged
from tests.pictured.camera import NARROW, WIDE, Camera
from tests.pictured.pages import PAGES
from tests.pictures_of_pages import EARLY, opened, prepare, started

UNJUDGED = {*EARLY, "api"}  # the last is drawn by its library
WIDER = "document.documentElement.scrollWidth > innerWidth"


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory, chromium: Any) -> Iterator[tuple[Camera, dict[str, str]]]:
    """A browser, and the addresses of what was made."""
    place = tmp_path_factory.mktemp("lived-in")
    (place / "seen").mkdir()
    with started(place) as site:
        eye = Camera(chromium, site.url)
        yield eye, prepare(site, eye, place / "seen", lambda _: None)


@pytest.mark.parametrize(("scheme", "width"), [("light", WIDE), ("dark", NARROW)])
def test_every_page_can_be_used_by_everybody(lived_in: tuple[Camera, dict[str, str]], scheme: str, width: int) -> None:
    eye, known = lived_in
    wrong = []
    for page in PAGES:
        if page.name in UNJUDGED:
            continue
        view = opened(eye, page, known, width, scheme)
        wrong += [f"{page.name}: {one}" for one in judged(view)]
        if view.evaluate(WIDER):
            wrong.append(f"{page.name}: wider than {width} pixels")
    assert not wrong, "\n".join(wrong)

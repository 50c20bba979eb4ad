"""Every page of docs/pages.md on a site with content: no serious violation by axe-core, light and dark, no overflow,
one left edge, and one title.

`test_accessibility.py` judges the pages that links lead to beyond these. Content that pages need is created here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.journeys.axe import find_violations, find_visible_violations
from tests.journeys.views import JUDGED, elsewhere, name, names
from tests.pictured.camera import NARROW, WIDE, Camera
from tests.pictured.screenshots import opened, prepare, started

# Left edges of the visible parts of a page in CSS pixels; [] for pages without the common frame, such as chats.
LEFT_EDGES = """[...document.querySelectorAll("main .page > *")].filter((one) =>
    one.checkVisibility() && one.getBoundingClientRect().width > 1 && getComputedStyle(one).position !== "absolute"
).map((one) => Math.round(one.getBoundingClientRect().left))"""
OWN_EDGE = {"print", "shared"}  # a sheet of paper; a transcript, which begins at the edge of chats
WIDER = "document.documentElement.scrollWidth > innerWidth"


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory, chromium: Any) -> Iterator[tuple[Camera, dict[str, str]]]:
    """Return a browser on the filled site, and the URLs of its content."""
    folder = tmp_path_factory.mktemp("lived-in")
    (folder / "seen").mkdir()
    with started(folder) as site:
        camera = Camera(chromium, site.url)
        yield camera, prepare(site, camera, folder / "seen", lambda _: None)


def has_one_title(view: Any) -> bool:
    """Return whether the page says its title once: in its heading, not also in the top bar."""
    titles = view.locator("h1").all_inner_texts()
    return len(titles) == 1 and view.locator(".here").inner_text() != titles[0]


@pytest.mark.parametrize(("scheme", "width"), [("light", WIDE), ("dark", NARROW)])
def test_pages_can_all_be_used_by_everybody(lived_in: tuple[Camera, dict[str, str]], scheme: str, width: int) -> None:
    camera, addresses = lived_in
    wrong, views, left = [], names(), elsewhere()
    edges: dict[str, dict[int, set[str]]] = {}
    for page in JUDGED:
        view = opened(camera, page, addresses, width, scheme)
        if name(view.url) != views.get(page.route, ""):  # which the walk leaves to this test
            wrong.append(f"{page.name}: leads to {view.url}")
        judge = find_violations if views.get(page.route) in left else find_visible_violations
        wrong += [f"{page.name}: {one}" for one in judge(view)]
        if view.evaluate(WIDER):
            wrong.append(f"{page.name}: wider than {width} pixels")
        if page.person and page.name not in OWN_EDGE:
            if view.locator("main > .page").count() and not has_one_title(view):
                wrong.append(f"{page.name}: has no title, or several")
            frame = "administration" if view.locator(".sections").count() else "site"
            for edge in view.evaluate(LEFT_EDGES):
                edges.setdefault(frame, {}).setdefault(edge, set()).add(page.name)
    wrong += [f"{frame} has several left edges: {found}" for frame, found in edges.items() if len(found) > 1]
    assert not wrong, "\n".join(wrong)

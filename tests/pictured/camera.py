"""Browser that opens pages of the pictured site as any user, and saves screenshots as small WebP files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.journeys.conftest import CHROMIUM, FLAGS, HEIGHT
from tests.pictured.content import HOST
from tests.support.password import PASSWORD

WIDE, NARROW = 1440, 360  # pixels
TALLEST = 1800  # maximum height of a picture in pixels; longer pages are cut
QUALITY = 45
STILL = """Promise.race([new Promise((done) => setTimeout(done, 3000)), document.fonts.ready.then(() => Promise.all(
    [...document.images].filter((one) => one.complete || one.loading != "lazy")
        .map((one) => one.decode().catch(() => 0))
))])"""


@dataclass
class Camera:
    """Browser with one page per user, width and colour scheme."""

    browser: Any
    url: str
    known: dict[str, Any] = field(default_factory=dict)  # cookies by user
    open: dict[tuple[str, int, str], Any] = field(default_factory=dict)

    def page(self, person: str = "", width: int = WIDE, scheme: str = "light") -> Any:
        """Return the page of the user, width and colour scheme; "" is an anonymous visitor. The page is reused."""
        key = person, width, scheme
        if key not in self.open:
            self.open[key] = self._context(width, scheme, self._cookies(person) if person else None).new_page()
        return self.open[key]

    def close(self, *keys: tuple[str, int, str]) -> None:
        """Close these pages."""
        for key in keys:
            self.open.pop(key).context.close()

    def keep(self, page: Any, file: Path) -> None:
        """Save a screenshot of the page in its full height, up to TALLEST."""
        width = page.viewport_size["width"]
        page.wait_for_load_state("networkidle")
        page.evaluate(STILL)
        tall = page.evaluate("document.documentElement.scrollHeight")
        over = page.locator("[data-panel]:not([hidden]), dialog[open], details.menu[open]").count()
        if tall > HEIGHT[width] and not over and not page.locator("[data-chat]").count():
            page.set_viewport_size({"width": width, "height": min(tall, TALLEST)})
            page.evaluate(STILL)
        screenshot = page.screenshot(animations="disabled", caret="hide")
        page.set_viewport_size({"width": width, "height": HEIGHT[width]})
        Image.open(io.BytesIO(screenshot)).convert("RGB").save(file, "WEBP", quality=QUALITY, method=5)

    def remember(self, person: str, page: Any) -> None:
        """Keep the cookies of the page, in which the user has signed in."""
        self.known[person] = page.context.storage_state()

    def _context(self, width: int, scheme: str, cookies: Any) -> Any:
        context = self.browser.new_context(
            viewport={"width": width, "height": HEIGHT[width]}, color_scheme=scheme, reduced_motion="reduce",
            has_touch=width == NARROW, storage_state=cookies, service_workers="block", locale="en-GB",
        )  # fmt: skip
        context.set_default_timeout(20_000)
        return context

    def _cookies(self, person: str) -> Any:
        if person not in self.known:
            context = self._context(WIDE, "light", None)
            page = context.new_page()
            page.goto(f"{self.url}/accounts/login/")
            page.fill("input[name=login]", f"{person}@{HOST}")
            page.fill("input[name=password]", PASSWORD)
            page.press("input[name=password]", "Enter")
            page.wait_for_selector("[data-composer]")
            self.remember(person, page)
            context.close()
        return self.known[person]


@contextmanager
def open_camera(url: str) -> Iterator[Camera]:
    """Run Chromium and yield a camera for the site at that URL."""
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield Camera(browser, url)
        finally:
            browser.close()

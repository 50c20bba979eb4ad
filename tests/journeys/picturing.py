"""Actions of a user on the page of pictures."""

from __future__ import annotations

from typing import Any

DRAWN_MS = 180_000


def request_picture(page: Any, prompt: str, count: str = "1", steps: str = "4") -> None:
    page.get_by_label("Describe the picture").fill(prompt)
    page.get_by_label("Number of pictures").select_option(count)
    page.get_by_text("Advanced", exact=True).click()
    page.get_by_label("Steps", exact=True).fill(steps)
    page.get_by_role("button", name="Create", exact=True).click()


def find_tiles(page: Any, prompt: str, status: str) -> Any:
    return page.locator(f".tile[data-status={status}]").filter(has_text=prompt)

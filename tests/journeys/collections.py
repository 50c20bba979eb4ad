"""Actions of a user on the pages of collections."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

READ_MS = 180_000  # limit for reading the files of a test


def create_collection(page: Any, name: str) -> None:
    """Create a collection on the page of collections, which is open."""
    page.get_by_role("textbox", name="Name", exact=True).fill(name)
    page.get_by_role("button", name="Create collection").click()


def upload(page: Any, *files: dict[str, Any]) -> None:
    """Upload files to the collection, which is open, and wait until each is read."""
    page.set_input_files("#files", [*files])
    expect(page.locator("#tray .tick")).to_have_count(len(files), timeout=READ_MS)


def make_file(name: str, content: bytes | str) -> dict[str, Any]:
    """Return a file as Playwright passes it to the browser."""
    buffer = content.encode() if isinstance(content, str) else content
    return {"name": name, "mimeType": "application/octet-stream", "buffer": buffer}

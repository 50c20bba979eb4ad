"""Actions of a reviewer."""

from __future__ import annotations

from typing import Any


def open_case(page: Any, words: str, text: str = "") -> None:
    """Claim and open the case about that text by keyboard alone.

    J until one of these words has the focus, then Enter. A case of another journey is left, and the next one is tried.
    """
    queue, seen, last = page.url, set(), ""
    page.locator("[data-case]").first.wait_for()
    while True:
        page.keyboard.press("j")
        link = page.evaluate("document.activeElement.querySelector('a.title').href")
        assert link != last, f"no case about {text}"
        last = link
        if link in seen or words not in page.evaluate("document.activeElement.textContent"):
            continue
        seen.add(link)
        page.keyboard.press("Enter")
        page.locator("[data-decide]").wait_for()
        if text:
            open_covered(page)
        if text in (page.locator(".flagged").text_content() or ""):
            return
        page.goto(queue)
        page.locator("[data-case]").first.wait_for()
        last = ""


def open_covered(page: Any) -> None:
    """Open the covered content of a case, which the page asks for before a decision."""
    if (link := page.locator("a[data-unread]")).count():
        link.click()
        page.wait_for_url("**open=1*")
        page.locator("[data-decide]").wait_for()
    page.evaluate("document.querySelectorAll('details[data-unread]').forEach((part) => (part.open = true))")


def decide_appeal(page: Any, reason: str, key: str) -> None:
    """Decide an appeal: its key opens a dialog, whose button decides. The case must be open and claimed."""
    page.keyboard.press(reason)
    page.keyboard.press(key)
    page.keyboard.press(key)  # does nothing more
    page.locator("dialog[open] .primary").click()


def decide(page: Any, *keys: str) -> None:
    open_covered(page)
    for key in keys:
        page.keyboard.press(key)
    page.locator("form[data-undo]").wait_for()

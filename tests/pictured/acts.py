"""Actions on a page before its screenshot is taken, by the name of the picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.journeys.chat import open_sources, show_controls
from tests.pictured.content import HOST
from tests.support.password import PASSWORD

Act = Callable[[Any], None]


def _source(page: Any) -> None:
    open_sources(page.locator("[data-turn]").first).locator("a.passage").first.click()
    page.locator("[data-panel] mark, [data-panel] [data-here]").first.wait_for()


def _pill(page: Any) -> None:
    page.locator(".prose a.pill").first.hover()
    page.locator("#hover-card").wait_for()


def _behind(page: Any) -> None:
    page.locator(".more-tools > summary").first.click()
    page.locator("[data-behind]").first.click()
    page.locator("[data-panel] .candidates").wait_for()


def _poor(page: Any) -> None:
    page.locator("[data-thumb=poor]").last.click()
    page.locator("[data-panel] [name=reasons]").first.wait_for()


def _share(page: Any) -> None:
    page.locator("[data-conversation-menu] summary").click()
    page.locator("[data-share]").click()
    page.locator("[data-panel] [data-link]").wait_for()


def _sheet(selector: str) -> Act:
    def opened(page: Any) -> None:
        page.locator(selector).first.click()

    return opened


def _response_settings(page: Any) -> None:
    show_controls(page)
    page.locator("[data-sampling] summary").first.click()


def _tool(page: Any) -> None:
    page.locator("[data-call] summary").first.click()


def _keys(page: Any) -> None:
    page.evaluate("document.querySelector('[data-shortcuts]').click()")  # its menu is behind the drawer on a phone
    page.locator("#shortcuts[open]").wait_for()


def _verify(page: Any) -> None:
    page.set_input_files("#picture", page.drawn)
    page.get_by_role("button", name="Check picture").click()
    page.locator(".findings").wait_for()


def _doctor(page: Any) -> None:
    """Wait until every check of the Doctor has answered.

    Polls from here: the page's policy forbids the evaluation of script text.
    """
    for _ in range(240):
        if not page.locator("[id^=check-][hx-trigger]").count():
            return
        page.wait_for_timeout(500)


def _shown(page: Any) -> None:
    """Show a severe text, which is hidden at first."""
    if page.locator("a[data-unread]").count():
        page.keyboard.press("v")
        page.wait_for_url("**open=1*")


def _claimed(page: Any) -> None:
    if page.get_by_role("button", name="Claim", exact=True).count():
        page.get_by_role("button", name="Claim", exact=True).click()
        page.locator("[data-decide]").wait_for()
    _shown(page)


def _suspended(page: Any) -> None:
    page.fill("input[name=login]", f"priya.nair@{HOST}")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/suspended/")


def _let_in(page: Any) -> None:
    """Enter the password again if the page asks for it."""
    if page.locator("input[name=password]").count():
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.locator("input[name=password]").wait_for(state="detached")


_LISTS = ("-collections", "-models", "-environment")
ACTS: dict[str, Act] = {
    **{f"administration{name}": _let_in for name in _LISTS},
    **dict.fromkeys(("invite-list", "offboarding", "model-server-new"), _let_in),
    "answer": _source, "pill": _pill, "behind": _behind, "feedback-panel": _poor, "share": _share, "tool": _tool,
    "how-words-are-chosen": _response_settings, "scope": _sheet("[data-scope] summary"),
    "shortcuts": _keys, "verify": _verify, "doctor": _doctor,
    "case": _shown, "appeal": _claimed, "look": _shown, "suspended": _suspended,
}  # fmt: skip

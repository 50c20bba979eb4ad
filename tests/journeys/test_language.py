"""Language chosen by keyboard: pages use it, and none is wider than the window."""

from __future__ import annotations

from typing import Any

from tests.journeys.chat import LEAVE, ask, ended
from tests.journeys.conftest import Visit
from tests.journeys.site import Site

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
PAGES = ("/", "/collections/", "/conversations/all/", "/privacy/", "/tokens/")


def choose_language(page: Any, menu: str, name: str) -> None:
    """Open the account menu and press the button of that name, both with the keyboard."""
    page.get_by_label(menu).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name=name).focus()
    page.keyboard.press("Enter")


def test_a_language_is_chosen_with_the_keyboard(visit: Visit, site: Site) -> None:
    page = visit("/limits/", width=1440, person="bob")
    choose_language(page, "Account of Bob", "Deutsch")
    page.locator("html[lang=de]").wait_for()
    assert page.url.endswith("/limits/") and page.locator("h1", has_text="Limits").count() == 1
    wide = {}
    for path in PAGES:
        page.goto(site.url + path)
        wide[path] = page.evaluate(WIDER)
    assert [path for path, beyond in wide.items() if beyond > 0] == []
    choose_language(page, "Konto von Bob", "Sprache des Browsers")
    page.locator("html[lang=en]").wait_for()


def test_the_language_of_a_new_chat_changes_without_leaving_it(visit: Visit) -> None:
    page = visit("/", width=1440, person="bob")
    ended(ask(page, LEAVE))
    page.wait_for_url("**/c/**")
    chat = page.url
    choose_language(page, "Account of Bob", "Deutsch")
    page.locator("html[lang=de]").wait_for()
    assert page.url == chat and page.locator("[data-turn]").count() == 1
    choose_language(page, "Konto von Bob", "Sprache des Browsers")
    page.locator("html[lang=en]").wait_for()
    assert page.url == chat

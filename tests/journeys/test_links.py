"""Hostile answer: causes no request to other sites, and a link shows its target before it opens."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import ask, ended
from tests.journeys.conftest import Visit
from tests.journeys.model import MARKED

QUESTION = f"How long is parental leave, {MARKED}? See https://known.example/leave or office@known.example"


@pytest.mark.parametrize("width", [1440, 360])
def test_hostile_markdown_loads_nothing_and_links_only_where_the_person_had_been(visit: Visit, width: int) -> None:
    page = visit(width=width)  # fails at the end where anything outside was asked for, or the policy was broken
    turn = ended(ask(page, QUESTION))
    text = turn.locator("[data-part=text]")
    for _ in range(2):
        assert text.locator("img, svg, script, iframe, object, video, audio, form, style, link").count() == 0
        links = text.locator("a:not(.pill)")
        assert [links.nth(n).get_attribute("href") for n in range(links.count())] == [
            "https://known.example/leave", "https://known.example/more", "mailto:office@known.example",
        ]  # fmt: skip
        assert {links.nth(n).get_attribute("rel") for n in range(3)} == {"noopener noreferrer nofollow"}
        assert re.search(r"on this page\s+\(known\.example\)", links.first.inner_text())
        assert "stolen" in text.inner_text() and "evil.example/b.png" in text.inner_text()
        links.first.hover()
        page.wait_for_timeout(300)
        before = text.inner_html()
        page.reload()
        assert text.inner_html() == before
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def warned(page: Any, link: Any) -> Any:
    """Return the dialog that a click on that link opens."""
    link.click()
    dialog = page.locator("#leave")
    expect(dialog.get_by_text("Open known.example?")).to_be_visible()
    assert dialog.locator("[data-address]").inner_text() == "https://known.example/leave"
    return dialog


def test_a_link_opens_only_after_its_whole_address_was_shown(visit: Visit) -> None:
    page = visit()
    opened: list[str] = []
    page.context.on("page", lambda new: opened.append(new.url))
    page.context.route("https://known.example/**", lambda route: route.abort())
    ended(ask(page, QUESTION))
    link = page.locator("[data-part=text] a:not(.pill)").first
    dialog = warned(page, link)
    page.keyboard.press("Escape")
    assert link.evaluate("link => link === document.activeElement")
    link.press("Enter")
    with page.context.expect_page() as new:
        dialog.get_by_role("link", name="Open link").click()
    assert new.value is not None and len(opened) == 1
    assert not dialog.is_visible()


def test_pages_that_show_the_answer_all_warn_of_its_links(visit: Visit) -> None:
    page = visit()
    opened: list[str] = []
    page.context.on("page", lambda new: opened.append(new.url))
    turn = ended(ask(page, QUESTION))
    page.wait_for_url("**/c/**")
    conversation_url, answer = page.url.split("?")[0], turn.get_attribute("data-turn")
    page.locator("[data-conversation-menu] summary").click()
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Turn on link").click()
    shared = page.locator("[data-link]").input_value()
    page.keyboard.press("Escape")
    turn.locator('[data-do="retry"]').click()
    ended(page.locator("[data-turn]").last)
    site = conversation_url.partition("/c/")[0]
    for address in (
        f"{site}/shared/{shared.partition('/shared/')[2]}",
        f"{conversation_url}print/",
        f"{site}/answers/{answer}/compare/",
    ):
        page.goto(address)
        dialog = warned(page, page.locator(".prose a[href='https://known.example/leave']").first)
        dialog.get_by_role("button", name="Cancel").click()
        expect(dialog).to_be_hidden()
    page.goto(conversation_url)
    page.locator("[data-chat][data-ready]").wait_for()
    page.locator("[data-thumb=poor]").last.click()
    expect(page.locator("[data-panel]")).to_contain_text("Thanks.")
    morgan = visit("/feedback/?thumb=poor", person="morgan")
    morgan.context.on("page", lambda new: opened.append(new.url))
    morgan.locator("a.title").first.click()
    warned(morgan, morgan.locator(".prose a[href='https://known.example/leave']").first)
    assert opened == []

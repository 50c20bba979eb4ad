"""Every page has no serious violation of WCAG 2.2 AA by axe-core, in light and dark, wide and narrow.

The pages are found by following links, so a new page is judged without a line here. Pages of docs/pages.md are opened
here but judged by `test_every_page.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.journeys.axe import find_violations, find_violations_in_both_looks, find_violations_in_overlay
from tests.journeys.chat import LEAVE, ask, ended, open_sources
from tests.journeys.conftest import Visit
from tests.journeys.site import Site, until
from tests.journeys.views import elsewhere, kind

LINKS = """[...document.querySelectorAll("a[href]")]
    .filter((a) => a.origin === location.origin && !a.hasAttribute("download")).map((a) => a.pathname + a.search)"""
AT_LEAST = 50  # pages are reached; fewer, and the walk has gone astray


def check_chat(page: Any) -> tuple[list[str], str, str]:
    """Return the violations of a chat with its panels and dialogs, its URL, and that of its shared link."""
    turn = ended(ask(page, LEAVE))
    open_sources(turn).locator("a.passage").first.click()
    page.locator("[data-panel] mark").first.wait_for()
    found = find_violations_in_both_looks(page)
    for dialog in page.locator("dialog").all():
        found += find_violations_in_overlay(page, dialog)
    page.keyboard.press("Escape")
    page.locator("[data-conversation-menu] summary").click()
    page.get_by_role("button", name="Tags", exact=True).click()
    page.get_by_label("Tags, separated by commas").fill("leave")
    page.keyboard.press("Enter")
    page.get_by_text("Tags saved.").wait_for()
    page.locator("[data-conversation-menu] summary").click()
    page.get_by_role("button", name="Tags", exact=True).click()
    page.locator("[data-tag]").first.wait_for()
    found += find_violations_in_both_looks(page)
    page.keyboard.press("Escape")
    page.locator("[data-conversation-menu] summary").click()
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Turn on link").click()
    shared = urlsplit(page.locator("[data-link]").input_value()).path
    return found + find_violations_in_both_looks(page), urlsplit(page.url).path, shared


def claim(page: Any, site_url: str) -> None:
    """Open a case that this reviewer has claimed."""
    page.goto(f"{site_url}/review/?show=mine")
    if not page.locator("[data-case]").count():
        page.goto(f"{site_url}/review/?show=new")
    page.locator("[data-case] [data-open]").first.click()
    page.locator("[data-decide]").wait_for()


def follow_links(page: Any, site_url: str, first: Sequence[str]) -> Iterator[str]:
    """Open these pages and every page that links lead to, and yield the URL of each."""
    seen, waiting = set[str](), [*first]
    while waiting:
        path = waiting.pop(0)
        if not (name := kind(path)) or name in seen:
            continue
        seen.add(name)
        answer = page.goto(site_url + path)
        assert answer is not None and answer.ok, f"a link leads to {path}, which is not there"
        if "html" not in answer.headers.get("content-type", ""):
            continue
        page.wait_for_load_state("networkidle")
        yield name
        waiting += page.evaluate(LINKS)


@pytest.fixture(scope="module", autouse=True)
def corners(site: Site) -> None:
    site.seed("corners")
    until(lambda: not {"queued", "working"} & site.states())


def test_violation_check_finds_a_button_without_a_name(visit: Visit) -> None:
    page = visit("/collections/")
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<button></button>')")
    assert [item.split(": ")[1] for item in find_violations(page)] == ["button-name"]


def test_violation_check_finds_low_contrast_in_the_dark_look_alone(visit: Visit) -> None:
    page = visit("/collections/", reduced_motion="reduce")
    page.evaluate("""const words = document.querySelector("main").appendChild(document.createElement("p"));
        words.textContent = "Hardly to be read";
        words.style.color = "#333";""")
    assert [item.split(": ")[1] for item in find_violations_in_both_looks(page)] == ["color-contrast"]


def test_pages_have_no_serious_violation(visit: Visit, site: Any) -> None:
    page = visit(person="ada", reduced_motion="reduce")
    found, conversation_path, shared = check_chat(page)
    claim(page, site.url)
    found += find_violations_in_both_looks(page)
    page.goto(site.url + "/collections/")
    papers = page.get_by_role("link", name="Old papers").get_attribute("href")
    names, left = [], elsewhere()
    for name in follow_links(
        page, site.url, [papers, f"{papers}test/?q=When+do+visitors+climb?", f"{conversation_path}print/", shared]
    ):
        names.append(name)
        if name not in left:
            found += find_violations_in_both_looks(page)
    assert not found, "\n".join(found)
    assert len(names) >= AT_LEAST, names
    assert {
        "conversations:assistants",
        "users:tokens",
        "users:instructions",
        "operations:doctor",
        "users:people",
    } <= set(names)


def test_pages_before_sign_in_have_no_serious_violation(site: Any, chromium: Any) -> None:
    for scheme in ("light", "dark"):
        context = chromium.new_context(color_scheme=scheme)
        page = context.new_page()
        found = []
        for path in ("/accounts/login/", "/accounts/password/reset/", "/accounts/signup/", "/nowhere/"):
            page.goto(site.url + path)
            found += find_violations(page)
        context.close()
        assert found == []

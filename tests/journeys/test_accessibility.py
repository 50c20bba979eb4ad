"""Every page has no serious violation of WCAG 2.2 AA by axe-core, in light and dark, wide and narrow.

The pages are found by following links, so a new page is judged without a line here. Pages of docs/pages.md are opened
here but judged by `test_every_page.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.journeys.chat import LEAVE, ask, ended
from tests.journeys.conftest import HEIGHT, Visit
from tests.journeys.site import Site, until
from tests.journeys.views import elsewhere, kind

sync_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")

# Of what is right nothing is told: finding names for each element of a page takes longer than judging it.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
# What width and colours change; `test_every_page.py` judges narrow and dark pages by all rules.
OF_A_LOOK = {**RULES, "runOnly": ["color-contrast", "target-size"]}
BAD = {"serious", "critical"}
LINKS = """[...document.querySelectorAll("a[href]")]
    .filter((a) => a.origin === location.origin && !a.hasAttribute("download")).map((a) => a.pathname + a.search)"""
RUN = "([context, rules]) => axe.run(context || document, rules).then((found) => found.violations)"
UNFOLD = "document.querySelectorAll('details:not(.menu)').forEach((part) => (part.open = true))"
OPEN = "part => part.matches('dialog') ? part.showModal() : (part.open = true)"
SHUT = "part => part.matches('dialog') ? part.close() : (part.open = false)"
CENTRE = "place => document.querySelector(place).scrollIntoView({block: 'center'})"
STILL_MS = 1500  # after which a page stands still: what ends at that moment moves what stands below it
AT_LEAST = 50  # pages are reached; fewer, and the walk has gone astray


def violations(page: Any, rules: dict[str, Any] = RULES) -> list[str]:
    """Return the violations of the page with folded parts open, then of one open menu, which covers content."""
    page.evaluate(UNFOLD)
    found = judged(page, rules=rules)
    menu = page.locator("main details.menu")
    return found + laid_over(page, menu.first, rules) if menu.count() else found


def in_both_looks(page: Any) -> list[str]:
    """Return the violations of the page wide and light, then narrow and dark, without loading it again."""
    found = violations(page)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 360, "height": HEIGHT[360]})
    found += violations(page, OF_A_LOOK)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1440, "height": HEIGHT[1440]})
    return found


def laid_over(page: Any, part: Any, rules: dict[str, Any] = RULES) -> list[str]:
    part.evaluate(OPEN)
    part.evaluate("part => part.setAttribute('data-judged', '')")
    found = judged(page, "[data-judged]", rules)
    part.evaluate("part => part.removeAttribute('data-judged')")
    part.evaluate(SHUT)
    return found


def judged(page: Any, context: str | None = None, rules: dict[str, Any] = RULES) -> list[str]:
    """Return the violations that are still there once nothing on the page moves."""
    if not _found(page, context, rules):
        return []
    page.wait_for_timeout(STILL_MS)
    path = urlsplit(page.url).path
    wrong = [one for one in _found(page, context, rules) if not _lies_below(page, *one[:2])]
    return [f"{path}: {rule}: {source}" for rule, _, source in wrong]


def _lies_below(page: Any, rule: str, place: str) -> bool:
    """Return whether an element is too small only because the composer covers a part of it: users can scroll."""
    if rule != "target-size":
        return False
    page.evaluate(CENTRE, place)
    return not _found(page, place, {"runOnly": [rule], "resultTypes": ["violations"]})


def _found(page: Any, context: str | None, rules: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return, per violation, the rule, the selector and the HTML of the element."""
    if not page.evaluate("'axe' in window"):  # half a megabyte, which the page may have loaded already
        page.evaluate(sync_playwright.Axe().axe_script)
    found = page.evaluate(RUN, [context, rules])
    return [
        (item["id"], node["target"][0], node["html"][:160])
        for item in found
        if item["impact"] in BAD
        for node in item["nodes"]
    ]


def talked(page: Any) -> tuple[list[str], str, str]:
    """Return the violations of a chat with its panels and dialogs, its URL, and that of its shared link."""
    turn = ended(ask(page, LEAVE))
    turn.locator("a.passage").first.click()
    page.locator("[data-panel] mark").first.wait_for()
    found = in_both_looks(page)
    for dialog in page.locator("dialog").all():
        found += laid_over(page, dialog)
    page.keyboard.press("Escape")
    page.locator("[data-conversation-menu] summary").click()
    page.get_by_role("button", name="Tags", exact=True).click()
    page.get_by_label("Tags, separated by commas").fill("leave")
    page.keyboard.press("Enter")
    page.get_by_text("Tags saved.").wait_for()
    page.locator("[data-conversation-menu] summary").click()
    page.get_by_role("button", name="Tags", exact=True).click()
    page.locator("[data-tag]").first.wait_for()
    found += in_both_looks(page)
    page.keyboard.press("Escape")
    page.locator("[data-conversation-menu] summary").click()
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Turn on link").click()
    shared = urlsplit(page.locator("[data-link]").input_value()).path
    return found + in_both_looks(page), urlsplit(page.url).path, shared


def claim(page: Any, site_url: str) -> None:
    """Open a case that this reviewer has claimed."""
    page.goto(f"{site_url}/review/?show=mine")
    if not page.locator("[data-case]").count():
        page.goto(f"{site_url}/review/?show=new")
    page.locator("[data-case] [data-open]").first.click()
    page.locator("[data-decide]").wait_for()


def walked(page: Any, site_url: str, first: Sequence[str]) -> Iterator[str]:
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


def test_what_is_wrong_is_found(visit: Visit) -> None:
    page = visit("/collections/")
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<button></button>')")
    assert [item.split(": ")[1] for item in violations(page)] == ["button-name"]


def test_what_is_wrong_in_the_dark_alone_is_found(visit: Visit) -> None:
    page = visit("/collections/", reduced_motion="reduce")
    page.evaluate("""const words = document.querySelector("main").appendChild(document.createElement("p"));
        words.textContent = "Hardly to be read";
        words.style.color = "#333";""")
    assert [item.split(": ")[1] for item in in_both_looks(page)] == ["color-contrast"]


def test_no_page_has_a_serious_violation(visit: Visit, site: Any) -> None:
    page = visit(person="ada", reduced_motion="reduce")
    found, talk, shared = talked(page)
    claim(page, site.url)
    found += in_both_looks(page)
    page.goto(site.url + "/collections/")
    papers = page.get_by_role("link", name="Old papers").get_attribute("href")
    names, left = [], elsewhere()
    for name in walked(page, site.url, [papers, f"{papers}test/?q=When+do+visitors+climb?", f"{talk}print/", shared]):
        names.append(name)
        if name not in left:
            found += in_both_looks(page)
    assert not found, "\n".join(found)
    assert len(names) >= AT_LEAST, names
    assert {
        "conversations:assistants",
        "users:tokens",
        "users:instructions",
        "operations:doctor",
        "users:people",
    } <= set(names)


def test_no_page_of_a_stranger_has_a_serious_violation(site: Any, chromium: Any) -> None:
    for scheme in ("light", "dark"):
        context = chromium.new_context(color_scheme=scheme)
        page = context.new_page()
        found = []
        for path in ("/accounts/login/", "/accounts/password/reset/", "/accounts/signup/", "/nowhere/"):
            page.goto(site.url + path)
            found += violations(page)
        context.close()
        assert found == []

"""Violations of WCAG 2.2 AA on a page, found by axe-core."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.journeys.conftest import HEIGHT

sync_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")

# Of what is right nothing is told: finding names for each element of a page takes longer than judging it.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
# What width and colours change; `test_every_page.py` judges narrow and dark pages by all rules.
OF_A_LOOK = {**RULES, "runOnly": ["color-contrast", "target-size"]}
BAD = {"serious", "critical"}
RUN = "([context, rules]) => axe.run(context || document, rules).then((found) => found.violations)"
UNFOLD = "document.querySelectorAll('details:not(.menu)').forEach((part) => (part.open = true))"
OPEN = "part => part.matches('dialog') ? part.showModal() : (part.open = true)"
SHUT = "part => part.matches('dialog') ? part.close() : (part.open = false)"
CENTRE = "place => document.querySelector(place).scrollIntoView({block: 'center'})"
STILL_MS = 1500  # after which a page stands still: what ends at that moment moves what stands below it


def find_violations(page: Any, rules: dict[str, Any] = RULES) -> list[str]:
    """Return the violations of the page with folded parts open, then of one open menu, which covers content."""
    page.evaluate(UNFOLD)
    found = find_visible_violations(page, rules=rules)
    menu = page.locator("main details.menu")
    return found + find_violations_in_overlay(page, menu.first, rules) if menu.count() else found


def find_violations_in_both_looks(page: Any) -> list[str]:
    """Return the violations of the page wide and light, then narrow and dark, without loading it again."""
    found = find_violations(page)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 360, "height": HEIGHT[360]})
    found += find_violations(page, OF_A_LOOK)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1440, "height": HEIGHT[1440]})
    return found


def find_violations_in_overlay(page: Any, part: Any, rules: dict[str, Any] = RULES) -> list[str]:
    part.evaluate(OPEN)
    part.evaluate("part => part.setAttribute('data-judged', '')")
    found = find_visible_violations(page, "[data-judged]", rules)
    part.evaluate("part => part.removeAttribute('data-judged')")
    part.evaluate(SHUT)
    return found


def find_visible_violations(page: Any, context: str | None = None, rules: dict[str, Any] = RULES) -> list[str]:
    """Return the violations that are still there once nothing on the page moves."""
    if not _found(page, context, rules):
        return []
    page.wait_for_timeout(STILL_MS)
    path = urlsplit(page.url).path
    wrong = [one for one in _found(page, context, rules) if not _lies_below(page, *one[:2])]
    return [f"{path}: {rule}: {source}" for rule, _, source in wrong]


def _lies_below(page: Any, rule: str, selector: str) -> bool:
    """Return whether an element is too small only because the composer covers a part of it: users can scroll."""
    if rule != "target-size":
        return False
    page.evaluate(CENTRE, selector)
    return not _found(page, selector, {"runOnly": [rule], "resultTypes": ["violations"]})


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

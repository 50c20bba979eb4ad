"""Review console: near-duplicates decided together by keyboard, and reverted."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.axe import find_violations
from tests.journeys.conftest import Visit
from tests.journeys.reviewing import open_case, open_covered
from tests.journeys.site import Site


def test_cases_that_are_alike_are_decided_together_and_taken_back(site: Site, visit: Visit) -> None:
    site.seed("alike")
    morgan = visit("/review/", person="morgan")
    open_case(morgan, "Hate")
    open_covered(morgan)
    expect(morgan.locator(".flagged")).to_contain_text("northern islands")
    morgan.keyboard.press("d")
    expect(morgan.locator("h1")).to_have_text("3 similar cases")
    expect(morgan.locator(".alike")).to_contain_text("number 2")
    assert find_violations(morgan) == []
    morgan.keyboard.press("b")  # nothing happens without a reason
    expect(morgan.get_by_role("alert")).to_have_text("Choose a reason first.")
    together(morgan)
    morgan.keyboard.press("u")
    expect(morgan.locator("h1")).to_have_text("3 similar cases")
    expect(morgan.locator("main")).to_contain_text("3 decisions undone.")
    together(morgan)
    pat = visit("/notices/?show=decisions", person="pat")
    expect(pat.locator("article", has_text="A question is withheld")).to_have_count(3)


def together(page: Any) -> None:
    page.keyboard.press("1")
    page.keyboard.press("b")
    expect(page.locator("[data-undo]")).to_contain_text("3 cases decided")


def test_a_second_look_is_blind_and_given_by_keyboard(site: Site, visit: Visit) -> None:
    site.seed("decided")
    robin = visit("/review/", person="robin")
    robin.keyboard.press("q")
    expect(robin.locator("h1")).to_have_text("Second review")
    open_covered(robin)
    expect(robin.locator(".flagged")).to_contain_text("quoted in a lesson")
    expect(robin.locator("main")).not_to_contain_text("0.9")
    assert find_violations(robin) == []
    robin.keyboard.press("n")
    robin.keyboard.type("A quotation")
    robin.keyboard.press("Escape")
    robin.keyboard.press("a")
    expect(robin.locator("main")).to_contain_text("No second reviews are waiting")
    ada = visit("/review/?show=disputed", person="ada")
    ada.locator("[data-case] a.title").first.click()
    expect(ada.locator("main")).to_contain_text("Harmless · A quotation")
    ada.get_by_role("button", name="Reopen").click()
    ada.locator("[data-decide]").wait_for()
    open_covered(ada)
    ada.keyboard.press("3")
    ada.keyboard.press("a")
    expect(ada.locator("[data-undo]")).to_contain_text("Allowed; the user has been told")


def test_the_console_fits_a_narrow_screen(site: Site, visit: Visit) -> None:
    site.seed("decided")
    robin = visit("/review/", person="robin", width=360)
    robin.get_by_role("button", name="Second reviews").click()
    expect(robin.locator("h1")).to_have_text("Second review")
    assert robin.evaluate("document.documentElement.scrollWidth <= innerWidth")
    open_covered(robin)
    assert robin.evaluate("document.documentElement.scrollWidth <= innerWidth")
    robin.get_by_role("button", name="Violates the clause").click()
    expect(robin.locator("main")).to_contain_text("No second reviews are waiting")
    assert robin.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("locale", "clause"), [("de-DE", "Hass"), ("es-ES", "Odio")])
def test_decisions_are_in_sight_in_languages_with_long_words(
    site: Site, visit: Visit, locale: str, clause: str
) -> None:
    site.seed("alike")
    morgan = visit("/review/", person="morgan", width=1440, locale=locale)
    open_case(morgan, clause)
    for width in (1440, 1280):
        morgan.set_viewport_size({"width": width, "height": 900})
        outside = morgan.locator(".verdict *").evaluate_all(
            "all => { const edge = document.querySelector('.verdict').getBoundingClientRect().right + 1;"
            " return all.filter((one) => one.getBoundingClientRect().right > edge).map((one) => one.outerHTML) }"
        )
        assert outside == []
        assert morgan.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert morgan.locator(".outcomes .button").evaluate_all(
            "all => all.every((one) => one.getBoundingClientRect().bottom <= innerHeight)"
        )
    morgan.keyboard.press("d")  # decide them, since the site keeps what a journey leaves
    morgan.locator(".alike").wait_for()
    morgan.keyboard.press("1")
    morgan.keyboard.press("b")
    morgan.locator("[data-undo]").wait_for()


def test_a_severe_text_is_covered_until_asked_for_and_clauses_are_left_to_others(site: Site, visit: Visit) -> None:
    site.seed("alike")
    morgan = visit("/review/", person="morgan")
    open_case(morgan, "Hate")
    text, here = morgan.locator(".flagged .said"), morgan.url
    expect(text).to_have_count(0)
    morgan.keyboard.press("1")
    morgan.keyboard.press("b")
    expect(morgan.locator("[data-hint]")).to_contain_text("You have not opened the flagged content.")
    assert morgan.url == here
    expect(text).to_have_count(0)
    morgan.keyboard.press("v")
    expect(text).to_be_visible()
    morgan.keyboard.press("d")
    expect(morgan.locator("h1")).to_have_text("3 similar cases")
    together(morgan)


def test_the_figures_are_drawn(site: Site, visit: Visit) -> None:
    site.seed("decided")
    site.seed("degraded_minute")
    robin = visit("/review/figures/", person="robin")
    expect(robin.locator("svg .whisker").first).to_be_attached()
    expect(robin.locator("svg .bar").first).to_be_attached()
    assert find_violations(robin) == []


def test_the_thresholds_of_a_version_and_the_lists_are_accessible(site: Site, visit: Visit) -> None:
    site.seed("decided")
    ada = visit("/review/policy/", person="ada")
    ada.get_by_role("heading", name="Advanced: edit as JSON").click()
    ada.get_by_label("What changes, and why").fill("Nothing yet")
    ada.get_by_role("button", name="Save as draft").click()
    expect(ada.locator("main")).to_contain_text("saved as a draft")
    ada.get_by_role("button", name="Test on past verdicts").first.click()
    ada.get_by_role("link", name="What would change").first.click()
    expect(ada.get_by_role("heading", name="Precision and recall")).to_be_visible()
    assert find_violations(ada) == []
    ada.goto(f"{site.url}/review/blocklists/")
    expect(ada.locator("main")).to_contain_text("No blocklists yet")
    assert find_violations(ada) == []
    ada.goto(f"{site.url}/review/blocklists/new/")
    assert find_violations(ada) == []

"""User suspended at work: sees the reason, appeals, is reinstated by another reviewer, and continues."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.journeys.conftest import Visit, sign_in
from tests.journeys.reviewing import decide_appeal, open_covered
from tests.journeys.site import Site


def overturned(robin: Any) -> None:
    robin.locator("[data-case]", has_text="Hate").first.locator("button").click()
    robin.locator("[data-decide]").wait_for()
    expect(robin.locator("main")).to_contain_text("words of a play")
    open_covered(robin)
    here = robin.url  # with what was opened
    decide_appeal(robin, "3", "o")
    robin.wait_for_url(lambda url: url != here)  # the next case, or the queue


def test_suspended_user_signs_in_appeals_and_comes_back(visit: Visit, site: Site) -> None:
    page = visit(person="sam", width=360)
    site.seed("banned")
    page.goto(f"{site.url}/collections/")
    expect(page).to_have_url(f"{site.url}/accounts/login/?next=/collections/")
    sign_in(page, "sam@example.org")
    page.wait_for_url("**/suspended/")
    main = page.locator("main")
    expect(main).to_contain_text("until an appeal overturns it or an administrator lifts it")
    expect(main.locator("blockquote")).to_contain_text("Hate")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_label("Why do you disagree?").fill("These are the words of a play.")
    page.get_by_role("button", name="Send appeal").click()
    expect(main).to_contain_text("You appealed")
    page.goto(f"{site.url}/collections/")
    expect(page).to_have_url(f"{site.url}/accounts/login/?next=/collections/")

    overturned(visit("/review/?show=appeals", person="robin"))

    page.goto(f"{site.url}/suspended/")
    expect(main).to_contain_text("First sign in with your e-mail address and password")
    main.get_by_role("link", name="Sign in").click()
    sign_in(page, "sam@example.org")
    page.locator("[data-composer]").wait_for()
    page.goto(f"{site.url}/notices/")
    expect(main).to_contain_text("Your appeal was successful")

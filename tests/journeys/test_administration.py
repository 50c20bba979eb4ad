"""Administration: enter the password again, rename a group, and find the change in the audit log."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visit
from tests.journeys.site import Site
from tests.journeys.test_accessibility import violations
from tests.support.users import PASSWORD

PAGES = ("", "users/user/", "auth/group/", "documents/collection/", "models/", "environment/")


def let_in(page: Any) -> None:
    """Enter the password again, unless the session has just done so."""
    page.locator("h1").wait_for()
    if page.locator("h1").inner_text() != "Confirm your identity":
        return
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()


def test_a_group_is_renamed_and_the_log_says_by_whom(site: Site, visit: Visit) -> None:
    ada = visit("/people/groups/", person="ada")
    ada.get_by_label("Name").fill("Tide watchers")
    ada.get_by_label("Name").press("Enter")
    expect(ada.locator("h1")).to_contain_text("Tide watchers")
    ada.goto(f"{site.url}/administration/")
    let_in(ada)
    expect(ada.locator("h1")).to_have_text("Administration")
    ada.get_by_role("navigation").get_by_role("link", name="Groups").click()
    ada.get_by_role("link", name="Tide watchers").click()
    ada.get_by_label("Name").fill("Watchers of the tide")
    ada.get_by_role("button", name="Save").click()
    expect(ada.locator("#main")).to_contain_text("Saved.")
    expect(ada.locator("#result_list")).to_contain_text("Watchers of the tide")
    ada.get_by_role("link", name="Log of review").click()
    entry = ada.locator(".log .row", has_text="Renamed a group").first
    expect(entry).to_contain_text("Ada")
    expect(entry).to_contain_text("Before: Tide watchers")
    expect(entry).to_contain_text("After: Watchers of the tide")


@pytest.mark.parametrize("person", ["morgan", "alice"])
def test_for_reviewers_and_members_it_does_not_exist(visit: Visit, person: str) -> None:
    page = visit("/administration/", person=person, tolerate="404")
    expect(page.locator("h1")).to_have_text("There is nothing here")


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1440)])
def test_the_pages_can_be_used_by_everybody_on_every_screen(site: Site, visit: Visit, scheme: str, width: int) -> None:
    """Check the pages in two looks; `visit` reports violations of the policy. `test_every_page.py` checks the other two
    looks."""
    page = visit("/administration/", person="ada", width=width, color_scheme=scheme)
    let_in(page)
    for part in PAGES:
        page.goto(f"{site.url}/administration/{part}")
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), part
        assert violations(page) == [], part

"""Administration: one navigation, users in a table, a changed user in the audit log, and all of it on a phone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.axe import find_violations
from tests.journeys.conftest import Visit
from tests.journeys.site import Site
from tests.support.password import PASSWORD

PAGES = ("people/", "people/groups/", "administration/collections/", "administration/models/",
         "administration/environment/", "settings/", "review/")  # fmt: skip


def let_in(page: Any) -> None:
    """Enter the password again, unless the session has just done so."""
    page.locator("h1").wait_for()
    if page.locator("h1").inner_text() != "Enter your password to continue":
        return
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()


def open_section(page: Any, name: str) -> None:
    """Open a page by the navigation of the administration, which is a sheet on narrow screens."""
    sections = page.get_by_role("navigation", name="Administration")
    if not sections.get_by_role("link", name=name).is_visible():
        sections.get_by_role("button").click()
    sections.get_by_role("link", name=name).click()
    let_in(page)
    expect(sections.locator("[aria-current=page]")).to_have_text(name)


def test_a_user_is_suggested_while_the_administrator_types(visit: Visit) -> None:
    ada = visit("/people/groups/", person="ada")
    ada.get_by_label("Name").fill("Lighthouse keepers")
    ada.get_by_label("Name").press("Enter")
    field = ada.get_by_role("combobox", name="User")
    field.press_sequentially("pa")
    suggestion = ada.locator("datalist option[value^='Pat <']")
    suggestion.wait_for(state="attached")
    field.fill(suggestion.get_attribute("value") or "")
    field.press("Enter")
    expect(ada.locator("#main")).to_contain_text("Pat added to the group.")


@pytest.mark.parametrize("width", [1440, 360])
def test_a_user_is_found_joins_a_group_and_the_log_says_by_whom(site: Site, visit: Visit, width: int) -> None:
    group = f"Tide watchers {width}"
    ada = visit("/review/", person="ada", width=width)
    open_section(ada, "Groups")
    ada.get_by_label("Name").fill(group)
    ada.get_by_label("Name").press("Enter")
    expect(ada.locator("h1")).to_contain_text(group)
    open_section(ada, "Users")
    ada.get_by_role("searchbox", name="Name or e-mail address").fill("pat")
    ada.get_by_role("combobox", name="Role").select_option(label="Member")
    ada.get_by_role("button", name="Filter").click()
    expect(ada.locator("tbody tr")).to_have_count(1)
    ada.get_by_role("link", name="Pat").click()
    ada.get_by_label(group).check()
    ada.get_by_role("button", name="Save Groups").click()
    expect(ada.locator("#main")).to_contain_text("Saved.")
    expect(ada.get_by_label(group)).to_be_checked()
    open_section(ada, "Audit log")
    expect(ada.locator(".log .row", has_text=re.compile(group)).first).to_contain_text("Ada")


def test_users_are_sorted_by_the_keyboard(visit: Visit) -> None:
    ada = visit("/people/", person="ada")
    ada.get_by_role("link", name="User", exact=True).press("Enter")
    expect(ada.locator("th[aria-sort=descending]")).to_have_text("User")
    first = ada.locator("tbody tr").first
    expect(first).not_to_contain_text("Ada")


def test_the_environment_shows_only_variables_that_are_set(site: Site, visit: Visit) -> None:
    ada = visit("/administration/environment/", person="ada")
    let_in(ada)
    ada.get_by_label("Only variables that are set").check()
    expect(ada.get_by_role("rowheader", name="DATA_DIR")).to_be_visible()
    expect(ada.get_by_role("rowheader", name="MAX_PAGES")).to_be_hidden()


def test_a_reviewer_is_offered_the_part_of_review(visit: Visit) -> None:
    morgan = visit("/review/", person="morgan")
    links = morgan.get_by_role("navigation", name="Administration").get_by_role("link")
    expect(links).to_have_text(["To do", re.compile("Queue"), "Statistics", "Feedback"])


@pytest.mark.parametrize("person", ["morgan", "alice"])
def test_administration_pages_do_not_exist_for_reviewers_and_members(visit: Visit, person: str) -> None:
    page = visit("/administration/models/", person=person, tolerate="404")
    expect(page.locator("h1")).to_have_text("Page not found")


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1440)])
def test_the_pages_can_be_used_by_everybody_on_every_screen(site: Site, visit: Visit, scheme: str, width: int) -> None:
    """Check the pages in two looks; `visit` reports violations of the policy. `test_every_page.py` checks the other two
    looks."""
    page = visit("/administration/models/", person="ada", width=width, color_scheme=scheme)
    let_in(page)
    for part in PAGES:
        page.goto(f"{site.url}/{part}")
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), part
        assert find_violations(page) == [], part
    if width == 360:
        page.get_by_role("navigation", name="Administration").get_by_role("button").click()
        expect(page.get_by_role("link", name="System check")).to_be_visible()
        assert find_violations(page) == []

"""Menus of the composer: collections, sampling presets and search filters are chosen by their labels."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import BOILER, LEAVE, ask, ended, show_controls, tab_to
from tests.journeys.conftest import Visit

NAME = "Handbook_of_the_whole_house_written_without_a_single_space_by_its_owner"


@pytest.mark.parametrize("width", [1440, 360])
def test_collections_and_ways_of_choosing_words_are_chosen_by_their_names(visit: Visit, width: int) -> None:
    page = visit("/collections/", width=width, person="bob")
    page.locator("main input[name=name]").fill(f"{NAME}_{width}")
    page.get_by_role("button", name="Create collection").click()
    expect(page.locator("h1")).to_contain_text(NAME)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page = visit(width=width, person="bob")
    page.locator(".scope > summary").click()
    page.locator(".scope label", has_text=f"{NAME}_{width}").click()
    expect(page.locator(".chip", has_text=NAME)).to_be_visible()
    expect(page.locator(".scope label", has_text=f"{NAME}_{width}")).to_be_visible()
    page.keyboard.press("Escape")
    show_controls(page)
    page.locator("[data-sampling] > summary").click()
    page.locator("[data-sampling] label", has_text="Precise").click()
    expect(page.locator("[data-sampling] input[value=precise]")).to_be_checked()
    page.keyboard.press("Escape")
    turn = ended(ask(page, LEAVE))
    expect(turn).to_contain_text(NAME)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [1440, 360])
def test_a_search_is_narrowed_by_kind_and_day_and_widened_again(visit: Visit, width: int) -> None:
    page = visit(width=width, person="pat")
    scope = page.locator(".scope")
    tab_to(scope.locator("summary"), "Shift+Tab")
    page.keyboard.press("Enter")
    expect(scope.get_by_text("documents are searched.")).to_be_visible()
    tab_to(scope.get_by_label("PDF", exact=True))
    page.keyboard.press("Space")
    expect(page.locator(".composer .chip")).to_have_text(["PDF×"])
    scope.get_by_label("To", exact=True).fill("2001-02-03")
    expect(scope.get_by_text("No document matches these filters")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Escape")
    expect(page.locator(".composer .chip")).to_have_text(["PDF×", "until February 3, 2001×"])

    turn = ended(ask(page, BOILER))
    expect(turn.locator(".nothing")).to_contain_text("No document matches the filters.")
    expect(turn.locator(".nothing")).to_contain_text("PDF, until Feb. 3, 2001")
    page.get_by_role("button", name="Remove filter: until").click()
    expect(page.get_by_label("Your question")).to_be_focused()
    expect(ended(ask(page, BOILER)).locator("a.pill").first).to_be_visible()
    ended(ask(page, LEAVE))
    page.reload()
    expect(page.locator(".composer .chip")).to_have_text(["PDF×"])
    last = page.locator("[data-turn]").last
    expect(last.locator(".nothing")).to_contain_text("Filters: PDF.")
    last.get_by_role("button", name="Search without filters").click()
    found = ended(page.locator("[data-turn]").nth(3))
    expect(found.locator("a.pill").first).to_be_visible()
    expect(page.locator(".composer .chip")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [1440, 360])
def test_a_trial_is_narrowed_like_a_question(visit: Visit, width: int) -> None:
    page = visit("/collections/", width=width, person="ada")
    page.get_by_role("link", name="House rules").click()
    page.get_by_role("link", name="Test", exact=True).click()
    page.get_by_label("A question").fill(LEAVE)
    page.locator(".filters summary").click()
    page.get_by_label("To", exact=True).fill("2001-02-03")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No document matches the filters.")).to_be_visible()
    page.get_by_role("link", name="Remove filter: until").click()
    expect(page.locator(".hits")).to_contain_text("26 weeks")
    expect(page.get_by_label("A question")).to_have_value(LEAVE)


def test_a_deleted_collection_is_named_until_another_scope_is_chosen(visit: Visit) -> None:
    page = visit("/collections/", width=1440, person="bob")
    page.locator("main input[name=name]").fill("Boathouse")
    page.get_by_role("button", name="Create collection").click()
    collection = page.url
    page = visit(width=1440, person="bob")
    page.locator(".scope > summary").click()
    page.locator(".scope label", has_text="Boathouse").click()
    page.keyboard.press("Escape")
    ended(ask(page, LEAVE))
    chat = page.url
    page.goto(f"{collection}delete/")
    page.get_by_role("button", name="Delete").last.click()
    page.wait_for_url("**/collections/")
    page.goto(chat)
    expect(page.locator(".composer .chip")).to_have_text(["Deleted collection×"])
    expect(page.locator("[data-scope-words]")).to_have_text("Deleted collection")
    page.fill("textarea[name=text]", LEAVE)
    page.press("textarea[name=text]", "Enter")
    expect(page.locator("[data-refusal]")).to_contain_text("were deleted")
    expect(page.locator("[data-turn]")).to_have_count(1)
    page.get_by_role("button", name="Remove Deleted collection from the search").click()
    expect(page.locator("[data-scope-words]")).to_have_text("All collections")
    expect(ended(ask(page, LEAVE)).locator("a.pill").first).to_be_visible()


def test_a_chat_that_lost_one_of_its_collections_says_so_until_it_is_taken_off(visit: Visit) -> None:
    page = visit("/collections/", person="bob")
    start, addresses = page.url, []
    for name in ("Lost one", "Kept one"):
        page.goto(start)
        page.locator("main input[name=name]").fill(name)
        page.get_by_role("button", name="Create collection").click()
        expect(page.locator("h1")).to_contain_text(name)
        addresses.append(page.url)
    page = visit(person="bob")
    page.locator(".scope > summary").click()
    for name in ("Lost one", "Kept one"):
        page.locator(".scope label", has_text=name).click()
    page.keyboard.press("Escape")
    ended(ask(page, LEAVE))
    chat = page.url

    page.goto(addresses[0])
    page.get_by_role("link", name="Settings", exact=True).last.click()
    page.get_by_role("link", name="Delete collection").click()
    page.get_by_role("button", name="Delete collection").click()
    page.goto(chat)
    chips = page.locator(".composer .chip")
    expect(chips).to_have_text(["Kept one×", "1 collection no longer available×"])
    words = "1 selected collection is no longer available; the others were searched"
    expect(ended(ask(page, LEAVE))).to_contain_text(words)
    page.get_by_role("button", name="Remove 1 collection no longer available from the search").click()
    expect(chips).to_have_text(["Kept one×"])
    expect(ended(ask(page, LEAVE))).not_to_contain_text(words)
    page.reload()
    expect(chips).to_have_text(["Kept one×"])

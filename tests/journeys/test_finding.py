"""Conversations: found by search, archived in bulk, and restored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import BOILER, LEAVE, LONG, ask, ended
from tests.journeys.conftest import Visit
from tests.journeys.site import until

AUDIT = Path(__file__).with_name("audit.js").read_text()


@pytest.mark.parametrize("width", [1440, 360])
def test_search_finds_what_was_said_and_opens_it_where_it_stands(visit: Visit, width: int) -> None:
    page = visit(width=width, person="alice")
    ended(ask(page, BOILER))
    page.keyboard.press("Control+K")
    page.keyboard.type("boiler")
    expect(page.locator("[role=group]", has_text="Questions and answers").locator(".result mark").first).to_be_visible()
    expect(page.locator("[role=group]", has_text="Documents and collections").locator(".result").first).to_be_visible()
    assert page.evaluate(AUDIT) == {"contrast": [], "size": [], "name": []}
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Search")).to_be_hidden()
    page.goto(page.url.split("/c/")[0] + "/conversations/all/?q=boiler")
    expect(page.locator(".hit mark").first).to_be_visible()
    page.fill(".seek input", "boil")
    expect(page.locator(".hit").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".hit").first.click()
    page.locator("[data-chat][data-ready]").wait_for()
    anchor = page.url.split("#")[1]
    expect(page.locator(f"[id='{anchor}']")).to_be_in_viewport()


def test_a_result_is_chosen_by_arrow_keys_on_any_page_and_enter_opens_it(visit: Visit) -> None:
    page = visit("/privacy/", person="alice")
    page.keyboard.press("Meta+k")
    expect(page.get_by_role("dialog", name="Search")).to_be_visible()
    page.keyboard.type("manuals")
    page.get_by_role("option", name="Manuals", exact=True).wait_for()
    for _ in range(20):
        if page.locator("[aria-selected=true]").inner_text() == "Manuals":
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator("h1", has_text="Manuals").wait_for()


def test_a_conversation_is_renamed_in_the_list_and_dragged_into_a_folder(visit: Visit) -> None:
    page = visit(person="alice")
    ended(ask(page, LEAVE))
    current = page.locator("#conversation-list [aria-current=page]")
    entry = page.locator("#conversation-list li", has=page.locator("[aria-current=page]"))
    entry.hover()
    entry.locator("[data-entry-menu]").click()
    page.locator("[data-entry-move] [name=name]").fill("Dragged here")
    page.locator("[data-entry-move] button").click()
    folder = page.locator("[data-drawer-name='Dragged here']")
    expect(folder.locator("[aria-current=page]")).to_be_visible()
    # Near its top: the middle of a long list would have to be scrolled to before the pointer moves.
    current.drag_to(page.locator("#conversation-list [data-drop='']"), target_position={"x": 20, "y": 10})
    expect(folder.locator("[data-conversation]")).to_have_count(0)
    current.drag_to(folder.locator("summary"))
    expect(folder.locator("[aria-current=page]")).to_be_visible()
    current.dblclick()
    field = page.locator(".rename")
    field.fill("Not this one")
    page.keyboard.press("Escape")
    expect(field).to_have_count(0)
    current.dblclick()
    field.fill("Leave for parents")
    page.keyboard.press("Enter")
    expect(page.locator("[data-title]")).to_have_text("Leave for parents")
    page.reload()
    expect(current).to_contain_text("Leave for parents")


@pytest.mark.parametrize("width", [1440, 360])
def test_a_conversation_is_tagged_from_its_menus_and_found_by_its_tags(visit: Visit, width: int) -> None:
    page = visit(width=width, person="alice")
    ended(ask(page, LEAVE))
    menu(page, "Tags")
    dialog, field = page.get_by_role("dialog", name="Tags"), page.get_by_label("Tags, separated by commas")
    expect(field).to_be_focused()
    field.fill("Parents, " + "x" * 31)
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("Use up to 10 tags of up to 30 characters.")
    assert page.evaluate(AUDIT) == {"contrast": [], "size": [], "name": []}
    field.fill(f"Parents, law {width}")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Tags saved.")).to_be_visible()
    expect(dialog).to_be_hidden()
    expect(page.locator("[data-conversation-menu] > summary")).to_be_focused()
    page.goto(page.url.split("/c/")[0] + "/conversations/all/")
    row = page.locator(".conversations-all .row").first
    tagged = row.locator("a.title").get_attribute("href")
    expect(row.locator(".tag")).to_have_text(["#Parents", f"#law {width}"])
    audit = page.evaluate(AUDIT)
    assert not audit["contrast"] and not audit["name"] and not [line for line in audit["size"] if "tag" in line]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("navigation", name="Tags").get_by_role("link", name=f"#law {width}").click()
    expect(page.locator(".conversations-all .row")).to_have_count(1)
    if width < 500:
        page.get_by_role("button", name="Navigation").click()
    entry = page.locator("#conversation-list li.entry", has=page.locator(f"[href='{tagged}']"))
    entry.hover()
    entry.locator("[data-entry-menu]").click()
    page.locator("[data-entry-tags]").click()
    offered = dialog.get_by_role("button", name=f"law {width}")
    expect(offered).to_have_attribute("aria-pressed", "true")
    offered.click()
    expect(field).to_have_value("Parents")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text(f"No conversations with the tag “law {width}” here")).to_be_visible()
    page.keyboard.press("Control+K")
    page.keyboard.type("paren")
    expect(page.locator(".result", has_text="Tags: Parents").first).to_be_visible()


def test_the_sidebar_is_hidden_and_stays_hidden(visit: Visit) -> None:
    page = visit(person="alice")
    page.get_by_role("button", name="Hide sidebar").click()
    expect(page.locator("#sidebar")).to_be_hidden()
    page.reload()
    expect(page.locator("#sidebar")).to_be_hidden()
    page.get_by_role("button", name="Navigation").click()
    expect(page.locator("#sidebar")).to_be_visible()


def test_conversations_are_selected_deleted_and_restored_together(visit: Visit) -> None:
    page = visit(person="alice")
    ended(ask(page, LEAVE))
    page.goto(page.url.split("/c/")[0] + "/conversations/all/")
    before = page.locator(".conversations-all .row").count()
    page.get_by_label("Select all").check()
    expect(page.get_by_text(f"{before} selected")).to_be_visible()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("No conversations yet")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".conversations-all .row")).to_have_count(before)


def test_a_conversation_is_archived_from_the_list_and_brought_back_where_one_is(visit: Visit) -> None:
    page = visit(person="alice")
    ended(ask(page, LEAVE))
    entry = page.locator("#conversation-list [aria-current=page]")
    page.locator("#conversation-list li:has([aria-current]) [data-entry-menu]").click()
    page.locator("[data-entry-do=archive]").click()
    expect(page.locator(".messages")).to_contain_text("Conversation archived.")
    expect(entry).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(entry).to_be_visible()
    address = page.url
    page.locator("#conversation-list li:has([aria-current]) [data-entry-menu]").click()
    page.locator("[data-entry-delete] button").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("1 conversation restored.")).to_be_visible()
    assert address != page.url and "/conversations/" not in page.url, "one stays on the page on which one was"


def test_a_conversation_is_pinned_and_put_into_a_folder_from_its_menu(visit: Visit) -> None:
    page = visit(person="alice")
    ended(ask(page, LEAVE))
    menu(page, "Pin")
    expect(page.locator("#conversation-list h3").first).to_have_text("Pinned")
    page.locator("[data-chat][data-ready]").wait_for()
    menu(page, "Unpin")
    page.locator("[data-chat][data-ready]").wait_for()
    menu(page, "Move to a folder")
    page.get_by_role("textbox", name="Or a new folder").fill("Rules")
    page.get_by_role("button", name="Move", exact=True).click()
    folder = page.locator("[data-drawer-name=Rules]")
    expect(folder.locator("[aria-current=page]")).to_be_visible()
    folder.locator("summary").click()
    page.reload()
    assert not folder.evaluate("folder => folder.open"), "folders stay as they were left"


def test_an_answer_that_came_while_one_was_away_has_a_dot(visit: Visit) -> None:
    page = visit(person="alice")
    ask(page, LONG)
    page.locator("#conversation-list [data-live]").first.wait_for()
    page.goto(page.url.split("/c/")[0] + "/conversations/all/")

    def unread() -> bool:
        page.reload()
        return bool(page.locator("#conversation-list [data-unread]").count())

    until(unread)
    page.locator("#conversation-list .unread").first.click()
    page.locator("[data-chat][data-ready]").wait_for()
    expect(page.locator("#conversation-list [aria-current=page] [data-unread]")).to_have_count(0)


def menu(page: Any, name: str) -> None:
    page.locator("[data-conversation-menu] summary").click()
    page.locator("[data-conversation-menu]").get_by_role("button", name=name, exact=True).click()

"""Whole chat without a mouse, and for assistive technology."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import LEAVE, ask, ended, open_sources, tab_to
from tests.journeys.conftest import Visit
from tests.journeys.site import Site
from tests.support.password import PASSWORD

HURT = "How can I hurt somebody in a boxing match? [violence?]"  # noted, and allowed, with a score of 0.6
AUDIT = Path(__file__).with_name("audit.js").read_text()


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.className || document.activeElement.tagName"))


@pytest.mark.main_journey
def test_a_question_is_asked_and_its_source_read_by_keyboard_alone(page_wide: Any) -> None:
    page_wide.evaluate("document.activeElement.blur()")
    page_wide.keyboard.type(LEAVE)
    page_wide.keyboard.press("Enter")
    ended(page_wide.locator("[data-turn]").first)
    assert focused(page_wide) == "TEXTAREA"
    for _ in range(30):
        page_wide.keyboard.press("Shift+Tab")
        if focused(page_wide) == "pill":
            break
    assert focused(page_wide) == "pill"
    page_wide.locator(".hover-card b").first.wait_for()
    page_wide.keyboard.press("Enter")
    page_wide.locator("[data-panel] mark").first.wait_for()
    page_wide.keyboard.press("Escape")
    assert focused(page_wide) == "pill"


def test_the_first_tab_leads_past_the_sidebar_and_a_question_mark_shows_the_keys(visit: Visit) -> None:
    page = visit("/collections/")
    page.keyboard.press("Tab")
    assert focused(page) == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keyboard").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog", name="Keyboard").is_visible()


@pytest.mark.parametrize("keys", ["off", "on"])
def test_text_typed_without_a_field_goes_into_the_question(page_wide: Any, keys: str) -> None:
    field = page_wide.locator("[data-composer] textarea[name=text]")
    expect(field).to_be_focused()
    page_wide.evaluate("keys => localStorage.setItem('letter-keys', keys)", keys)
    ended(ask(page_wide, LEAVE))
    here = page_wide.url
    page_wide.evaluate("document.activeElement.blur()")
    page_wide.keyboard.type("now tell me /n?")
    expect(field).to_have_value("now tell me /n?")
    page_wide.locator("a.pill").first.click()
    page_wide.locator("[data-panel] mark").first.wait_for()
    page_wide.keyboard.type(" ö")
    expect(field).to_have_value("now tell me /n?ö")
    page_wide.locator("[data-edit]").first.click()
    page_wide.keyboard.type("x")
    expect(field).to_have_value("now tell me /n?ö")
    assert page_wide.url == here


def test_single_letters_work_on_other_pages_only_where_they_were_switched_on(visit: Visit) -> None:
    page = visit("/collections/")
    page.keyboard.press("n")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keyboard")
    keys.get_by_label("Single-letter shortcuts on other pages").check()
    page.keyboard.press("n")
    assert page.url.endswith("/collections/"), "not while a dialog is open"
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.locator("[data-chat][data-ready]").wait_for()


def test_a_collection_is_chosen_by_typing_its_name(page_wide: Any) -> None:
    page_wide.locator("textarea[name=text]").press_sequentially("#manu")
    page_wide.get_by_role("option", name="Manuals").wait_for()
    page_wide.keyboard.press("Enter")
    assert page_wide.locator(".chip").inner_text().startswith("Manuals")
    assert page_wide.input_value("textarea[name=text]") == ""
    turn = ended(ask(page_wide, LEAVE))
    expect(turn.locator("[data-steps]")).to_contain_text("Searched Manuals")


def pressed_to(page: Any, name: str, key: str = "Tab") -> None:
    """Press the key until the element with this name has the focus."""
    for _ in range(60):
        if page.evaluate("(document.activeElement.ariaLabel ?? document.activeElement.innerText ?? '').trim()") == name:
            return
        page.keyboard.press(key)
    raise AssertionError(f"not reached: {name}")


def test_a_conversation_is_moved_and_exported_by_keyboard_alone_and_the_focus_stays(page_wide: Any) -> None:
    ended(ask(page_wide, LEAVE))
    page_wide.wait_for_url("**/c/**")
    menu = page_wide.locator("#conversation-list li:has([aria-current]) [data-entry-menu]")
    menu.focus()
    page_wide.keyboard.press("Enter")
    for _ in range(12):
        if page_wide.evaluate("document.activeElement.id") == "entry-new-folder":
            break
        page_wide.keyboard.press("Tab")
    page_wide.keyboard.type("Papers")
    page_wide.keyboard.press("Enter")
    page_wide.locator("#conversation-list details[data-drop] [aria-current]").wait_for(state="attached")
    expect(page_wide.locator("#conversation-list li:has([aria-current]) [data-entry-menu]")).to_be_focused()
    page_wide.locator("textarea[name=text]").focus()
    pressed_to(page_wide, "This conversation", "Shift+Tab")
    page_wide.keyboard.press("Enter")
    pressed_to(page_wide, "Export as Markdown")
    with page_wide.expect_download() as taken:
        page_wide.keyboard.press("Enter")
    assert taken.value.suggested_filename.endswith(".md")
    expect(page_wide.locator("[data-conversation-menu] > summary")).to_be_focused()


def entered(page: Any, role: str, name: str, part: Any = None) -> None:
    """Tab from the content to the control with this role and name, and press Enter."""
    tab_to((part or page).get_by_role(role, name=name, exact=True))
    page.keyboard.press("Enter")


def past_the_sidebar(page: Any) -> None:
    """Use the link that leads past the conversations, however many there are."""
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_threshold_is_changed_and_approved_by_keyboard_alone(site: Site, visit: Visit) -> None:
    site.seed("grace")
    site.seed("discard_drafts")
    ended(ask(visit(), HURT))  # a verdict that would change
    try:
        ada = visit("/collections/", person="ada")
        tab_to(ada.get_by_role("link", name="Administration"))
        ada.keyboard.press("Enter")
        ada.wait_for_url("**/administration/")
        entered(ada, "link", "Policy")
        ada.wait_for_url("**/policy/")
        past_the_sidebar(ada)
        entered(ada, "link", "Edit policy")
        ada.wait_for_url("**/edit/")
        past_the_sidebar(ada)
        clause = ada.locator("details.clause-form", has=ada.locator("summary", has_text="Violence")).first
        tab_to(clause.locator("summary").first)
        ada.keyboard.press("Enter")
        tab_to(clause.get_by_role("slider", name="Question: threshold 2"))
        for _ in range(60):
            if clause.get_by_role("spinbutton", name="Question: threshold 2").input_value() == "0.55":
                break
            ada.keyboard.press("ArrowLeft")
        expect(ada.locator(".policy-form output")).to_contain_text("would change")
        tab_to(ada.get_by_label("What changes, and why"))
        ada.keyboard.type("Fights are no subject here")
        entered(ada, "button", "Save draft")
        ada.wait_for_url("**/policy/")
        grace = visit("/review/policy/", person="grace")
        past_the_sidebar(grace)
        row = grace.locator("li.row", has_text="Fights are no subject here").first
        expect(row.locator("details.differences")).to_contain_text("at a score of 0.55 or more")
        entered(grace, "button", "Test on past verdicts", row)
        expect(grace.locator("main")).to_contain_text("verdicts would have been different")
        past_the_sidebar(grace)
        entered(grace, "button", "Approve", row)
        entered(grace, "button", "Approve", grace.get_by_role("dialog"))
        expect(row).to_contain_text("Live")
    finally:
        site.seed("policy_of_before")


def test_an_account_is_deleted_by_keyboard_alone(visit: Visit) -> None:
    page = visit("/collections/", person="riley")
    tab_to(page.locator("#sidebar footer summary"))
    page.keyboard.press("Enter")
    entered(page, "link", "Privacy")
    page.wait_for_url("**/privacy/")
    past_the_sidebar(page)
    entered(page, "link", "Delete account and data")
    page.wait_for_url("**/erase/")
    past_the_sidebar(page)
    tab_to(page.get_by_label("Your password"))
    page.keyboard.type(PASSWORD)
    entered(page, "button", "Delete account and data")
    page.wait_for_url("**/privacy/receipts/**")
    expect(page.locator("h1")).to_have_text(re.compile("The data is being erased|Receipt"))
    entered(page, "link", "Openbook")
    page.wait_for_url("**/accounts/login/**")


def test_a_wrong_password_leads_back_to_its_field(visit: Visit) -> None:
    page = visit("/privacy/erase/", tolerate="400")
    pressed_to(page, "Skip to the content")  # past the conversations beside the page, however many there are
    page.keyboard.press("Enter")
    pressed_to(page, "Delete account and data")
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    page.get_by_text("Wrong password.").wait_for()
    expect(page.get_by_label("Your password")).to_be_focused()


def test_an_answer_is_read_out_politely_and_the_focus_stays(page_wide: Any) -> None:
    ended(ask(page_wide, LEAVE))
    announced = page_wide.locator("[data-announce]").inner_text()
    assert "Quote:" in announced
    assert re.search(r"Answer complete\. \d+ of \d+ sentences? ", announced)
    assert page_wide.locator("[data-announce]").get_attribute("aria-live") == "polite"
    assert focused(page_wide) == "TEXTAREA"


def test_the_drawer_of_a_narrow_screen_holds_the_focus_and_gives_it_back(page_narrow: Any) -> None:
    opener = page_narrow.get_by_role("button", name="Navigation")
    opener.click()
    assert page_narrow.locator("#sidebar").is_visible()
    assert page_narrow.evaluate("document.querySelector('#sidebar').contains(document.activeElement)")
    assert page_narrow.evaluate("document.querySelector('.centre').inert")
    page_narrow.keyboard.press("Escape")
    assert page_narrow.evaluate("document.activeElement.hasAttribute('data-drawer')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 360])
def test_words_have_contrast_controls_have_names_and_are_large_enough(visit: Visit, scheme: str, width: int) -> None:
    page = visit(width=width, color_scheme=scheme, reduced_motion="reduce")
    turn = ended(ask(page, LEAVE))
    open_sources(turn).locator("a.passage").first.click()
    page.locator("[data-panel] mark").first.wait_for()
    assert page.evaluate(AUDIT) == {"contrast": [], "size": [], "name": []}


def test_the_chosen_colours_are_there_before_the_first_paint(page_wide: Any) -> None:
    page_wide.locator("footer summary").click()
    page_wide.get_by_role("button", name="Dark").click()
    dark = page_wide.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page_wide.add_init_script(
        "addEventListener('DOMContentLoaded', () => (window.atFirst = document.documentElement.dataset.theme))"
    )
    page_wide.reload()
    assert page_wide.evaluate("window.atFirst") == "dark"
    assert page_wide.evaluate("getComputedStyle(document.documentElement).backgroundColor") == dark

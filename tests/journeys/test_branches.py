"""Branches: edit, switch versions, continue, fork, delete; by mouse and by keyboard alone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.chat import BOILER, LEAVE, SLOW, ask, ended, more, writing
from tests.journeys.conftest import Visit

OTHER = "How many weeks of parental leave are paid in full?"


def questions(page: Any) -> list[str]:
    return [text.strip() for text in page.locator("[data-turn] [data-question]").all_inner_texts()]


@pytest.mark.parametrize("width", [1440, 360])
def test_a_question_is_edited_and_both_wordings_stay(visit: Visit, width: int) -> None:
    page = visit(width=width)
    first = ended(ask(page, LEAVE))
    ended(ask(page, BOILER))
    first.hover()
    first.get_by_role("button", name="Edit").click()
    page.get_by_role("button", name="Cancel").click()
    assert questions(page) == [LEAVE, BOILER]
    first.get_by_role("button", name="Edit").click()
    page.locator(".edit textarea").fill(OTHER)
    page.get_by_role("button", name="Update and rerun").click()
    expect(page.locator("[data-fork]")).to_contain_text("2/2")
    assert questions(page) == [OTHER]
    page.get_by_role("link", name="Previous question").click()
    expect(page.locator("[data-turn]")).to_have_count(2)
    assert questions(page) == [LEAVE, BOILER]
    assert "?at=" in page.url
    page.reload()
    assert questions(page) == [LEAVE, BOILER]
    page.goto(page.url.split("?")[0])
    assert questions(page) == [LEAVE, BOILER], "remembered, also without the address"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_saving_changes_the_words_alone(page_wide: Any) -> None:
    turn = ended(ask(page_wide, LEAVE))
    before = turn.locator("[data-part=text]").inner_text()
    turn.hover()
    turn.get_by_role("button", name="Edit").click()
    page_wide.locator(".edit textarea").fill(OTHER)
    page_wide.get_by_role("button", name="Save").click()
    expect(turn.get_by_text("Edited after it was answered")).to_be_visible()
    page_wide.reload()
    assert questions(page_wide) == [OTHER]
    assert page_wide.locator("[data-part=text]").inner_text() == before


def test_versions_are_edited_and_turned_by_keyboard_alone(page_wide: Any) -> None:
    page = page_wide
    turn = ended(ask(page, LEAVE))
    turn.locator("[data-edit]").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.hasAttribute('data-edit')")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+A")
    page.keyboard.type(OTHER)
    page.keyboard.press("Enter")
    expect(page.locator("[data-fork]")).to_contain_text("2/2")
    expect(page.locator("textarea[name=text]")).to_be_focused()
    page.locator("[data-turns-to=older]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-fork]")).to_contain_text("1/2")
    assert page.evaluate("document.activeElement.dataset.turnsTo") == "newer", "the focus stays at the versions"
    page.keyboard.press("Enter")
    expect(page.locator("[data-fork]")).to_contain_text("2/2")
    assert questions(page) == [OTHER]


def test_an_answer_that_goes_leaves_the_focus_to_the_field(page_wide: Any) -> None:
    turn = ended(ask(page_wide, LEAVE))
    expect(page_wide.locator("textarea[name=text]")).to_have_attribute("placeholder", "Ask a follow-up")
    turn.get_by_role("button", name="Regenerate").focus()
    page_wide.keyboard.press("Enter")
    expect(page_wide.locator("[data-fork]")).to_contain_text("2/2")
    expect(page_wide.locator("textarea[name=text]")).to_be_focused()


def test_a_stopped_answer_is_written_on_where_it_stands(page_wide: Any) -> None:
    turn = ask(page_wide, SLOW)
    writing(turn)
    page_wide.get_by_role("button", name="Stop").click()
    written = writing(ended(turn, "stopped"))  # a sentence may have come before the stop
    turn.get_by_role("button", name="Continue").click()
    on = page_wide.locator("[data-turn]")
    assert on.locator("[data-part=text]").inner_text().startswith(written[:100]), "nothing disappears meanwhile"
    writing(on, len(written) + 60)
    page_wide.get_by_role("button", name="Stop").click()
    ended(on, "stopped")
    page_wide.reload()
    assert page_wide.locator("[data-fork]").count() == 0, "the part alone is no version"


def test_a_fork_goes_on_by_itself(page_wide: Any) -> None:
    first = ended(ask(page_wide, LEAVE))
    ended(ask(page_wide, BOILER))
    before = page_wide.url
    more(first).get_by_role("button", name="Branch").click()
    page_wide.wait_for_url(lambda url: "/c/" in url and url != before)
    assert questions(page_wide) == [LEAVE]
    assert "(branch)" in page_wide.locator("[data-title]").inner_text()
    page_wide.locator("[data-turn] a.pill").first.click()
    page_wide.locator("[data-panel] mark").first.wait_for()


def test_windows_on_two_branches_do_not_disturb_each_other(page_wide: Any, visit: Visit) -> None:
    first = ended(ask(page_wide, LEAVE))
    page_wide.wait_for_url("**/c/**")
    path = "/c/" + page_wide.url.split("/c/")[1]
    first.get_by_role("button", name="Regenerate").click()
    expect(page_wide.locator("[data-fork]")).to_contain_text("2/2")
    other = visit(path, width=360)
    other.get_by_role("link", name="Previous answer").click()
    expect(other.locator("[data-fork]")).to_contain_text("1/2")
    ended(ask(page_wide, BOILER))
    assert questions(page_wide) == [LEAVE, BOILER]
    assert questions(other) == [LEAVE]
    ended(ask(other, OTHER))
    assert questions(other) == [LEAVE, OTHER]
    for page, kept in ((page_wide, [LEAVE, BOILER]), (other, [LEAVE, OTHER])):
        assert questions(page) == kept
    other.reload()
    assert questions(other) == [LEAVE, OTHER]


def test_a_conversation_is_taken_away_and_printed(page_wide: Any) -> None:
    ended(ask(page_wide, LEAVE))
    menu = page_wide.locator("[data-conversation-menu] summary")
    menu.click()
    with page_wide.expect_download() as taken:
        page_wide.get_by_role("link", name="Export as Markdown").click()
    assert re.fullmatch(r"how-long-.*\.md", taken.value.suggested_filename)
    assert "written by a language model" in taken.value.path().read_text()
    menu.click()
    with page_wide.expect_popup() as printed:
        page_wide.get_by_role("link", name="Print or save as PDF").click()
    expect(printed.value.get_by_text("Written with AI.")).to_be_visible()
    assert printed.value.evaluate("document.documentElement.scrollWidth <= innerWidth")

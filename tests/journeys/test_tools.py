"""Tools by keyboard: allow a server, confirm a call, show its hostile result as text; commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.axe import find_visible_violations
from tests.journeys.chat import ask, ended, tab_to
from tests.journeys.conftest import Visit, visiting
from tests.journeys.site import Site, beside

SERVER = Path(__file__).parent.parent / "conversations" / "tools" / "mcp_server.py"


@pytest.fixture(scope="module")
def calling(site: Site) -> Iterator[Site]:
    """Run another web process whose model calls tools."""
    commands = json.dumps({"test": [sys.executable, str(SERVER)]})
    with beside(site, LLM_BACKEND="tests.journeys.model.CallingChat", MCP_COMMANDS=commands) as own:
        yield own


@pytest.fixture
def open_(calling: Site, chromium: Any, signed_in: Callable[[str], Any]) -> Iterator[Visit]:
    """Return `visit` for that process."""
    with visiting(calling, chromium, signed_in) as opened:
        yield opened


def test_an_administrator_adds_a_server_and_a_call_of_its_tool_asks_first(open_: Visit) -> None:
    page = open_("/tools/", person="ada")
    page.get_by_label("Name").fill("test")
    page.get_by_label("Location").select_option("stdio")
    page.get_by_label("Program").select_option("test")
    page.get_by_role("button", name="Add server").press("Enter")
    expect(page.get_by_text("test: Add numbers")).to_be_visible()
    assert find_visible_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page = open_(width=360)
    turn = ask(page, "How long does parental leave last? call test__odd_name_ {}")
    card = turn.locator("[data-call]")
    allow = card.get_by_role("button", name="Allow once")
    expect(allow).to_be_visible()
    assert find_visible_violations(page) == []
    page.locator("textarea[name=text]").focus()
    tab_to(allow, "Shift+Tab")
    page.keyboard.press("Enter")
    ended(turn)
    for _ in range(2):
        card = page.locator("[data-call]").last
        expect(card).to_have_attribute("data-status", "done")
        expect(card).to_contain_text("<img src=https://evil.example/x>")
        assert card.locator("img, a:not(.pill), iframe, script, form").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert find_visible_violations(page) == []
        page.reload()


def test_denied_it_is_not_done(open_: Visit) -> None:
    page = open_()
    turn = ask(page, 'How long does parental leave last? call test__add {"a": 1, "b": 2}')
    deny = turn.get_by_role("button", name="Do not allow")
    expect(deny).to_be_visible()
    deny.press("Enter")
    ended(turn)
    expect(turn.locator("[data-call]")).to_contain_text("You did not allow it")


@pytest.mark.parametrize("width", [1440, 360])
def test_a_command_is_found_behind_the_slash_and_calls_its_tool(open_: Visit, width: int) -> None:
    page = open_(width=width)
    page.locator("[data-chat][data-ready]").wait_for()
    page.locator("textarea[name=text]").focus()
    page.keyboard.type("/calc")
    expect(page.get_by_role("option", name="calc: Calculator")).to_be_visible()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Calculator")
    expect(dialog.get_by_label("Expression")).to_be_focused()
    assert find_visible_violations(page) == []
    page.keyboard.type("6 * 7")
    page.keyboard.press("Enter")
    expect(page.locator("textarea[name=text]")).to_have_value("/calc 6 * 7")
    expect(page.locator("textarea[name=text]")).to_be_focused()
    page.keyboard.press("Enter")
    card = page.locator("[data-call]")
    expect(card).to_contain_text("6 * 7 = 42")
    ended(page.locator("[data-turn]").last)
    expect(page.locator("[data-steps]")).to_be_hidden()  # nothing is being sent any more
    tab_to(card.locator("summary"), "Shift+Tab")
    page.keyboard.press("Enter")
    expect(card.locator("dd")).to_have_text("6 * 7")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [1440, 360])
def test_a_sentence_from_the_result_of_a_tool_names_it(open_: Visit, width: int) -> None:
    page = open_(width=width, **({"color_scheme": "dark"} if width < 500 else {}))
    turn = ended(ask(page, "/calc 6 * 7\nWhat does that come to?"))
    for _ in range(2):  # as it was written, and as it was kept
        turn = page.locator("[data-turn]").last
        expect(turn.locator("[data-part=text]")).to_contain_text("The result is 42.")
        expect(turn.locator(".pill.tool")).to_have_text("Calculator")
        expect(turn.locator("[data-part=text] .unverified")).to_have_count(0)
        assert find_visible_violations(page) == []
        page.reload()
        page.locator("[data-chat][data-ready]").wait_for()


def test_a_tool_is_called_from_the_menu_before_what_was_written(open_: Visit) -> None:
    page = open_()
    page.locator("[data-chat][data-ready]").wait_for()
    field = page.locator("textarea[name=text]")
    field.fill("Which page says so?")
    page.locator("[data-add] > summary").press("Enter")
    page.locator("[data-tools] > summary").press("Enter")
    page.get_by_role("button", name="Read a document").press("Enter")
    dialog = page.get_by_role("dialog", name="Read a document")
    expect(dialog.get_by_label("Document")).to_be_focused()
    page.keyboard.type("Nowhere")
    page.keyboard.press("Tab")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    expect(field).to_have_value('/read {"title":"Nowhere","page":2}\nWhich page says so?')
    field.press("Enter")
    card = page.locator("[data-call]")
    expect(card).to_contain_text("None of the documents")
    expect(card.locator("dd").nth(1)).to_have_text("2")
    ended(page.locator("[data-turn]").last)

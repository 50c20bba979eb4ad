"""Two chat models: chosen by keyboard, asked again with the other one, and compared."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.axe import find_visible_violations
from tests.journeys.chat import LEAVE, ask, ended, more, show_controls, tab_to
from tests.journeys.conftest import Visit, visiting
from tests.journeys.site import Site, beside

MORE = [{"name": "Large", "url": "http://large.example/v1", "model": "large-70B", "reads_well": True, "reasons": True}]


@pytest.fixture(scope="module")
def several(site: Site) -> Iterator[Site]:
    """Run another web process that offers two models."""
    models = {"LLM_NAME": "Small", "LLM_MORE": json.dumps(MORE)}
    with beside(site, LLM_BACKEND="tests.journeys.model.PacedChat", **models) as own:
        yield own


@pytest.fixture
def open_(several: Site, chromium: Any, signed_in: Callable[[str], Any]) -> Iterator[Visit]:
    """Return `visit` for that process."""
    with visiting(several, chromium, signed_in) as opened:
        yield opened


@pytest.mark.parametrize("width", [1440, 360])
def test_question_is_answered_by_two_models_by_keyboard(open_: Visit, width: int) -> None:
    page = open_(width=width)
    menu = page.locator("[data-models] > summary")
    expect(menu).to_contain_text("Small")
    turn = ended(ask(page, LEAVE))
    expect(turn.locator("[data-steps]")).to_contain_text("Small wrote")
    page.wait_for_url("**/c/**")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("radio", name="Large")).to_be_visible()
    assert find_visible_violations(page, "[data-models]") == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab_to(page.locator("[data-models] input[name=model]:checked"))
    page.keyboard.press("ArrowDown")
    expect(menu).to_contain_text("Large")
    page.keyboard.press("Escape")
    tab_to(page.locator('[data-do="retry"]'), "Shift+Tab")
    page.keyboard.press("Enter")
    turn = page.locator("[data-turn]").last
    expect(turn.locator("[data-steps]")).to_contain_text("Large wrote")
    expect(page.get_by_role("link", name="Compare", exact=True)).to_be_visible()  # the answer has its siblings
    more(turn).locator("[data-behind]").click()
    page.get_by_text("Settings, usage, safety").click()
    expect(page.locator(".behind")).to_contain_text("large-70B")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Compare", exact=True).click()
    sides = page.locator(".compare > section")
    expect(sides.nth(0)).to_contain_text("Small")
    expect(sides.nth(1)).to_contain_text("Large")
    page.get_by_role("button", name="Answer 2 is better").click()
    expect(sides.nth(1).locator(".badge")).to_have_text("better")
    assert find_visible_violations(page) == []


def test_an_assistant_answers_with_its_model(open_: Visit) -> None:
    page = open_("/assistants/new/")
    page.get_by_label("Name", exact=True).fill("Deep one")
    page.locator("summary", has_text="More options").click()
    page.get_by_label("Model").select_option("Large")
    assert find_visible_violations(page) == []
    page.get_by_role("button", name="Create assistant").click()
    page.get_by_text("Deep one was created.").wait_for()
    page.goto(page.url.split("/assistants")[0] + "/")
    show_controls(page)
    page.locator("[data-assistants] summary").click()
    page.locator("[data-assistants]").get_by_role("link", name="Deep one").click()
    expect(page.locator("[data-models] > summary")).to_contain_text("Large")
    turn = ended(ask(page, LEAVE))
    expect(turn.locator("[data-steps]")).to_contain_text("Large wrote")
    bar = page.locator(".composer-bar")
    expect(bar).to_contain_text("with Deep one")
    expect(bar.locator("[data-assistants]")).to_have_count(0)
    begun = bar.inner_text()
    page.reload()
    page.locator("[data-chat][data-ready]").wait_for()
    assert bar.inner_text() == begun, "the same composer"


@pytest.mark.parametrize("width", [1440, 360])
def test_answers_of_two_models_are_compared_side_by_side(open_: Visit, width: int) -> None:
    page = open_(width=width)
    expect(page.locator("[data-model-words]")).to_be_visible()
    assert page.locator("[data-model-words]").bounding_box()["width"] > 30, "the name, not an icon alone"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    turn = ended(ask(page, LEAVE))
    more(turn).get_by_role("button", name="Compare with another model or assistant").click()
    dialog = page.get_by_role("dialog", name="Compare with")
    assert find_visible_violations(page) == []
    dialog.get_by_role("button", name="Large").click()
    page.wait_for_url("**/compare/**")
    sides = page.locator(".compare > section")
    expect(sides.nth(0)).to_contain_text("Small")
    expect(sides.nth(1)).to_contain_text("Large")
    one, other = (sides.nth(at).bounding_box() for at in range(2))
    assert (one["y"] == other["y"]) == (width > 1000), "in two columns where there is room"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [1440, 360])
def test_question_to_two_models_at_once_is_answered_side_by_side(open_: Visit, width: int) -> None:
    page = open_(width=width)
    menu = page.locator("[data-second] > summary")
    show_controls(page)
    menu.click()
    assert find_visible_violations(page, "[data-second]") == []
    page.locator("[data-second]").get_by_role("radio", name="Large").check()
    page.keyboard.press("Escape")
    expect(menu).to_contain_text("Large")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ask(page, LEAVE)
    pair = page.locator(".pair > .turn")
    expect(pair).to_have_count(2)  # the first stays while the second is written
    page.wait_for_url("**/compare/**")
    sides = page.locator(".compare > section")
    expect(sides.nth(0)).to_contain_text("Small")
    expect(sides.nth(1)).to_contain_text("Large")


def test_the_second_answer_comes_after_a_reload_too(open_: Visit) -> None:
    page = open_()
    show_controls(page)
    page.locator("[data-second] > summary").click()
    page.locator("[data-second]").get_by_role("radio", name="Large").check()
    page.keyboard.press("Escape")
    ask(page, LEAVE)
    page.wait_for_url("**/c/**")
    page.reload()
    page.wait_for_url("**/compare/**")
    expect(page.locator(".compare > section")).to_have_count(2)

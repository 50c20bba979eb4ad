"""Conversation of 2,000 messages: opens at once at its end, and loads earlier messages while scrolling."""

from __future__ import annotations

import re

import pytest

from tests.journeys.chat import LEAVE, ended, quickest
from tests.journeys.conftest import Visit
from tests.journeys.site import Site


@pytest.fixture(scope="module")
def long(site: Site) -> str:
    return site.seed("long")


@pytest.mark.parametrize("width", [1440, 360])
def test_long_conversation_opens_at_its_end_fast_and_goes_back_without_a_jump(
    visit: Visit, long: str, width: int
) -> None:
    page = visit(width=width)
    assert quickest(page, page.url.rstrip("/") + f"/c/{long}/") < 15, "about 0.3 s on a quiet machine"
    assert page.get_by_text("Question 999?", exact=True).is_visible()
    assert page.evaluate("scrollY + innerHeight >= document.documentElement.scrollHeight - 2")
    assert page.locator("[data-turn]").count() < 30
    for _ in range(3):
        before = page.locator("[data-turn]").count()
        first = page.locator("[data-turn]").first.element_handle()
        page.evaluate("document.querySelector('[data-turn]').scrollIntoView()")
        page.wait_for_function("before => document.querySelectorAll('[data-turn]').length > before", arg=before)
        top = first.evaluate("turn => turn.getBoundingClientRect().top")
        assert abs(top) < 200, "what was being read stays where it was"
    field = page.locator("textarea[name=text]")
    field.fill("x")
    assert page.locator("[data-turn]").count() < 120, "only what somebody went to is there"


def test_a_chat_opens_at_its_last_question_with_a_long_answer_below_it(visit: Visit, site: Site, long: str) -> None:
    page = visit(width=360)
    tall = "[data-turn]:last-child > :last-child { min-height: 3000px }"
    page.add_init_script(
        f"const tall = new CSSStyleSheet(); tall.replaceSync('{tall}'); document.adoptedStyleSheets = [tall];"
    )
    page.goto(f"{site.url}/c/{long}/")
    page.locator("[data-chat][data-ready]").wait_for()
    question = page.locator("[data-turn]").last.locator("[data-question]")
    assert 0 <= question.bounding_box()["y"] < 200


def test_a_message_that_was_looked_for_is_in_view_and_the_next_question_goes_to_the_end(
    visit: Visit, site: Site, long: str
) -> None:
    page = visit()
    page.goto(f"{site.url}/c/{long}/")
    earlier = page.request.get(site.url + page.locator("[data-gap]").get_attribute("data-gap")).text()
    at = re.findall(r'data-turn="([^"]+)"', earlier)[0]
    page.goto(f"{site.url}/c/{long}/?at={at}")
    page.locator("[data-chat][data-ready]").wait_for()
    looked_for = page.locator(f'[data-turn="{at}"]')
    assert -2 <= looked_for.evaluate("turn => turn.getBoundingClientRect().top") < 300
    page.fill("textarea[name=text]", LEAVE)
    page.press("textarea[name=text]", "Enter")
    page.get_by_text(LEAVE).first.wait_for()
    last = page.locator("[data-turn]").last
    ended(last)
    assert LEAVE in last.inner_text()
    page.goto(f"{site.url}/c/{long}/")
    assert LEAVE in page.locator("[data-turn]").last.inner_text()
    assert page.locator("[data-turn]").nth(-2).get_by_text("Question 999?", exact=True).count() == 1

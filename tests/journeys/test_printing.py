"""Printed conversation, and tab strips: the combined effect of several style sheets."""

from __future__ import annotations

import pytest

from tests.journeys.chat import ask, ended
from tests.journeys.conftest import Visit


def test_a_printed_source_stands_in_both_brackets(visit: Visit) -> None:
    page = visit()
    ended(ask(page, "Which employee may take parental leave?"))
    page.wait_for_url("**/c/**")
    page.goto(f"{page.url.split('?')[0]}print/")
    page.emulate_media(media="print")
    pill = page.locator("a.pill").first
    content, place = pill.evaluate(
        "pill => ['content', 'position'].map(name => getComputedStyle(pill, '::after')[name])"
    )
    assert content == '"]"'
    assert place == "static"
    assert pill.evaluate("pill => getComputedStyle(pill, '::before').content") == '"["'


@pytest.mark.parametrize("width", [1440, 360])
def test_a_strip_of_tabs_does_not_scroll_up_and_down(visit: Visit, width: int) -> None:
    page = visit("/conversations/all/", width=width)
    strip = page.locator(".tabs").first
    assert strip.evaluate("strip => strip.scrollHeight - strip.clientHeight") == 0
